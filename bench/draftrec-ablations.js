// DraftRec with parts left out, on one file of matches: each variant beside the full model of the same seed, and the full
// model over several seeds beside its baselines; with --only, those variants over all seeds. What is finished lies in DIR and is
// not trained again.
//   node bench/draftrec-ablations.js --data FILE --format opendota --out DIR [--seeds 3] [--epochs 24] [--only full,no-match] [--dist ../dist]
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string" },
    format: { type: "string", default: "opendota" },
    out: { type: "string" },
    seeds: { type: "string", default: "3" },
    epochs: { type: "string", default: "24" },
    only: { type: "string" },
    dist: { type: "string", default: "../dist" },
  },
});
const room = `${flags.dist}/games/moba`;
const { paperQuirks } = await import(`${room}/draftrec/config.js`);
const { trainDraftRec } = await import(`${room}/draftrec/train.js`);
const { evaluateRecommender } = await import(`${room}/evaluate.js`);
const { matchInterval, pairedDifference } = await import(`${room}/metrics.js`);
const { plainBaselines, sasrecOptions } = await import(`${room}/report.js`);
const { readMatches } = await import(`${room}/data/read.js`);
const { splitByTime } = await import(`${room}/data/dataset.js`);

// The defaults of `draftwright game moba train`.
const full = {
  network: { hidden: 32, blocks: 1, heads: 2, history: 30, dropout: 0.2 },
  epochs: Number(flags.epochs),
  batch: 16,
  rate: 0.004,
  lambda: 0.8,
};
const but = (network, rest = {}) => ({ ...full, ...rest, network: { ...full.network, ...network } });
const variants = {
  full,
  sasrec: sasrecOptions(full),
  "no-habits": but({ habits: false }),
  "no-players": but({ playerNetwork: false }),
  "no-match": but({ matchNetwork: false }),
  "lambda-1": but({}, { lambda: 1 }),
  "lambda-0": but({}, { lambda: 0 }),
  "history-10": but({ history: 10 }),
  paper: but({ habits: false, form: false, quirks: paperQuirks }),
};
const overSeeds = ["full", "sasrec"];

mkdirSync(flags.out, { recursive: true });
const { data } = readMatches(flags.data, flags.format);
const split = splitByTime(data);
const seeds = Array.from({ length: Number(flags.seeds) }, (_, i) => i + 1);
const chosen = flags.only?.split(",") ?? Object.keys(variants);
const fileOf = (name, seed) => `${flags.out}/${name}.${seed}`;
const keep = (path, value) => {
  writeFileSync(`${path}.part`, JSON.stringify(value));
  renameSync(`${path}.part`, path);
};
const kept = ({ hitRate, ndcg, hr10PerMatch, rightPerMatch, outcome }) => ({
  hitRate,
  ndcg,
  hr10PerMatch,
  rightPerMatch,
  outcome,
});
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

for (const seed of seeds) {
  for (const name of chosen) {
    const path = `${fileOf(name, seed)}.json`;
    if (existsSync(path) || (seed > 1 && !flags.only && !overSeeds.includes(name))) continue;
    const begin = cpuSeconds();
    const model = trainDraftRec(data, split, {
      ...variants[name],
      seed,
      runFile: `${fileOf(name, seed)}.gguf`,
      onEpoch: (e) =>
        process.stderr.write(
          `${name} ${seed}: epoch ${e.epoch} of ${e.epochs}, ${e.policyLoss.toFixed(4)}, ${e.valueLoss.toFixed(4)}\n`,
        ),
    });
    const everything = model.config.quirks.rankEverything;
    const report = kept(evaluateRecommender(model.recommender(data), data, split.test, { everything }));
    const legal = everything ? kept(evaluateRecommender(model.recommender(data), data, split.test)) : undefined;
    keep(path, { ...report, legal, cpuSeconds: cpuSeconds() - begin });
    if (name === "full") {
      // Form is fitted when the networks stand, so leaving it out needs no training.
      model.formWeight = 0;
      keep(`${fileOf("no-form", seed)}.json`, kept(evaluateRecommender(model.recommender(data), data, split.test)));
    }
    model[Symbol.dispose]();
  }
}

const rows = [];
const read = (name, seed) => {
  const path = `${fileOf(name, seed)}.json`;
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
};
const percent = (x) => (x === undefined ? "-" : (100 * x).toFixed(1));
const span = ({ lo, hi }) => `${percent(lo)} to ${percent(hi)}`;
const difference = (a, b) => {
  if (!a || !b) return "-";
  const { difference: d, ...interval } = pairedDifference(a, b, 1);
  return `${percent(d)} (${span(interval)})`;
};
const row = (name, one, base) =>
  rows.push([
    name,
    percent(one.hitRate?.[0]),
    percent(one.hitRate?.[2]),
    percent(one.ndcg?.[2]),
    one.rightPerMatch ? `${percent(one.outcome.accuracy)} (${span(matchInterval(one.rightPerMatch, 1))})` : "-",
    percent(one.outcome?.mae),
    base ? difference(one.hr10PerMatch, base.hr10PerMatch) : "",
    base ? difference(one.rightPerMatch, base.rightPerMatch) : "",
    one.cpuSeconds?.toFixed(0) ?? "",
  ]);
for (const seed of seeds) {
  const base = read("full", seed);
  for (const name of [...Object.keys(variants), "no-form"]) {
    const one = read(name, seed);
    if (one) row(`${name}, seed ${seed}`, one, name === "full" ? undefined : base);
    if (one?.legal) row(`${name}, seed ${seed}, legal picks only`, one.legal, base);
  }
}
// Baselines less the full model: bootstrap by match of the mean over seeds, so that the interval is of matches alone.
const fulls = seeds.map((seed) => read("full", seed)).filter(Boolean);
const mean = (key) => fulls[0]?.[key]?.map((_, m) => fulls.reduce((sum, one) => sum + one[key][m], 0) / fulls.length);
const over = { hr10PerMatch: mean("hr10PerMatch"), rightPerMatch: mean("rightPerMatch") };
for (const baseline of fulls.length ? plainBaselines(data, split, 1) : []) {
  row(
    `${baseline.name} less the mean of ${fulls.length} full models`,
    kept(evaluateRecommender(baseline, data, split.test)),
    over,
  );
}
console.log("model | HR@1 | HR@10 | NDCG@10 | winner | MAE | HR@10 less full | winner less full | CPU s");
for (const cells of rows) console.log(cells.join(" | "));
