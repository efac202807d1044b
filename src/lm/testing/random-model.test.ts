// The generated models must be models to llama.cpp, and interesting ones: checked through libllama.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Oracle, openGguf, quantizeRows, tensorType, Vocabulary } from "../../ggml/index.ts";
import { readConfig } from "../config.ts";
import { type RandomModelOptions, writeRandomModel } from "./index.ts";
import { encodeRows } from "./quantise.ts";
import { randomValues, uniform } from "./random.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "draftwright-random-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CASES: [string, RandomModelOptions][] = [
  ["llama", { architecture: "llama" }],
  [
    "llama, biases, llama3 rope, tied, Q4_0",
    { architecture: "llama", biases: true, rope: "llama3", tiedOutput: true, weightType: "Q4_0" },
  ],
  ["llama, yarn, bpe, F16", { architecture: "llama", rope: "yarn", tokenizer: "bpe", weightType: "F16" }],
  ["llama, longrope, F32", { architecture: "llama", rope: "longrope", weightType: "F32" }],
  ["llama, Q4_K", { architecture: "llama", weightType: "Q4_K", quantizeRows }],
  ["qwen2, linear rope", { architecture: "qwen2", rope: "linear" }],
  ["qwen2, tied, spm", { architecture: "qwen2", tiedOutput: true, tokenizer: "spm" }],
  ["qwen3", { architecture: "qwen3" }],
  ["gemma2", { architecture: "gemma2" }],
  ["gemma3", { architecture: "gemma3", seed: 2 }],
  ["gemma3, tied, Q6_K", { architecture: "gemma3", tiedOutput: true, weightType: "Q6_K", quantizeRows }],
  ["phi3", { architecture: "phi3" }],
  ["phi3, longrope, partial rotation", { architecture: "phi3", rope: "longrope", ropeDimensions: 48 }],
];

describe("random models", () => {
  it.each(CASES)("%s: loads in llama.cpp and has logits worth comparing", (name, options) => {
    const path = join(folder, `${name}.gguf`);
    writeRandomModel(path, options);
    using gguf = openGguf(path);
    expect(readConfig(gguf).architecture).toBe(options.architecture);

    using vocabulary = new Vocabulary(path);
    const text = "The quick brown fox, 12 gr\u00fc\u00dfe \u{1f600}\n";
    const ids = vocabulary.encode(text);
    const bytes = Buffer.concat(Array.from(ids, (id) => vocabulary.pieceBytes(id)));
    expect(bytes.toString()).toBe(text);

    using oracle = new Oracle(path, { contextLength: 128, threads: 1 });
    const tokens = Int32Array.from({ length: 64 }, (_, i) => 260 + ((i * 37) % 250));
    oracle.decode(tokens, "all");
    const argmaxes = new Set<number>();
    let repeats = 0;
    for (let row = 0; row < 64; row++) {
      const logits = oracle.logits(row);
      const mean = logits.reduce((sum, x) => sum + x, 0) / logits.length;
      const deviation = Math.sqrt(logits.reduce((sum, x) => sum + (x - mean) ** 2, 0) / logits.length);
      expect(deviation).toBeGreaterThan(1.5);
      expect(deviation).toBeLessThan(6);
      const argmax = logits.indexOf(Math.max(...logits));
      argmaxes.add(argmax);
      if (argmax === tokens[row]) repeats++;
    }
    expect(argmaxes.size).toBeGreaterThan(16);
    expect(repeats).toBeLessThan(16);
  });

  it("are the same bytes for the same options", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => join(folder, `${name}.gguf`));
    writeRandomModel(a, { architecture: "llama", layerCount: 1, seed: 5 });
    writeRandomModel(b, { architecture: "llama", layerCount: 1, seed: 5 });
    writeRandomModel(c, { architecture: "llama", layerCount: 1, seed: 6 });
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    expect(readFileSync(a).equals(readFileSync(c))).toBe(false);
  });
});

describe("quantisers in TypeScript", () => {
  it.each(["F16", "Q8_0", "Q4_0"])("%s: the bytes that ggml makes", (name) => {
    const type = tensorType(name);
    const values = randomValues(uniform(3), 64 * 256, 1);
    // Halves, subnormals, zeros, ties and the largest half.
    values.set([0, -0, 6e-8, -3e-8, 2.98e-8, 6.1e-5, -6.103515625e-5, 65504, -65519, 1.00048828125, 1.00146484375]);
    values.fill(0, 256, 288);
    expect(Buffer.from(encodeRows(type, values, 256)).equals(Buffer.from(quantizeRows(type, values, 256)))).toBe(true);
  });

  it("refuse a type that needs ggml when ggml is not given", () => {
    expect(() => encodeRows(tensorType("Q4_K"), new Float32Array(256), 256)).toThrow(/pass quantizeRows/);
  });
});
