// A training step of a transformer of 5M parameters: GFLOP/s here and in PyTorch on the same threads, in turns; and the
// products of the backward pass as ggml's outer product and as products with transposed operands.
// Processor time of one thread, so that other programs disturb little. Run: npm run bench:training [-- --python python3]
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Backend, Graph, ops, Type, trainingOps } from "../ggml/index.ts";
import * as nn from "../nn/index.ts";

const shape = { size: 256, layers: 6, hidden: 768, heads: 4, vocabulary: 1024, rows: 128, batch: 4 };

const { values: flags } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    rounds: { type: "string", default: "3" },
  },
});
const backend = new Backend(undefined, { threads: 1 });

const median = (list: number[]) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];

/** Milliseconds of processor time: what one thread takes on an idle machine, also on a busy one. */
function timed(run: () => void, times: number): number {
  run();
  return median(
    Array.from({ length: times }, () => {
      const start = process.cpuUsage();
      run();
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000;
    }),
  );
}

function transformer(all: nn.Parameters) {
  const { size, hidden, heads } = shape;
  const embedding = new nn.Embedding(all, "embedding", shape.vocabulary, size);
  const blocks = Array.from({ length: shape.layers }, (_, i) => ({
    before: new nn.RmsNorm(all, `${i}.before`, size),
    attention: new nn.Attention(all, `${i}.attention`, size, { heads, ropeBase: 10000 }),
    between: new nn.RmsNorm(all, `${i}.between`, size),
    feedForward: new nn.SwiGlu(all, `${i}.feed-forward`, size, hidden),
  }));
  const last = new nn.RmsNorm(all, "last", size);
  return (tape: nn.Tape) => {
    const { rows, batch, vocabulary } = shape;
    const tokens = tape.indices(vocabulary, rows * batch);
    const positions = tape.indices(rows, rows);
    const mask = tape.input(rows, rows);
    const labels = new nn.Labels(tape, vocabulary, rows * batch);
    let x = nn.reshape(embedding.apply(tape, tokens), size, rows, batch);
    for (const block of blocks) {
      x = nn.add(x, block.attention.apply(block.before.apply(x), { mask: mask.variable, positions }));
      x = nn.add(x, block.feedForward.apply(block.between.apply(x)));
    }
    return { tokens, positions, mask, labels, loss: nn.crossEntropy(embedding.scores(last.apply(x)), labels) };
  };
}

/** Milliseconds of a step, its parameters, and the floating point operations of its matrix products. */
function step(): { ms: number; parameters: number; flop: number } {
  using all = new nn.Parameters(backend, 1);
  const build = transformer(all);
  using optimiser = new nn.Optimiser(all, { clipNorm: 1, weightDecay: 0.1 });
  using graph = new nn.LossGraph(backend, optimiser, build);
  const { rows, batch, vocabulary } = shape;
  const { tokens, positions, mask, labels } = graph.parts;
  tokens.set(Array.from({ length: rows * batch }, (_, i) => (i * 7919) % vocabulary));
  labels.hard(Array.from({ length: rows * batch }, (_, i) => (i * 104729) % vocabulary));
  positions.set(Array.from({ length: rows }, (_, i) => i));
  mask.set(nn.causalMask(rows));
  const ms = timed(() => {
    graph.run();
    optimiser.step(1e-4);
  }, 5);
  // Forward and two products backward: 6 a weight and token; attention: two products of rows x rows x size a layer.
  const flop = 6 * rows * batch * all.count + 12 * shape.layers * rows * rows * batch * shape.size;
  return { ms, parameters: all.count, flop };
}

/** GFLOP/s of one product of the backward pass both ways: inputs [k, n], gradients [m, n]. */
function products(k: number, m: number, n: number): { outer: number; transposed: number } {
  const flop = 2 * k * m * n;
  const rate = (build: (graph: Graph, x: ReturnType<Graph["input"]>, g: ReturnType<Graph["input"]>) => void) => {
    using graph = new Graph(backend, 16);
    const [x, g] = [graph.input(Type.F32, k, n), graph.input(Type.F32, m, n)];
    for (const port of [x, g]) graph.keep(port);
    build(graph, x, g);
    graph.allocate();
    for (const port of [x, g]) (port.array as Float32Array).fill(0.5);
    return flop / timed(() => graph.compute(), 9) / 1e6;
  };
  return {
    outer: rate((graph, x, g) => graph.output(trainingOps.outProd(graph.context, x.tensor, g.tensor))),
    transposed: rate((graph, x, g) => {
      const c = graph.context;
      const turn = (t: typeof x) => trainingOps.contiguous(c, ops.permute(c, t.tensor, [1, 0, 2, 3]));
      graph.output(ops.mulMat(c, turn(x), turn(g)));
    }),
  };
}

function peer(): { ms: number; version: string } | undefined {
  const script = fileURLToPath(new URL("../../bench/training-peer.py", import.meta.url));
  const run = spawnSync(flags.python, [script, JSON.stringify(shape)], { encoding: "utf8" });
  if (run.status === 0) return JSON.parse(run.stdout);
  console.error(`no PyTorch from ${flags.python}: ${(run.stderr || String(run.error)).trim().split("\n").pop()}`);
  return undefined;
}

for (const [k, m] of [
  [256, 256],
  [256, 768],
  [768, 256],
  [576, 1536],
]) {
  const { outer, transposed } = products(k, m, 512);
  const ratio = (transposed / outer).toFixed(2);
  console.log(
    `${k} x ${m}, 512 rows: outer ${outer.toFixed(1)}, transposed ${transposed.toFixed(1)} GFLOP/s, ${ratio}x`,
  );
}
for (let round = 0; round < Number(flags.rounds); round++) {
  const ours = step();
  const other = peer();
  const rate = (ms: number) => `${(ours.flop / ms / 1e6).toFixed(1)} GFLOP/s (${ms.toFixed(0)} ms)`;
  const compared = other ? `; PyTorch ${other.version} ${rate(other.ms)}: ${(other.ms / ours.ms).toFixed(2)}x` : "";
  console.log(`${(ours.parameters / 1e6).toFixed(2)}M parameters, one thread: ${rate(ours.ms)}${compared}`);
}
