// A training step of DraftRec against PyTorch's on the same shapes, in turns: forward, both losses, gradients, clipping, Adam.
//   node bench/draftrec.js [--python python3] [--rounds 5] [--threads 1] [--dist ../dist]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const { values: flags } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: "1" },
    dist: { type: "string", default: "../dist" },
  },
});
const threads = Number(flags.threads);
const room = `${flags.dist}/games/moba`;
const { fillMatch, newBatch } = await import(`${room}/draftrec/batch.js`);
const { draftRecConfig, paperQuirks } = await import(`${room}/draftrec/config.js`);
const { DraftRecModel } = await import(`${room}/draftrec/model.js`);
const { DraftRecTrainer } = await import(`${room}/draftrec/train.js`);
const nn = await import(`${flags.dist}/nn/index.js`);

const batchSize = 32;
const config = draftRecConfig(
  { championIds: 160, roleIds: 9, stats: 43 },
  { hidden: 128, blocks: 2, heads: 2, history: 50, dropout: 0.1, habits: false, quirks: paperQuirks },
);
const random = new nn.Random(1);
const draw = (n, from, to) => Array.from({ length: n }, () => from + random.integer(to - from));
const situation = () => ({
  players: Array.from({ length: 10 }, () => ({
    champion: draw(50, 4, 160),
    role: draw(50, 4, 9),
    outcome: draw(50, 4, 6),
    stats: Array.from({ length: 50 * 43 }, () => random.normal()),
  })),
  champions: draw(10, 4, 160),
  roles: draw(10, 4, 9),
  bans: [],
  trend: [],
});
const model = new DraftRecModel(config, { champions: [], roles: [], statNames: [], scaling: {} }, { threads });
const trainer = new DraftRecTrainer(model.network, { batch: batchSize, lambda: 0.1, weightDecay: 1e-5, random });
const batch = newBatch(config, batchSize);
for (let m = 0; m < batchSize; m++) fillMatch(config, batch, m, situation());
const targets = draw(10 * batchSize, 4, 160);
const blueWin = draw(batchSize, 0, 2);
const step = () => {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  trainer.run(batch, targets, blueWin);
  trainer.optimiser.step(1e-3);
  const { user, system } = process.cpuUsage(cpu);
  return { ms: performance.now() - wall, cpuMs: (user + system) / 1000 };
};

const settings = JSON.stringify({ ...config, batch: batchSize, threads });
const peer = spawn(flags.python, [new URL("draftrec-peer.py", import.meta.url).pathname, settings], {
  stdio: ["pipe", "pipe", "inherit"],
});
const lines = createInterface({ input: peer.stdout });
const line = async () => JSON.parse((await once(lines, "line"))[0]);
const head = await line();
step();
const rounds = [];
for (let i = 0; i < Number(flags.rounds); i++) {
  const answer = line();
  peer.stdin.write("\n");
  const theirs = await answer;
  rounds.push({ ours: step(), theirs });
}
peer.stdin.end();
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
const of = (who, unit) => Math.round(median(rounds.map((round) => round[who][unit])));
const ratios = (unit) => rounds.map(({ ours, theirs }) => ours[unit] / theirs[unit]).sort((a, b) => a - b);
const report = {
  machine: cpus()[0].model,
  threads,
  torch: head.version,
  parameters: { ours: model.network.parameters.count, theirs: head.parameters },
  ms: { ours: of("ours", "ms"), theirs: of("theirs", "ms") },
  cpuMs: { ours: of("ours", "cpuMs"), theirs: of("theirs", "cpuMs") },
  ratios: { wall: ratios("ms"), cpu: ratios("cpuMs") },
};
console.log(JSON.stringify(report));
