import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { tensorType } from "../../ggml/index.ts";
import type { LanguageModel } from "../../lm/model.ts";
import { seededRandom, toyModel } from "../../lm/toy/index.ts";
import { LossGraph, type Optimiser, Parameters, Random, type Tape } from "../../nn/index.ts";
import { gradientError } from "../../nn/testing/gradient-check.ts";
import { drafterConformance } from "../conformance.ts";
import { Generation } from "../generation.ts";
import { fromHalf, toHalf } from "./data.ts";
import { blockEnd } from "./head.ts";
import {
  collect,
  draftTokensOf,
  type Fuser,
  fusers,
  type Head,
  HeadTask,
  headDrafter,
  loadHead,
  loadHeadData,
  makeHead,
  saveHead,
  saveHeadData,
  type TargetParts,
} from "./index.ts";
import { HeadRunner } from "./runner.ts";
import { backend, randomData, randomHead, toyParts } from "./testing/toy-head.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-heads-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const falconWith = (fuser: Fuser) => ({ kind: "falcon" as const, fuser });
const kinds = ["medusa", "amphista", "eagle", "falcon"] as const;
const toyVocabulary = 40;
const conforming = [...kinds.map((kind) => ({ kind })), ...(["gate", "lstm", "newest"] as const).map(falconWith)];
for (const { kind, ...settings } of conforming) {
  const head = randomHead(kind, settings);
  const parts = new Map<number, TargetParts>();
  drafterConformance(`${[kind, ...Object.values(settings)].join(" ")} of random weights`, ({ vocabSize }) => {
    const target = parts.get(vocabSize) ?? toyParts(vocabSize);
    parts.set(vocabSize, target);
    // Tables have no hidden states.
    const features = vocabSize === toyVocabulary;
    return headDrafter({ backend, head, target, branches: 4, depth: 4, clock: () => 0, features });
  });
}

describe("the cache of a head", () => {
  const cases = { amphista: {}, eagle: {}, falcon: { block: 1, fuser: "lstm" } } as const;
  test.each(Object.keys(cases) as (keyof typeof cases)[])(
    "%s: row by row equals all at once, with paths of a tree",
    (kind) => {
      using target = toyParts(30);
      const head = randomHead(kind, cases[kind]);
      const random = new Random(3);
      const features = Array.from({ length: 9 }, () => Float32Array.from({ length: 16 }, () => random.normal()));
      const tokens = [3, 1, 4, 1, 5, 9, 2, 6, 5];
      const all = tokens.map((_, i) => i);
      using whole = new HeadRunner(backend, head, target, 64);
      const together = whole.run({
        features,
        tokens,
        positions: all,
        slots: all,
        committed: 0,
        sees: all.map((i) => all.slice(0, i)),
        wanted: [8],
      });
      const expected = together.logits(0, 0).slice();
      using cached = new HeadRunner(backend, head, target, 64);
      const one = (i: number, slot: number, committed: number, sees: number[]) =>
        cached.run({
          features: [features[i]],
          tokens: [tokens[i]],
          positions: [i],
          slots: [slot],
          committed,
          sees: [sees],
          after: [sees[0] ?? committed - 1],
          wanted: [0],
        });
      for (let i = 0; i < 7; i++) one(i, i, i, []);
      // Two rows of a branch, with rows of another one between them in the cache.
      one(7, 7, 7, []);
      one(2, 8, 7, []);
      const last = one(8, 9, 7, [7]).logits(0, 0);
      for (const [i, value] of last.entries()) expect(value).toBeCloseTo(expected[i], 4);
    },
  );

  test("a recurrence goes on from the rows that are named, for several stretches of a run at once", () => {
    using target = toyParts(30);
    const head = randomHead("falcon", { fuser: "lstm" });
    const random = new Random(3);
    const features = Array.from({ length: 9 }, () => Float32Array.from({ length: 16 }, () => random.normal()));
    const open = () => {
      const runner = new HeadRunner(backend, head, target, 64);
      const slots = [0, 1, 2];
      const sees = slots.map(() => slots);
      const rows = { features: features.slice(0, 3), tokens: slots, positions: slots, slots, sees };
      runner.run({ ...rows, committed: 0, wanted: [2] });
      return runner;
    };
    const stretch = (i: number, slot: number) => ({
      features: [features[3 + 2 * i], features[4 + 2 * i]],
      tokens: [5 + i, 6 + i],
      positions: [3, 4],
      slots: [slot, slot + 1],
      sees: [
        [slot, slot + 1],
        [slot, slot + 1],
      ],
    });
    // The second of the three follows an earlier row than the others do.
    const after = [2, 0, 2];
    const alone = after.map((before, i) => {
      using runner = open();
      const result = runner.run({ ...stretch(i, 3), committed: 3, after: [before], wanted: [0, 1] });
      return [0, 1].map((row) => result.logits(row, 0).slice());
    });
    using runner = open();
    const parts = after.map((_, i) => stretch(i, 3 + 2 * i));
    const rows = {
      features: parts.flatMap((part) => part.features),
      tokens: parts.flatMap((part) => part.tokens),
      positions: parts.flatMap((part) => part.positions),
      slots: parts.flatMap((part) => part.slots),
      sees: parts.flatMap((part) => part.sees),
    };
    const together = runner.run({ ...rows, committed: 3, after, wanted: [0, 1, 2, 3, 4, 5] });
    for (const [i, logits] of alone.flat().entries()) {
      for (const [t, value] of together.logits(i, 0).entries()) expect(value).toBeCloseTo(logits[t], 4);
    }
    expect(alone[0][1]).not.toEqual(alone[1][1]);
  });
});

describe("heads", () => {
  function outputs(head: Head, change: (features: Float32Array[]) => void = () => {}): Float32Array[] {
    using target = toyParts(30);
    const random = new Random(3);
    const features = [0, 1, 2].map(() => Float32Array.from({ length: 16 }, () => random.normal()));
    change(features);
    using runner = new HeadRunner(backend, head, target, 8);
    const result = runner.run({
      features,
      tokens: [1, 2, 3],
      positions: [0, 1, 2],
      slots: [0, 1, 2],
      committed: 0,
      sees: [[], [0], [0, 1]],
      wanted: [0, 1, 2],
    });
    return [0, 1, 2].flatMap((row) => [0, 1, 2].map((j) => result.logits(row, j).slice()));
  }

  test("Amphista: a change of a later position changes no earlier one, a change of the last head changes the first", () => {
    const head = randomHead("amphista");
    const before = outputs(head);
    const after = outputs(head, (features) => {
      features[2][0] += 1;
    });
    expect(after.slice(0, 6)).toEqual(before.slice(0, 6));
    expect(after[6]).not.toEqual(before[6]);
    const block = head.parameters.get("head.2.bias");
    block.write(block.read().map((value) => value + 1));
    expect(outputs(head)[6]).not.toEqual(before[6]);
  });

  test("Amphista without adaptation and attention, and with a feed-forward of zeros, is Medusa", () => {
    const parameters = new Parameters(backend, 4);
    const amphista = makeHead(parameters, {
      kind: "amphista",
      hiddenSize: 16,
      heads: 3,
      adaptation: 0,
      bidirectional: false,
    });
    const medusa = randomHead("medusa");
    for (const p of medusa.parameters.all) amphista.parameters.get(p.name).write(p.read());
    expect(outputs(amphista)).toEqual(outputs(medusa));
  });

  test.each(kinds)("%s: gradients equal central differences", (kind) => {
    using target = toyParts(30);
    const head = randomHead(kind, { heads: 2 });
    const data = randomData(target);
    const task = new HeadTask({ head, target, data, rows: 6, windows: 2, seed: 1 });
    const error = gradientError(
      backend,
      head.parameters,
      (tape) => {
        const graph = task.network(tape);
        return { ...graph, fill: () => task.fill(graph, [0, 30]) };
      },
      { samples: 2, h: 5e-2 },
    );
    task[Symbol.dispose]();
    // Coarse steps: a loss of 8 in F32 shows no finer ones.
    expect(error).toBeLessThan(5e-2);
  });
});

describe("learning from a toy target", () => {
  const toy: LanguageModel = toyModel({ vocabSize: 40, contextLength: 96, logitScale: 6 });

  test.each(kinds)("%s learns, its file is read again and refused for another target", async (kind) => {
    using target = toyParts(40, toy.hiddenSize);
    const random = seededRandom(5);
    const prompts = Array.from({ length: 20 }, () => Int32Array.from({ length: 4 }, () => Math.floor(random() * 40)));
    const made = await collect({
      model: toy,
      target: { ...target, layerCount: toy.layerCount },
      prompts,
      length: 64,
      texts: 24,
      temperatures: [0],
      stopTokens: new Set(),
      seed: 1,
    });
    const path = join(folder, `${kind}.data`);
    saveHeadData(path, made);
    const data = loadHeadData(path);
    expect(data).toEqual(made);
    using parameters = new Parameters(backend, 1);
    const heads = kind === "eagle" || kind === "falcon" ? 1 : 3;
    const head = makeHead(parameters, {
      kind,
      hiddenSize: toy.hiddenSize,
      heads,
      adaptation: 1,
      bidirectional: true,
      block: kind === "falcon" ? 2 : undefined,
    });
    using task = new HeadTask({ head, target, data, rows: 16, windows: 4, seed: 2 });
    const before = task.evaluate();
    const optimiser: Optimiser = task.optimiser;
    for (let i = 0; i < 60; i++) {
      task.batch(i / 60);
      optimiser.step(3e-3);
    }
    const after = task.evaluate();
    expect(after["held-out loss"]).toBeLessThan(before["held-out loss"]);
    expect(after.accepted).toBeGreaterThan(before.accepted);
    const file = join(folder, `${kind}.gguf`);
    saveHead(file, head, target.hash);
    using again = new Parameters(backend, 8);
    const read = loadHead(file, again, target);
    expect(read.settings).toEqual(head.settings);
    expect(again.all.map((p) => [...p.read()])).toEqual(parameters.all.map((p) => [...p.read()]));
    using others = new Parameters(backend, 8);
    expect(() => loadHead(file, others, { ...target, hash: "another" })).toThrow(/this one has another/);
  });

  test("half precision there and back", () => {
    const values = Float32Array.of(0, 1, -2.5, 0.333, 65504, -1e9, 1e-9, 3.25);
    const back = new Float32Array(8);
    fromHalf(toHalf(values), back, 0);
    expect([...back.subarray(0, 3)]).toEqual([0, 1, -2.5]);
    expect(back[3]).toBeCloseTo(0.333, 3);
    expect([...back.subarray(4, 7)]).toEqual([65504, -65504, 0]);
    expect(back[7]).toBeCloseTo(3.25, 2);
  });
});

describe("a reduced draft vocabulary", () => {
  const tokens = Int32Array.of(1, 2, 5, 11, 12, 15, 16, 20, 29);

  test("labels outside it push no gradient, those inside are found in it", () => {
    using target = toyParts(30, 16, tokens);
    const data = randomData(target);
    // Of the first text, what is said is first a token of the list, then one that is not.
    for (let row = 0; row < 80; row++) data.top[8 * row] = row % 2 === 0 ? 29 : 28;
    using task = new HeadTask({ head: randomHead("medusa"), target, data, rows: 4, windows: 1, seed: 1 });
    using graph = new LossGraph(backend, undefined, (tape) => task.network(tape));
    task.fill(graph.parts, [0]);
    const { labels } = graph.parts;
    const learned = Array.from(labels.rowWeights.array, (weight, row) => (weight > 0 ? row : -1));
    // Row i of heads 0 .. 2 is to say what stands at i + 1, i + 2, i + 3.
    expect(learned).toEqual([-1, 1, -1, 3, -1, 5, -1, 7, -1, 9, -1, 11]);
    expect(labels.places.array[8]).toBe(1 * 9 + 8);
    expect(task.evaluate()).toHaveProperty("bigram");
  });

  test("only its tokens are drafted, and the file says which", () => {
    using target = toyParts(toyVocabulary, 16, tokens);
    const plain = randomHead("eagle");
    const settings = { ...plain.settings, tokens: [...tokens] };
    const head = { ...plain, settings };
    const toy = toyModel({ contextLength: 96, logitScale: 6 });
    const generation = new Generation({
      model: toy,
      sequence: toy.open(),
      promptTokens: [3, 1, 4, 1, 5],
      sampling: { temperature: 0 },
      seed: 1,
      drafters: [headDrafter({ backend, head, target })],
      policy: { mode: "forced", budget: 6 },
      maxTokens: 16,
      record: true,
    });
    while (generation.prefillStep(4) > 0);
    const drafted = new Set<number>();
    while (!generation.finishReason) for (const token of generation.step().record?.tree.token ?? []) drafted.add(token);
    generation.close();
    expect(drafted.size).toBeGreaterThan(2);
    for (const token of drafted) expect([...tokens]).toContain(token);
    const file = join(folder, "few.gguf");
    saveHead(file, head, target.hash);
    expect([...(draftTokensOf(file, target.hash) ?? [])]).toEqual([...tokens]);
    expect(() => draftTokensOf(file, "another")).toThrow(/this one has another/);
    using parameters = new Parameters(backend);
    using all = toyParts(toyVocabulary);
    expect(() => loadHead(file, parameters, all)).toThrow(/other tokens/);
  });
});

test("matrices of another type are frozen, and say nearly the same", () => {
  using target = toyParts(30, 64);
  const head = randomHead("eagle", { hiddenSize: 64 });
  const file = join(folder, "small.gguf");
  saveHead(file, head, target.hash, { type: tensorType("Q8_0") });
  using parameters = new Parameters(backend);
  const small = loadHead(file, parameters, target);
  expect(parameters.get("layer.query.weight").type.name).toBe("Q8_0");
  expect(parameters.trainable.map(({ name }) => name)).not.toContain("layer.query.weight");
  expect(() => parameters.get("layer.query.weight").read()).toThrow(/Q8_0/);
  const feature = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
  const logits = [head, small].map((one) => {
    using runner = new HeadRunner(backend, one, target, 8);
    const rows = {
      features: [feature],
      tokens: [3],
      positions: [0],
      slots: [0],
      committed: 0,
      sees: [[]],
      wanted: [0],
    };
    return runner.run(rows).logits(0, 0).slice();
  });
  const largest = Math.max(...logits[0].map(Math.abs));
  for (const [i, value] of logits[1].entries()) expect(Math.abs(value - logits[0][i])).toBeLessThan(0.03 * largest);
});

describe("Falcon", () => {
  test.each(["gate", "lstm", "newest"] as const)("with the fuser %s gradients equal central differences", (fuser) => {
    using target = toyParts(30);
    const head = randomHead("falcon", { fuser, align: "chunk" });
    using task = new HeadTask({ head, target, data: randomData(target), rows: 6, windows: 2, seed: 1 });
    const build = (tape: Tape) => {
      const graph = task.network(tape);
      return { ...graph, fill: () => task.fill(graph, [0, 30]) };
    };
    expect(gradientError(backend, head.parameters, build, { samples: 2, h: 5e-2 })).toBeLessThan(5e-2);
  });

  test.each(fusers)("%s: a run over a window says what training computes", (fuser) => {
    using target = toyParts(30);
    const data = randomData(target);
    const head = randomHead("falcon", { fuser });
    using task = new HeadTask({ head, target, data, rows: 6, windows: 2, seed: 1 });
    using graph = new LossGraph(backend, undefined, (tape) => task.network(tape));
    const windows = [3, 40];
    task.fill(graph.parts, windows);
    graph.run();
    const logits = graph.parts.logits?.array as Float32Array;
    for (const [w, first] of windows.entries()) {
      using runner = new HeadRunner(backend, head, target, 64);
      const all = [0, 1, 2, 3, 4, 5];
      const result = runner.run({
        features: all.map((i) => {
          const feature = new Float32Array(16);
          fromHalf(data.features.subarray((first + i) * 16, (first + i + 1) * 16), feature, 0);
          return feature;
        }),
        tokens: all.map((i) => data.tokens[first + i + 1]),
        positions: all,
        slots: all,
        committed: 0,
        sees: all.map((i) => all.slice(0, blockEnd(i, 6, 2, 0))),
        newest: all.map((i) => blockEnd(i, 6, 2, 0) - 1),
        wanted: all,
      });
      for (const i of all) {
        const trained = logits.subarray((w * 6 + i) * 30, (w * 6 + i + 1) * 30);
        for (const [t, value] of result.logits(i, 0).entries()) expect(value).toBeCloseTo(trained[t], 4);
      }
    }
  });

  test("rows of a block see each other, blocks follow each other; k = 1 is the causal mask", () => {
    using target = toyParts(30);
    const seen = (k: number, phase: number) => {
      const head = randomHead("falcon");
      const settings = { ...head.settings, block: k };
      using task = new HeadTask({
        head: { ...head, settings },
        target,
        data: randomData(target),
        rows: 5,
        windows: 1,
        seed: 1,
      });
      using graph = new LossGraph(backend, undefined, (tape) => task.network(tape));
      task.fill(graph.parts, [0], [phase]);
      const mask = graph.parts.mask.array;
      return [0, 1, 2, 3, 4].map((i) => mask.subarray(5 * i, 5 * i + 5).filter((v) => v === 0).length);
    };
    expect(seen(2, 0)).toEqual([2, 2, 4, 4, 5]);
    expect(seen(2, 1)).toEqual([1, 3, 3, 5, 5]);
    expect(seen(1, 0)).toEqual([1, 2, 3, 4, 5]);
    const ends = (...lead: [] | [number]) => [0, 1, 2, 3, 4].map((row) => blockEnd(row, 5, 2, ...lead));
    expect(ends(0)).toEqual([2, 2, 4, 4, 5]);
    expect(ends()).toEqual([1, 3, 3, 5, 5]);
  });

  test("with blocks of one it drafts what EAGLE drafts, bit for bit", () => {
    using target = toyParts(toyVocabulary);
    const toy = toyModel({ contextLength: 96, logitScale: 6 });
    const eagle = randomHead("eagle");
    const parameters = new Parameters(backend, 1);
    const falcon = makeHead(parameters, { ...eagle.settings, kind: "falcon", block: 1 });
    for (const p of eagle.parameters.all) parameters.get(p.name).write(p.read());
    const rounds = [eagle, falcon].map((head) => {
      const generation = new Generation({
        model: toy,
        sequence: toy.open(),
        promptTokens: [3, 1, 4, 1, 5, 9, 2, 6],
        sampling: { temperature: 0 },
        seed: 1,
        drafters: [headDrafter({ backend, head, target, clock: () => 0 })],
        policy: { mode: "forced", budget: 6 },
        maxTokens: 24,
        record: true,
        clock: () => 0,
      });
      while (generation.prefillStep(4) > 0);
      const trees: unknown[] = [];
      while (!generation.finishReason) {
        const tree = generation.step().record?.tree;
        trees.push([tree?.token, tree?.parent, tree?.confidence]);
      }
      generation.close();
      return trees;
    });
    expect(rounds[1]).toEqual(rounds[0]);
    expect(rounds[0].length).toBeGreaterThan(3);
  });

  test.each(["linear", "lstm"] as const)(
    "%s: a block is the same whether its rows came one by one or together",
    (fuser) => {
      using target = toyParts(30);
      const head = randomHead("falcon", { fuser });
      const random = new Random(3);
      const features = Array.from({ length: 6 }, () => Float32Array.from({ length: 16 }, () => random.normal()));
      const rows = (from: number, to: number, block: number) => {
        const slots = Array.from({ length: to - from }, (_, i) => from + i);
        return {
          features: features.slice(from, to),
          tokens: slots.map((i) => i + 1),
          positions: slots,
          slots,
          committed: from,
          sees: slots.map((_, i) => slots.filter((_, o) => o < i || (slots[i] >= block && slots[o] >= block))),
          wanted: [slots.length - 2, slots.length - 1],
        };
      };
      using whole = new HeadRunner(backend, head, target, 64);
      const expected = whole.run(rows(0, 6, 4));
      const together = [0, 1].map((i) => expected.logits(i, 0).slice());
      using cached = new HeadRunner(backend, head, target, 64);
      cached.run(rows(0, 3, 1));
      cached.run(rows(2, 5, 3));
      // One new row: its block begins with a row that was fed before.
      const last = cached.run(rows(4, 6, 4));
      for (const i of [0, 1]) {
        for (const [t, value] of last.logits(i, 0).entries()) expect(value).toBeCloseTo(together[i][t], 4);
      }
    },
  );
});
