import { Command } from "commander";
import { DraftwrightError } from "../errors.ts";
import { replaceFile } from "../files.ts";
import {
  type BayesReport,
  compareWithBayes,
  countRatings,
  type DraftRecCheckpoint,
  loadDraftRec,
  type MobaData,
  type MobaReport,
  measure,
  mobaFormats,
  paperQuirks,
  readMatches,
  Situations,
  type Split,
  saveDraftRec,
  splitByTime,
  type TrainDraftRecOptions,
  trainDraftRec,
} from "../games/index.ts";
import { decimal, integer } from "./flags.ts";
import { checkOutput } from "./game-file.ts";
import { mobaAdviseCommand } from "./game-moba-advise.ts";

export function mobaCommand(): Command {
  const moba = new Command("moba").description("Champion drafts (DraftRec): train, measure, advise.");
  for (const command of [trainCommand, evalCommand, mobaAdviseCommand, synthCommand]) moba.addCommand(command());
  return moba;
}

interface Flags {
  data: string;
  format: string;
  testFrom?: number;
  out?: string;
  run?: string;
  checkpoint?: string;
  hidden: number;
  blocks: number;
  heads: number;
  history: number;
  dropout: number;
  epochs: number;
  batch: number;
  rate: number;
  lambda: number;
  threads: number;
  seed: number;
  paper?: boolean;
  habits: boolean;
  form: boolean;
  players: boolean;
  match: boolean;
  sasrec: boolean;
  json?: boolean;
}

function withTraining(command: Command): Command {
  return command
    .requiredOption("--data <file>", "matches; docs/moba.md says what each format needs")
    .requiredOption("--format <name>", mobaFormats.join(", "))
    .option("--test-from <start-time>", "test on matches from this time on (default: the newest 20 %)", decimal)
    .option("--run <file>", "keep the state of the training here after each epoch; go on from it when it is there")
    .option("--hidden <n>", "width", integer(2), 32)
    .option("--blocks <n>", "transformer blocks of each network", integer(1), 1)
    .option("--heads <n>", "attention heads", integer(1), 2)
    .option("--history <n>", "past matches of each player", integer(1), 30)
    .option("--dropout <share>", "", decimal, 0.2)
    .option("--epochs <n>", "passes over the training matches", integer(1), 24)
    .option("--batch <n>", "matches a step", integer(1), 16)
    .option("--rate <x>", "highest learning rate", decimal, 0.004)
    .option("--lambda <share>", "share of picks in the loss; the rest is the winner", decimal, 0.8)
    .option("--threads <n>", "compute threads", integer(1), 1)
    .option("--seed <n>", "equal seeds train equal networks", integer(0), 1)
    .option("--paper", "all quirks of the authors' code, no habits, no form")
    .option("--no-habits", "without the log shares of histories in the logits: the paper's network")
    .option("--no-form", "winners without the players' earlier wins beside the value head: the paper's network")
    .option("--no-players", "ablation: without the player network")
    .option("--no-match", "ablation: without the match network; no winner then")
    .option("--no-sasrec", "leave out the SASRec-like baseline, which has to be trained")
    .option("--json", "print one JSON object");
}

function trainCommand(): Command {
  return withTraining(new Command("train").description("Trains DraftRec and measures it on newer matches."))
    .option("--out <file>", "write a checkpoint (weights, names, ratings; no account ids)")
    .action((flags: Flags) => runAndPrint(flags));
}

function evalCommand(): Command {
  return withTraining(
    new Command("eval").description("Measures DraftRec beside baselines on newer matches; trains first."),
  )
    .option("--checkpoint <file>", "measure this one instead of training; it must not have seen the test matches")
    .action((flags: Flags) => runAndPrint(flags));
}

function runAndPrint(flags: Flags): void {
  for (const path of [flags.out, flags.run]) if (path !== undefined) checkOutput(path);
  const { data, truth } = readMatches(flags.data, flags.format);
  const split = splitByTime(data, { testFrom: flags.testFrom });
  for (const [reason, count] of Object.entries(data.skipped)) say(`${count} matches left out: ${reason}`);
  using opened = openModel(flags, data, split);
  const { model } = opened;
  const report: MobaReport & { bayes?: BayesReport } = measure(model.recommender(data), data, split, {
    seed: flags.seed,
    everything: model.config.quirks.rankEverything,
    sasrec: flags.sasrec ? { ...trainingOptions(flags), onEpoch: progress("sasrec") } : undefined,
  });
  if (truth) report.bayes = compareWithBayes(truth, split, report);
  if (flags.out) save(flags.out, data, split, opened, flags.format);
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : reportText(report));
}

function openModel(flags: Flags, data: MobaData, split: Split) {
  if (!flags.checkpoint) {
    const model = trainDraftRec(data, split, { ...trainingOptions(flags), onEpoch: progress("draftrec") });
    return { model, [Symbol.dispose]: () => model[Symbol.dispose]() };
  }
  const { model } = loadDraftRec(flags.checkpoint, flags);
  const same = model.champions.map(({ key }) => key).join() === data.champions.map(({ key }) => key).join();
  if (!same || model.roles.length !== data.roles.length || model.statNames.length !== data.statNames.length) {
    model[Symbol.dispose]();
    throw new DraftwrightError(
      "bad-argument",
      `${flags.checkpoint} was trained on other champions, roles or statistics than ${flags.data} has. Train on this format first.`,
    );
  }
  return { model, [Symbol.dispose]: () => model[Symbol.dispose]() };
}

function trainingOptions(flags: Flags): TrainDraftRecOptions {
  const { hidden, blocks, heads, history, dropout, epochs, batch, rate, lambda, threads, seed, run } = flags;
  return {
    epochs,
    batch,
    rate,
    lambda,
    threads,
    seed,
    runFile: run,
    network: {
      hidden,
      blocks,
      heads,
      history,
      dropout,
      habits: flags.habits && !flags.paper,
      form: flags.form && !flags.paper,
      playerNetwork: flags.players,
      matchNetwork: flags.match,
      quirks: flags.paper ? paperQuirks : undefined,
    },
  };
}

/** Ratings of all matches and what is picked lately; measured figures stay those of the split. */
function save(
  path: string,
  data: MobaData,
  split: Split,
  { model }: { model: DraftRecCheckpoint["model"] },
  format: string,
): void {
  const trend = Array.from(new Situations(data, model.scaling).trend(data.matches));
  const ratings = countRatings(data, { from: 0, to: data.matches });
  const count = split.valid.to;
  const trainedOn = `the oldest ${count} of ${data.matches} matches (${format}); ratings: all of them, times ${data.time[0]} to ${data.time[data.matches - 1]}`;
  saveDraftRec(path, { model, trend, ratings, trainedOn });
  say(`wrote ${path}`);
}

const say = (line: string) => process.stderr.write(`${line}\n`);

const progress =
  (name: string) => (e: { epoch: number; epochs: number; policyLoss: number; valueLoss: number; seconds: number }) =>
    say(
      `${name}: epoch ${e.epoch} of ${e.epochs}, validation loss of picks ${e.policyLoss.toFixed(4)}, of winners ${e.valueLoss.toFixed(4)}, ${e.seconds.toFixed(0)} s`,
    );

const percent = (x: number | null) => (x === null ? "-" : (100 * x).toFixed(1)).padStart(6);

function reportText(r: MobaReport & { bayes?: BayesReport }): string {
  const row = (name: string, hr10: number | null, ndcg10: number | null, accuracy: number | null) =>
    `${name.padEnd(14)}${percent(hr10)}  ${percent(ndcg10)}  ${percent(accuracy)}`;
  const span = (i: { lo: number; hi: number } | null) =>
    i ? `${percent(i.lo).trim()} to ${percent(i.hi).trim()}` : "-";
  return [
    `${r.n} test matches; %, intervals of 95 %`,
    `${"".padEnd(14)}${"HR@10".padStart(6)}  ${"NDCG".padStart(6)}  ${"winner".padStart(6)}`,
    row("draftrec", r.hr10, r.ndcg10, r.accuracy),
    ...Object.entries(r.baselines).map(([name, b]) => row(name, b.hr10, b.ndcg10, b.accuracy)),
    `HR@10 ${span(r.intervals.hr10)}; winner ${span(r.intervals.accuracy)}`,
    `HR@10 less the best baseline (${r.versusBest.baseline}): ${(100 * r.versusBest.hr10Diff).toFixed(1)} points, ${span(r.versusBest)}`,
    ...(r.bayes
      ? [
          `best possible: HR@10 ${percent(r.bayes.hr10).trim()}, winner ${percent(r.bayes.accuracy).trim()}; ${percent(r.bayes.gapRecovered).trim()} % of the gap above popularity recovered`,
        ]
      : []),
    "",
  ].join("\n");
}

function synthCommand(): Command {
  return new Command("synth")
    .description("Writes a file of --format synthetic: matches drawn from a model whose best predictions are known.")
    .requiredOption("--out <file>", "where to write it")
    .option("--matches <n>", "", integer(1), 20000)
    .option("--champions <n>", "", integer(30), 100)
    .option("--seed <n>", "equal seeds draw equal matches", integer(0), 1)
    .action(({ out, matches, champions, seed }: { out: string; matches: number; champions: number; seed: number }) => {
      replaceFile(out, `${JSON.stringify({ matches, champions, seed })}\n`);
    });
}
