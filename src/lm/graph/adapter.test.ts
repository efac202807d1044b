import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Backend, Oracle, openGguf, quantizeRows, Type, tensorType, writeGguf } from "../../ggml/index.ts";
import { Parameters, saveParameters } from "../../nn/index.ts";
import { type Architecture, readConfig } from "../config.ts";
import { type LoadOptions, loadLanguageModel } from "../load.ts";
import { type Adapter, chainBatch, type LanguageModel } from "../model.ts";
import { proveNumerics } from "../numerics.ts";
import { writeRandomModel } from "../testing/index.ts";
import { Lora, loraDefaults, mergeLora } from "../training/index.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-adapter-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const backend = new Backend(undefined, { threads: 1 });
const tokens = Array.from({ length: 40 }, (_, i) => (i * 37) % 390);

function randomModel(architecture: Architecture, weightType: string): string {
  const path = join(folder, `${architecture}-${weightType}.gguf`);
  writeRandomModel(path, { architecture, weightType, quantizeRows, layerCount: 2 });
  return path;
}

/** An adapter whose factors are random; `type`: of its tensors. */
function randomAdapter(model: string, name: string, targets = loraDefaults.targets, type = Type.F32): string {
  using gguf = openGguf(model);
  using all = new Parameters(backend, 3);
  const lora = new Lora(all, readConfig(gguf), { rank: 4, alpha: 8, targets });
  for (const p of all.all) p.write(Float32Array.from({ length: p.elements }, () => all.random.normal() / 16));
  const path = join(folder, `${name}.gguf`);
  if (type === Type.F32) saveParameters(path, all, lora.metadata);
  else {
    const sources = all.all.map((p) => ({
      name: p.name,
      type,
      ne: p.shape,
      data: () => quantizeRows(type, p.read(), p.shape[0]),
    }));
    writeGguf(path, lora.metadata, sources);
  }
  return path;
}

function logits(model: LanguageModel, adapter?: Adapter | null): Float32Array[] {
  const sequence = model.open({ rows: 64 });
  try {
    const result = model.forward({ ...chainBatch(sequence, tokens, "all"), adapter });
    return tokens.map((_, i) => result.logits(i).slice());
  } finally {
    sequence.close();
  }
}

const load = (path: string, adapters: LoadOptions["adapters"], options: LoadOptions = {}) =>
  loadLanguageModel(path, { threads: 1, contextLength: 256, ...options, adapters });

const worst = (a: readonly Float32Array[], b: readonly Float32Array[]) =>
  Math.max(...a.map((row, i) => row.reduce((most, value, j) => Math.max(most, Math.abs(value - b[i][j])), 0)));

describe("an adapter beside the weights gives libllama's logits", () => {
  test.each([
    ["llama", "Q8_0"],
    ["llama", "Q4_0"],
    ["llama", "F32"],
    ["qwen2", "Q8_0"],
    ["gemma2", "Q8_0"],
    ["phi3", "Q8_0"],
  ] as const)("%s, %s", (architecture, weightType) => {
    const path = randomModel(architecture, weightType);
    const adapter = randomAdapter(path, `${architecture}-${weightType}-lora`);
    using loaded = load(path, [{ path: adapter }]);
    const options = { contextLength: 64, threads: 1, repack: weightType === "Q4_0" };
    const oracle = (file?: string) => {
      using libllama = new Oracle(path, { ...options, adapter: file });
      libllama.decode(tokens, "all");
      return tokens.map((_, i) => Float32Array.from(libllama.logits(i)));
    };
    const ours = logits(loaded.model);
    const theirs = oracle(adapter);
    expect(worst(ours, oracle())).toBeGreaterThan(0.5);
    // A changed bit before a quantised product moves it by a step of its rounding.
    expect(worst(ours, theirs)).toBeLessThan(weightType === "F32" ? 0.05 : 0.3);
  });
});

test("F16 adapters, and adapters of some of the stacked matrices only, equal the merged model", () => {
  const path = randomModel("llama", "F32");
  const parts = randomAdapter(path, "parts", ["attn_k", "ffn_up"]);
  const half = randomAdapter(path, "half", ["attn_q", "ffn_gate"], tensorType("F16"));
  for (const adapter of [parts, half]) {
    const merged = join(folder, "merged.gguf");
    mergeLora(path, adapter, merged, { scale: 0.5 });
    using loaded = load(path, [{ path: adapter, scale: 0.5 }]);
    using expected = load(merged, undefined);
    expect(worst(logits(loaded.model), logits(expected.model))).toBeLessThan(0.05);
  }
});

describe("adapters by name", () => {
  const path = randomModel("llama", "Q8_0");
  const [first, second] = [randomAdapter(path, "first"), randomAdapter(path, "second", ["ffn_down"])];

  test("none, one, all, at another scale; those of scale 0 wait until they are named", () => {
    using plain = load(path, undefined);
    using waiting = load(path, [
      { path: first, scale: 0 },
      { path: second, scale: 0, name: "other" },
    ]);
    using one = load(path, [{ path: first }]);
    using both = load(path, [{ path: first, scale: 0.5 }, { path: second }]);
    expect(waiting.model.adapters).toEqual([
      { name: "first", scale: 0 },
      { name: "other", scale: 0 },
    ]);
    expect(logits(waiting.model)).toEqual(logits(plain.model));
    expect(logits(both.model, null)).toEqual(logits(plain.model));
    expect(logits(waiting.model, { name: "first", scale: 1 })).toEqual(logits(one.model));
    expect(logits(both.model, { name: "first", scale: 1 })).toEqual(logits(one.model));
    expect(logits(waiting.model)).toEqual(logits(plain.model));
    expect(worst(logits(both.model), logits(one.model))).toBeGreaterThan(0.1);
    expect(() => logits(one.model, { name: "second", scale: 1 })).toThrow(/"second" is not loaded.*there is first/);
    expect(() => logits(one.model, { name: "first", scale: Number.NaN })).toThrow(/scale/);
  });

  test("exact numerics hold: a row's bits do not depend on its neighbours", () => {
    for (const type of ["Q8_0", "Q4_0"]) {
      const model = randomModel("llama", type);
      using loaded = load(model, [{ path: randomAdapter(model, `exact-${type}`), scale: 0.7 }], { numerics: "exact" });
      expect(proveNumerics(loaded.model, { kv: [60] })).toMatchObject({ exact: true });
    }
  });

  test("what does not fit is refused, with what to do", () => {
    const other = join(folder, "wide.gguf");
    writeRandomModel(other, { architecture: "llama", feedForwardSize: 768 });
    const qwen = randomModel("qwen3", "Q8_0");
    expect(() => load(other, [{ path: first }])).toThrow(/"blk\.0\.ffn_gate\.weight" is \[256, 768\].*trained for/);
    expect(() => load(qwen, [{ path: first }])).toThrow(/trained for a llama model, this one is a qwen3/);
    expect(() => load(path, [{ path }])).toThrow(/no LoRA adapter; make one with `draftwright train lora`/);
    expect(() => load(path, [{ path: join(folder, "nowhere.gguf") }])).toThrow(/nowhere/);
    expect(() => load(path, [{ path: first, scale: Number.POSITIVE_INFINITY }])).toThrow(/scale/);
    expect(() => load(path, [{ path: first }, { path: first }])).toThrow(/two adapters are named "first"/);
    const strange = join(folder, "strange.gguf");
    using gguf = openGguf(second);
    const metadata = new Map([...gguf.metadata.keys()].map((key) => [key, gguf.metadata.value(key) as never]));
    const bytes = () => new Uint8Array(4 * 256);
    const vector = (name: string, ne: number[]) => ({ name, type: Type.F32, ne, data: bytes });
    writeGguf(strange, metadata, [vector("blk.0.attn_norm.weight", [256])]);
    expect(() => load(path, [{ path: strange }])).toThrow(/attn_norm.weight" is no part of a low-rank adapter/);
    writeGguf(strange, metadata, [
      vector("blk.9.ffn_up.weight.lora_a", [256, 1]),
      vector("blk.9.ffn_up.weight.lora_b", [1, 256]),
    ]);
    expect(() => load(path, [{ path: strange }])).toThrow(/changes "blk\.9\.ffn_up\.weight", which this model has not/);
  });
});
