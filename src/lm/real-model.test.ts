// Parity on a real model, when one is at hand: DRAFTWRIGHT_MODELS names a GGUF file or a folder of them.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { Oracle } from "../ggml/index.ts";
import { loadLanguageModel } from "./load.ts";
import { chainBatch } from "./model.ts";
import { proveNumerics } from "./numerics.ts";

const text = `The parties agree that any dispute arising out of this Agreement shall first be submitted to mediation. If the
mediation does not settle the dispute within sixty days, either party may start arbitration under the rules then in force.
A good test is short, says what it expects, and fails when the code is wrong. In 1969 three people flew to the Moon; two of
them walked on it. Water boils at one hundred degrees at sea level, and at less on a mountain. def add(a, b): return a + b
The licence is granted free of charge to any person obtaining a copy of this software and associated documentation files.`;

function models(): string[] {
  const place = process.env.DRAFTWRIGHT_MODELS;
  if (!place || !existsSync(place)) return [];
  if (statSync(place).isFile()) return [place];
  return readdirSync(place)
    .filter((name) => name.endsWith(".gguf"))
    .map((name) => join(place, name));
}

const found = models();
if (found.length === 0) console.log("skipped: parity on real models (set DRAFTWRIGHT_MODELS to a GGUF file or folder)");

/** -log p of the token under softmax(logits), in double precision. */
function surprise(logits: Float32Array, token: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of logits) largest = Math.max(largest, value);
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - largest);
  return Math.log(sum) + largest - logits[token];
}

function relativeDifference(a: Float32Array, b: Float32Array): number {
  let [difference, low, high] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    low = Math.min(low, b[i]);
    high = Math.max(high, b[i]);
  }
  return difference / (high - low);
}

/** From 64 rows on llama.cpp's attention is tiled; exact numerics never are when several logits are wanted. */
const CHUNK = 32;

describe.skipIf(found.length === 0)("real models", () => {
  test.each(found.map((path) => [basename(path), path]))("%s: logits and perplexity of llama.cpp", (_, path) => {
    using loaded = loadLanguageModel(path, { threads: 2, contextLength: 1024 });
    const repacks = loaded.model.numerics === "fast" || loaded.config.weights.layers[0].up.type.name === "Q4_0";
    using oracle = new Oracle(path, { contextLength: 1024, threads: 2, repack: repacks });
    const tokens = loaded.tokenizer.encode(text, { addSpecial: true });
    const sequence = loaded.model.open({ rows: 1024 });
    let [worst, ours, theirs] = [0, 0, 0];
    for (let at = 0; at < tokens.length; at += CHUNK) {
      const chunk = tokens.subarray(at, at + CHUNK);
      const result = loaded.model.forward(chainBatch(sequence, chunk, "all"));
      sequence.compact(Array.from(chunk, (_, row) => row));
      oracle.decode(chunk, "all");
      for (let row = 0; row < chunk.length; row++) {
        const [a, b] = [result.logits(row), oracle.logits(row)];
        worst = Math.max(worst, relativeDifference(a, b));
        const next = tokens[at + row + 1];
        if (next === undefined) continue;
        ours += surprise(a, next);
        theirs += surprise(b, next);
      }
    }
    const perplexity = (sum: number) => Math.exp(sum / (tokens.length - 1));
    expect(worst).toBeLessThanOrEqual(1e-3);
    expect(Math.abs(perplexity(ours) / perplexity(theirs) - 1)).toBeLessThanOrEqual(1e-3);
  });

  test.each(found.map((path) => [basename(path), path]))("%s: exact numerics hold", (_, path) => {
    using loaded = loadLanguageModel(path, { threads: 2, contextLength: 1024 });
    if (loaded.model.numerics !== "exact") return;
    expect(proveNumerics(loaded.model, { widths: [2, 4, 8, 16] }).differing).toEqual([]);
  });
});
