import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Backend } from "../ggml/index.ts";
import * as nn from "./index.ts";

const backend = new Backend(undefined, { threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "draftwright-nn-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Stored {
  x: number[];
  target: number[];
  before: Record<string, number[]>;
  losses: number[];
  norms: number[];
  after: Record<string, number[]>[];
}

test("AdamW steps equal PyTorch's", () => {
  const stored = JSON.parse(readFileSync(new URL("./testing/adamw-step.json", import.meta.url), "utf8")) as Stored;
  using all = new nn.Parameters(backend);
  const net = new nn.Mlp(all, "net", [8, 16, 4], "tanh");
  for (const p of all.all) p.write(Float32Array.from(stored.before[p.name]));
  using optimiser = new nn.Optimiser(all, { betas: [0.9, 0.95], weightDecay: 0.1, clipNorm: 0.3 });
  using graph = classifier(net, optimiser, 8, 16, 4);
  graph.parts.x.set(stored.x);
  graph.parts.labels.hard(stored.target);
  for (const [step, expected] of stored.after.entries()) {
    expect(graph.run()).toBeCloseTo(stored.losses[step], 5);
    expect(stored.norms[step]).toBeGreaterThan(0.3);
    expect(optimiser.step(1e-2)).toBeCloseTo(stored.norms[step], 4);
    for (const p of all.all) {
      for (const [i, value] of p.read().entries()) expect(Math.abs(value - expected[p.name][i])).toBeLessThan(1e-5);
    }
  }
});

function classifier(net: nn.Mlp, optimiser: nn.Optimiser | undefined, inputs: number, rows: number, classes: number) {
  return new nn.LossGraph(backend, optimiser, (tape) => {
    const [x, labels] = [tape.input(inputs, rows), new nn.Labels(tape, classes, rows)];
    return { x, labels, loss: nn.crossEntropy(net.apply(x.variable), labels) };
  });
}

/** Four classes by the signs of the first two numbers. */
function batch(random: nn.Random, rows: number): { x: number[]; classes: number[] } {
  const x = Array.from({ length: rows * 8 }, () => random.normal());
  const classes = Array.from({ length: rows }, (_, i) => (x[i * 8] > 0 ? 1 : 0) + (x[i * 8 + 1] > 0 ? 2 : 0));
  return { x, classes };
}

function open(seed = 1, options: nn.OptimiserOptions = {}) {
  const all = new nn.Parameters(backend, seed);
  const net = new nn.Mlp(all, "net", [8, 32, 4]);
  const optimiser = new nn.Optimiser(all, options);
  const graph = classifier(net, optimiser, 8, 16, 4);
  const random = new nn.Random(seed);
  const step = (rate = 1e-2, runs = 1) => {
    let loss = 0;
    for (let i = 0; i < runs; i++) {
      const { x, classes } = batch(random, 16);
      graph.parts.x.set(x);
      graph.parts.labels.hard(classes);
      loss = graph.run();
    }
    optimiser.step(rate);
    return loss;
  };
  const close = () => {
    for (const owner of [graph, optimiser, all]) owner[Symbol.dispose]();
  };
  return { all, net, optimiser, graph, random, step, close, [Symbol.dispose]: close };
}

const values = (all: nn.Parameters) => all.all.map((p) => [...p.read()]);

test("a network learns, and runs without gradients", () => {
  using run = open();
  const first = run.step();
  for (let i = 0; i < 300; i++) run.step();
  const last = run.step();
  expect(last).toBeLessThan(first / 4);
  const { x, classes } = batch(new nn.Random(99), 16);
  using tape = new nn.Tape(backend, { gradients: false });
  const input = tape.input(8, 16);
  const logits = tape.output(run.net.apply(input.variable));
  tape.ready();
  input.set(x);
  tape.run();
  const right = classes.filter((c, row) => {
    const scores = logits.array.subarray(row * 4, row * 4 + 4);
    return scores.indexOf(Math.max(...scores)) === c;
  });
  expect(right.length).toBeGreaterThan(13);
});

test("SGD is a step along the gradient", () => {
  using run = open(1, { method: "sgd" });
  const before = values(run.all);
  run.step(0.5);
  const gradients = run.all.all.map((p) => {
    const g = new Float32Array(p.elements);
    run.optimiser.gradient(p)?.read(g);
    return g;
  });
  for (const [p, after] of values(run.all).entries()) {
    for (const [i, value] of after.entries()) expect(value).toBeCloseTo(before[p][i] - 0.5 * gradients[p][i], 6);
  }
});

test("accumulated gradients are the mean of the runs", () => {
  using twice = open(1, { method: "sgd" });
  using once = open(1, { method: "sgd" });
  twice.step(1, 2);
  const start = values(once.all);
  once.step(0.5);
  const middle = values(once.all);
  // The second batch from the same start: undo the first step.
  for (const [i, p] of once.all.all.entries()) p.write(Float32Array.from(start[i]));
  once.step(0.5);
  const second = values(once.all);
  for (const [p, after] of values(twice.all).entries()) {
    for (const [i, value] of after.entries()) {
      expect(value).toBeCloseTo(middle[p][i] + second[p][i] - start[p][i], 5);
    }
  }
});

test("a resumed run has the weights of an uninterrupted one, bit for bit", () => {
  const path = join(folder, "run.gguf");
  using whole = open(5, { weightDecay: 0.01, clipNorm: 1 });
  for (let i = 0; i < 10; i++) whole.step();
  {
    using first = open(5, { weightDecay: 0.01, clipNorm: 1 });
    for (let i = 0; i < 4; i++) first.step();
    nn.saveRun(path, { parameters: first.all, ...first }, { seen: 64 });
  }
  using second = open(6, { weightDecay: 0.01, clipNorm: 1 });
  expect(nn.loadRun(path, { parameters: second.all, ...second })).toEqual({ seen: 64 });
  for (let i = 0; i < 6; i++) second.step();
  expect(values(second.all)).toEqual(values(whole.all));
});

test("parameters are saved and read by name; a wrong shape is refused", () => {
  const path = join(folder, "net.gguf");
  using run = open(2);
  nn.saveParameters(path, run.all);
  using other = open(3);
  nn.loadParameters(path, other.all);
  expect(values(other.all)).toEqual(values(run.all));
  using wrong = new nn.Parameters(backend);
  new nn.Mlp(wrong, "net", [8, 16, 4]);
  expect(() => nn.loadParameters(path, wrong)).toThrow(/net.0.weight.*expected 128/);
});

test("frozen parameters stay, the others move", () => {
  using all = new nn.Parameters(backend, 1);
  const net = new nn.Mlp(all, "net", [8, 32, 4]);
  net.layers[0].weight.trainable = false;
  using optimiser = new nn.Optimiser(all);
  using graph = classifier(net, optimiser, 8, 16, 4);
  const { x, classes } = batch(new nn.Random(1), 16);
  graph.parts.x.set(x);
  graph.parts.labels.hard(classes);
  const before = values(all);
  graph.run();
  optimiser.step(0.1);
  const after = values(all);
  expect(all.all.map((_, i) => before[i].every((v, j) => v === after[i][j]))).toEqual([true, false, false, false]);
});

test("mistakes are errors, not the end of the process", () => {
  using run = open();
  expect(() => run.optimiser.step(1)).toThrow(/run a loss before/);
  run.graph.parts.x.set(new Float32Array(8 * 16).fill(Number.NaN));
  run.graph.parts.labels.hard(new Array(16).fill(0));
  const before = values(run.all);
  run.graph.run();
  expect(() => run.optimiser.step(1)).toThrow(/not finite/);
  expect(values(run.all)).toEqual(before);
  run.step();
  expect(values(run.all).flat().every(Number.isFinite)).toBe(true);
  using tape = new nn.Tape(backend);
  const tokens = tape.indices(10, 3);
  const table = run.all.create("table", [4, 10], nn.zeros);
  expect(() => tape.backward(tape.input(1).variable)).toThrow(/no trainable parameter/);
  tape.output(nn.selectRows(tape.use(run.all, table), tokens));
  tape.ready();
  tokens.set([0, 10, 2]);
  expect(() => tape.run()).toThrow(/index 10 at 1/);
  expect(() => nn.matmul(tape.input(4, 3, 2).variable, tape.input(4, 3, 3).variable)).toThrow(/no gradient/);
});

test("schedules", () => {
  const rate = nn.cosine(1, 110, 10, 0.1);
  expect([0, 9, 10, 60, 110, 500].map(rate)).toEqual([0.1, 1, 1, 0.55, 0.1, 0.1].map((n) => expect.closeTo(n, 6)));
  expect([0, 10, 60, 200].map(nn.linear(1, 110, 10))).toEqual([0.1, 1, 0.5, 0].map((n) => expect.closeTo(n, 6)));
});

test("dropout keeps the mean and drops other elements each run", () => {
  using all = new nn.Parameters(backend);
  const one = all.create("one", [64, 64], nn.ones);
  using tape = new nn.Tape(backend);
  const random = new nn.Random(1);
  const y = tape.output(nn.dropout(tape.use(all, one), 0.25, random));
  tape.ready();
  tape.run();
  const first = y.array.slice();
  const zeros = first.filter((v) => v === 0).length / first.length;
  expect(zeros).toBeGreaterThan(0.22);
  expect(zeros).toBeLessThan(0.28);
  expect(Math.max(...first)).toBeCloseTo(4 / 3, 6);
  tape.run();
  expect(y.array).not.toEqual(first);
});
