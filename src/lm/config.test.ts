import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DraftwrightError } from "../errors.ts";
import { type MetadataValue, openGguf, tensorType } from "../ggml/gguf/index.ts";
import { type ModelConfig, readConfig } from "./config.ts";
import { type Change, type RandomModelOptions, rewriteGguf, writeRandomModel } from "./testing/index.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "draftwright-config-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const uint32 = (value: number): MetadataValue => ({ type: "uint32", value });
const float32 = (value: number): MetadataValue => ({ type: "float32", value });
const string = (value: string): MetadataValue => ({ type: "string", value });
const bool = (value: boolean): MetadataValue => ({ type: "bool", value });
const uint32s = (...values: number[]): MetadataValue => ({
  type: "array",
  element: "uint32",
  value: Uint32Array.from(values),
});

/** A model of small dimensions, made once for each set of options. */
function base(options: RandomModelOptions): string {
  const path = join(folder, `${JSON.stringify(options).replace(/[^\w]+/g, "_")}.gguf`);
  const small = { hiddenSize: 64, headSize: 32, headCount: 2, kvHeadCount: 1, feedForwardSize: 64, vocabSize: 420 };
  if (!existsSync(path)) writeRandomModel(path, { ...small, ...options });
  return path;
}

function config(options: RandomModelOptions, change: Change = () => {}): ModelConfig {
  const path = join(folder, "changed.gguf");
  rewriteGguf(base(options), path, change);
  using gguf = openGguf(path);
  return readConfig(gguf);
}

function expectRefused(options: RandomModelOptions, change: Change, pattern: RegExp, code = "bad-model"): void {
  let error: unknown;
  try {
    config(options, change);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(DraftwrightError);
  expect((error as DraftwrightError).message).toMatch(pattern);
  expect((error as DraftwrightError).code).toBe(code);
}

const set =
  (key: string, value: MetadataValue | undefined): Change =>
  (metadata) => {
    if (value === undefined) metadata.delete(key);
    else metadata.set(key, value);
  };

describe("configurations", () => {
  it("of llama", () => {
    const read = config({ architecture: "llama" });
    expect(read).toMatchObject({
      architecture: "llama",
      name: "random llama 1",
      vocabSize: 420,
      contextLength: 256,
      hiddenSize: 64,
      layerCount: 3,
      headCount: 2,
      kvHeadCount: 1,
      headSize: 32,
      feedForwardSize: 64,
      activation: "silu",
      embeddingScale: 1,
      attentionScale: Math.fround(1 / Math.fround(Math.sqrt(32))),
      scaleQueries: false,
      attentionSoftCap: 0,
      logitSoftCap: 0,
      tiedOutput: false,
      rope: {
        mode: "norm",
        dimensions: 32,
        originalContext: 256,
        extFactor: 0,
        attentionFactor: 1,
        factors: undefined,
      },
    });
    expect(read.layers).toEqual(new Array(3).fill({ window: 0, ropeBase: 10000, ropeScale: 1 }));
    expect(read.weights.layers[2]).toMatchObject({
      projection: { fused: false },
      queryBias: undefined,
      queryNorm: undefined,
    });
    expect(read.weights.layers[2].gate?.name).toBe("blk.2.ffn_gate.weight");
  });

  it("of llama with optional biases, tied output and Llama 3 frequencies", () => {
    const read = config({ architecture: "llama", biases: true, tiedOutput: true, rope: "llama3" });
    expect(read.tiedOutput).toBe(true);
    expect(read.weights.output.name).toBe("token_embd.weight");
    expect(read.rope.factors?.short.name).toBe("rope_freqs.weight");
    expect(read.rope.factors?.long.name).toBe("rope_freqs.weight");
    expect(read.weights.layers[0].downBias?.ne).toEqual([64, 1, 1, 1]);
    expect(read.weights.layers[0].attentionOutputBias?.name).toBe("blk.0.attn_output.bias");
  });

  it("of qwen2 and qwen3", () => {
    const qwen2 = config({ architecture: "qwen2" });
    expect(qwen2.rope.mode).toBe("neox");
    expect(qwen2.weights.layers[0].keyBias?.ne[0]).toBe(32);
    const qwen3 = config({ architecture: "qwen3", headSize: 64 });
    expect(qwen3.headSize).toBe(64);
    expect(qwen3.weights.layers[0].queryNorm?.ne[0]).toBe(64);
  });

  it("of gemma2: windows on even layers, caps, scaled embeddings", () => {
    const read = config({ architecture: "gemma2", slidingWindow: 16 });
    expect(read).toMatchObject({ activation: "gelu", embeddingScale: 8, scaleQueries: true, tiedOutput: true });
    expect(read).toMatchObject({ attentionSoftCap: 50, logitSoftCap: 30 });
    expect(read.layers.map((layer) => layer.window)).toEqual([16, 0, 16]);
    expect(read.layers.map((layer) => layer.ropeBase)).toEqual([10000, 10000, 10000]);
    const defaults = config({ architecture: "gemma2" }, (metadata) => {
      for (const key of metadata.keys()) if (/sliding|softcapping/.test(key)) metadata.delete(key);
    });
    expect(defaults.layers.map((layer) => layer.window)).toEqual([4096, 0, 4096]);
    expect(defaults).toMatchObject({ attentionSoftCap: 50, logitSoftCap: 30 });
  });

  it("of gemma3: local rope base, five of six layers by default", () => {
    const read = config({ architecture: "gemma3", slidingWindow: 16 });
    expect(read.layers[0]).toEqual({ window: 16, ropeBase: 1000, ropeScale: 1 });
    expect(read.layers[1]).toEqual({ window: 0, ropeBase: 10000, ropeScale: 1 });
    expect(read.logitSoftCap).toBe(0);
    const seven = config(
      { architecture: "gemma3", layerCount: 7 },
      set("gemma3.attention.sliding_window_pattern", undefined),
    );
    expect(seven.layers.map((layer) => layer.window)).toEqual([32, 32, 32, 32, 32, 0, 32]);
    const listed = config({ architecture: "gemma3" }, set("gemma3.attention.sliding_window_pattern", uint32s(0, 1, 0)));
    expect(listed.layers.map((layer) => layer.window)).toEqual([0, 32, 0]);
    const none = config({ architecture: "gemma3" }, set("gemma3.attention.sliding_window", uint32(0)));
    expect(none.layers.every((layer) => layer.window === 0 && layer.ropeBase === 10000)).toBe(true);
  });

  it("of the 27B Gemmas, known by their layer count", () => {
    const read = config({ architecture: "gemma2", layerCount: 46, hiddenSize: 32 });
    expect(read.attentionScale).toBe(Math.fround(1 / Math.fround(Math.sqrt(16))));
  });

  it("of phi3: fused matrices, partial rotation, two sets of factors", () => {
    const read = config({ architecture: "phi3", rope: "longrope", ropeDimensions: 24 });
    expect(read.weights.layers[0].projection).toMatchObject({ fused: true, qkv: { ne: [64, 128, 1, 1] } });
    expect(read.weights.layers[0].gate).toBeUndefined();
    expect(read.weights.layers[0].up.ne[1]).toBe(128);
    expect(read.rope).toMatchObject({ dimensions: 24, originalContext: 128, attentionFactor: Math.fround(1.19) });
    expect(read.rope.factors?.long.name).toBe("rope_factors_long.weight");
    expect(read.scaleQueries).toBe(true);
    // llama.cpp reads Phi-3's window and switches it off.
    const windowed = config({ architecture: "phi3" }, set("phi3.attention.sliding_window", uint32(16)));
    expect(windowed.layers[0].window).toBe(0);
  });

  it("of rope scalings", () => {
    const linear = config({ architecture: "llama", rope: "linear" });
    expect(linear.layers[0].ropeScale).toBe(0.5);
    const older = config({ architecture: "llama" }, set("llama.rope.scale_linear", float32(4)));
    expect(older.layers[0].ropeScale).toBe(0.25);
    const off = config({ architecture: "llama", rope: "linear" }, set("llama.rope.scaling.type", string("none")));
    expect(off.layers[0].ropeScale).toBe(1);
    const yarn = config({ architecture: "llama", rope: "yarn" });
    expect(yarn.rope).toMatchObject({ extFactor: 1, originalContext: 128, betaFast: 32, betaSlow: 1 });
    // (0.1 ln 4 + 1) / (1 + 0.1 ln 4): the two cancel up to float32 rounding.
    expect(yarn.rope.attentionFactor).toBeCloseTo(1, 6);
    expect(yarn.layers[0].ropeScale).toBe(0.25);
  });

  it("take per-layer lists whose entries agree", () => {
    expect(config({ architecture: "llama" }, set("llama.attention.head_count", uint32s(2, 2, 2))).headCount).toBe(2);
    expectRefused(
      { architecture: "llama" },
      set("llama.attention.head_count_kv", uint32s(1, 2, 1)),
      /differs between layers/,
    );
    expectRefused(
      { architecture: "llama" },
      set("llama.feed_forward_length", uint32s(64, 64)),
      /2 entries for 3 layers/,
    );
  });
});

describe("models that are not ours to run", () => {
  const refusedAs = (change: Change, pattern: RegExp) =>
    expectRefused({ architecture: "llama" }, change, pattern, "unsupported-model");

  it.each([
    ["mamba", /"mamba", a recurrent model/],
    ["rwkv7", /a recurrent model/],
    ["jamba", /a hybrid of attention/],
    ["lfm2", /a hybrid of attention/],
    ["qwen3next", /a hybrid of attention/],
    ["nomic-bert-moe", /an encoder or embedding model/],
    ["gemma-embedding", /an encoder or embedding model/],
    ["t5", /encoder-decoder/],
    ["qwen3moe", /a mixture of experts/],
    ["llada", /a diffusion model/],
    ["gemma4", /"gemma4", which is not supported/],
  ])("%s", (name, pattern) => {
    refusedAs(set("general.architecture", string(name)), pattern);
    refusedAs(set("general.architecture", string(name)), /llama, qwen2, qwen3, gemma2, gemma3, phi3/);
  });

  it("variants of supported architectures", () => {
    refusedAs(set("llama.expert_count", uint32(8)), /mixture of experts/);
    refusedAs(set("llama.pooling_type", uint32(3)), /embedding model/);
    refusedAs(set("llama.attention.causal", bool(false)), /encoder or embedding/);
    refusedAs(set("llama.ssm.state_size", uint32(16)), /recurrent layers/);
    refusedAs(set("llama.nextn_predict_layers", uint32(1)), /multi-token-prediction/);
    refusedAs(set("general.type", string("adapter")), /of type "adapter"/);
    refusedAs((_, tensors) => tensors.clear(), /vocabulary-only/);
    refusedAs((_, tensors) => {
      const tensor = tensors.get("blk.0.ffn_up.weight");
      if (tensor) tensors.set("extra", { ...tensor, name: "blk.0.ffn_up_exps.weight" });
    }, /"blk.0.ffn_up_exps.weight" is not part of the llama architecture/);
  });

  it("files larger than the free memory", () => {
    using gguf = openGguf(base({ architecture: "llama" }));
    expect(() => readConfig(gguf, { freeMemory: 1000 })).toThrow(/weights need .* MiB but 0 MiB are free/);
    const bytes = readConfig(gguf).weightBytes;
    expect(readConfig(gguf, { freeMemory: bytes }).weightBytes).toBe(bytes);
  });
});

describe("files that contradict themselves", () => {
  const llama: RandomModelOptions = { architecture: "llama" };
  const shape =
    (name: string, ne: number[], type = "F32"): Change =>
    (_, tensors) => {
      const tensor = tensors.get(name);
      const data = () => new Uint8Array(ne.reduce((a, b) => a * b, type === "F32" ? 4 : 2));
      if (tensor) tensors.set(name, { ...tensor, ne, type: tensorType(type), data });
    };

  it("in their numbers", () => {
    expectRefused(llama, set("general.architecture", undefined), /"general.architecture" is missing/);
    expectRefused(llama, set("llama.context_length", undefined), /"llama.context_length" is missing/);
    expectRefused(llama, set("llama.context_length", uint32(0)), /is 0, expected 1/);
    expectRefused(llama, set("llama.context_length", { type: "uint64", value: 256n }), /is uint64, expected uint32/);
    expectRefused(llama, set("llama.block_count", uint32(513)), /is 513, expected 1 to 512/);
    expectRefused(llama, set("llama.block_count", uint32(4)), /"blk.3.attn_norm.weight" is missing/);
    expectRefused(llama, set("llama.block_count", uint32(2)), /"blk.2.* is not part/, "unsupported-model");
    expectRefused(llama, set("llama.attention.head_count", uint32(65)), /65 heads for an embedding length of 64/);
    expectRefused(llama, set("llama.attention.head_count_kv", uint32(0)), /is 0, expected 1/);
    expectRefused(llama, set("llama.attention.head_count_kv", uint32(3)), /cannot share 3/);
    expectRefused(
      llama,
      set("llama.attention.value_length", uint32(16)),
      /"attention.value_length" is 16, keys have 32/,
    );
    expectRefused(llama, set("llama.attention.key_length", uint32(16)), /heads differ in size/);
    expectRefused(llama, set("llama.rope.dimension_count", uint32(64)), /is 64, expected 1 to 32/);
    expectRefused(llama, set("llama.rope.dimension_count", uint32(16)), /is 16 for heads of 32/);
    expectRefused(llama, set("llama.rope.freq_base", float32(Number.POSITIVE_INFINITY)), /is Infinity/);
    expectRefused(llama, set("llama.rope.freq_base", float32(0)), /is 0, expected above 0/);
    expectRefused(llama, set("llama.rope.scaling.type", string("ntk")), /is "ntk", expected one of none/);
    expectRefused(llama, set("llama.rope.scaling.factor", float32(-1)), /is -1/);
    expectRefused(llama, set("llama.attention.layer_norm_rms_epsilon", float32(Number.NaN)), /is NaN/);
    expectRefused({ architecture: "gemma2" }, set("gemma2.attention.sliding_window", uint32(0)), /is 0, expected 1/);
    expectRefused(
      { architecture: "gemma2" },
      set("gemma2.final_logit_softcapping", float32(0)),
      /is 0, expected above/,
    );
    const flags: MetadataValue = { type: "array", element: "bool", value: Uint8Array.of(1) };
    expectRefused(
      { architecture: "gemma3" },
      set("gemma3.attention.sliding_window_pattern", flags),
      /1 entries for 3 layers/,
    );
  });

  it("in their tensors", () => {
    expectRefused(llama, (_, tensors) => tensors.delete("output_norm.weight"), /"output_norm.weight" is missing/);
    expectRefused(llama, (_, tensors) => tensors.delete("blk.1.ffn_down.weight"), /"blk.1.ffn_down.weight" is missing/);
    expectRefused(llama, shape("blk.1.ffn_up.weight", [64, 65]), /shape \[64, 65, 1, 1\], expected \[64, 64\]/);
    expectRefused(llama, shape("token_embd.weight", [64, 421]), /expected \[64, 420\]/);
    expectRefused(llama, shape("blk.0.attn_norm.weight", [64], "F16"), /has type F16, expected F32/);
    expectRefused(llama, shape("blk.0.ffn_up.weight", [64, 64], "I16"), /type I16, which cannot hold weights/);
    expectRefused({ architecture: "qwen3" }, (_, tensors) => tensors.delete("blk.0.attn_q_norm.weight"), /is missing/);
    const phi: RandomModelOptions = { architecture: "phi3", rope: "longrope" };
    expectRefused(phi, (_, tensors) => tensors.delete("rope_factors_long.weight"), /one of rope_factors_short/);
    expectRefused(
      { architecture: "phi3" },
      (_, tensors) => {
        const tensor = tensors.get("output_norm.weight");
        if (tensor) tensors.set("x", { ...tensor, name: "blk.0.attn_q.bias" });
      },
      /only 1 of three separate biases/,
    );
  });
});
