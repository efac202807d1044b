import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Oracle, quantizeRows } from "../../ggml/index.ts";
import type { Architecture } from "../config.ts";
import { modelConformance } from "../conformance.ts";
import { type LoadedModel, type LoadOptions, loadLanguageModel } from "../load.ts";
import { chainBatch } from "../model.ts";
import { type RopeVariant, writeRandomModel } from "../testing/index.ts";
import { seededRandom } from "../toy/random.ts";

const architectures: Architecture[] = ["llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3"];
const weightTypes = ["F16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"];
const folder = mkdtempSync(join(tmpdir(), "draftwright-graph-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function randomModel(architecture: Architecture, weightType: string, rope?: RopeVariant): string {
  const path = join(folder, `${architecture}-${weightType}-${rope ?? "default"}.gguf`);
  writeRandomModel(path, { architecture, weightType, quantizeRows, ...(rope && { rope }) });
  return path;
}

function load(path: string, options: LoadOptions = {}): LoadedModel {
  return loadLanguageModel(path, { threads: 1, kvRows: 16 * 256, ...options });
}

const argmax = (logits: Float32Array) => logits.reduce((best, value, i) => (value > logits[best] ? i : best), 0);

/** Largest difference over the oracle's spread, and argmax disagreements that the oracle's own margin does not explain. */
function compare(ours: Float32Array, oracle: Float32Array): { relative: number; wrong: boolean } {
  let difference = 0;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < ours.length; i++) {
    difference = Math.max(difference, Math.abs(ours[i] - oracle[i]));
    low = Math.min(low, oracle[i]);
    high = Math.max(high, oracle[i]);
  }
  const top = argmax(oracle);
  const second = oracle.reduce(
    (best, value, i) => (i !== top && value > best ? value : best),
    Number.NEGATIVE_INFINITY,
  );
  const wrong = argmax(ours) !== top && oracle[top] - second >= 2 * difference;
  return { relative: difference / (high - low), wrong };
}

/** Prefills 32 tokens at once, then teacher-forces up to `length`, one row at a time; compares every row's logits. */
function parity(path: string, options: LoadOptions, length = 64): { worst: number; wrong: number; spread: number } {
  using loaded = load(path, options);
  using oracle = new Oracle(path, {
    contextLength: 256,
    threads: options.threads ?? 1,
    // Exact numerics take the plain kernels but for Q4_0; the oracle must take the same ones.
    repack: loaded.model.numerics === "fast" || path.includes("Q4_0"),
  });
  const random = seededRandom(11);
  const tokens = Array.from({ length }, () => Math.floor(random() * loaded.model.vocabSize));
  const sequence = loaded.model.open({ rows: 256 });
  let worst = 0;
  let wrong = 0;
  const distinct = new Set<number>();
  for (let at = 0; at < length; ) {
    const chunk = tokens.slice(at, at === 0 ? 32 : at + 1);
    const result = loaded.model.forward(chainBatch(sequence, chunk, "all"));
    oracle.decode(chunk, "all");
    for (let row = 0; row < chunk.length; row++) {
      const logits = result.logits(row);
      const verdict = compare(logits, oracle.logits(row));
      worst = Math.max(worst, verdict.relative);
      wrong += verdict.wrong ? 1 : 0;
      distinct.add(argmax(logits));
    }
    sequence.compact(chunk.map((_, i) => i));
    at += chunk.length;
  }
  return { worst, wrong, spread: distinct.size };
}

describe("logits equal llama.cpp's", () => {
  for (const architecture of architectures) {
    for (const weightType of weightTypes) {
      test.each(["exact", "fast"] as const)(`${architecture} ${weightType} %s`, (numerics) => {
        // Matrix products of F16 weights depend on the number of rows: exact cannot be had.
        if (weightType === "F16" && numerics === "exact") {
          expect(() => load(randomModel(architecture, weightType), { numerics })).toThrow(
            /exact numerics cannot be had/,
          );
          return;
        }
        const result = parity(randomModel(architecture, weightType), { numerics });
        expect(result.worst).toBeLessThanOrEqual(1e-3);
        expect(result.wrong).toBe(0);
        // A model that always says the same would prove little.
        expect(result.spread).toBeGreaterThan(4);
      });
    }
  }

  test.each([
    ["llama", "linear"],
    ["llama", "yarn"],
    ["llama", "llama3"],
    ["phi3", "longrope"],
  ] as const)("%s with %s rotary scaling", (architecture, rope) => {
    const result = parity(randomModel(architecture, "Q8_0", rope), {});
    expect(result.worst).toBeLessThanOrEqual(1e-3);
    expect(result.wrong).toBe(0);
  });

  test("with two threads", () => {
    const result = parity(randomModel("llama", "Q4_0"), { threads: 2 });
    expect(result.worst).toBeLessThanOrEqual(1e-3);
    expect(result.wrong).toBe(0);
  });
});

for (const architecture of architectures) {
  modelConformance(`${architecture} on ggml`, () => load(randomModel(architecture, "Q8_0")).model, { tolerance: 2e-3 });
}
modelConformance("llama on ggml, repacked Q4_0", () => load(randomModel("llama", "Q4_0")).model, { tolerance: 2e-3 });
modelConformance("llama on ggml, Q8_0 KV rows", () => load(randomModel("llama", "Q8_0"), { kvType: "q8_0" }).model, {
  tolerance: 5e-2,
});

test("another training of the same shape is another model", () => {
  const hashes = [1, 2, 1].map((seed) => {
    const path = join(folder, `seed-${seed}.gguf`);
    writeRandomModel(path, { architecture: "llama", layerCount: 1, seed });
    using loaded = load(path);
    return loaded.hash;
  });
  expect(hashes[0]).toBe(hashes[2]);
  expect(hashes[0]).not.toBe(hashes[1]);
});

test("rows that are kept move out of the way of longer sequences, and stay what they are", () => {
  const path = join(folder, "kept.gguf");
  writeRandomModel(path, { architecture: "llama", weightType: "Q8_0", quantizeRows, contextLength: 512 });
  using loaded = load(path, { kvRows: 4 * 512, contextLength: 512 });
  const { model } = loaded;
  const context = Array.from({ length: 70 }, (_, i) => (i * 37) % 390);
  const kept = [1, 2].map(() => {
    const sequence = model.open({ rows: 512 });
    model.forward(chainBatch(sequence, context, "none"));
    sequence.compact(context.map((_, i) => i));
    return sequence;
  });
  const after = () => {
    const sequence = model.open({ rows: 512 });
    sequence.copyPrefix(kept[0], 70);
    const logits = model
      .forward(chainBatch(sequence, [5], "all"))
      .logits(0)
      .slice();
    sequence.close();
    return logits;
  };
  const expected = after();
  for (const sequence of kept) sequence.shrink();
  expect(after()).toEqual(expected);
  const long = [1, 2, 3].map(() => model.open({ rows: 512 }));
  expect(() => model.open({ rows: 512 })).toThrow(/no room/);
  // In place, they would leave two halves of the room that a fourth one wants.
  for (const sequence of kept) sequence.close();
  long.push(model.open({ rows: 512 }));
  expect(long.map(({ capacity }) => capacity)).toEqual([512, 512, 512, 512]);
});
