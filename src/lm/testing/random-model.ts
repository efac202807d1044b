// Tiny models with random weights, one call for each architecture, in files that libllama loads too. Weights are scaled
// so that hidden states stay of order one and logits spread (standard deviation near 3): a wrong graph shows.

import { type GgufTensorSource, type MetadataValue, tensorType, writeGguf } from "../../ggml/gguf/index.ts";
import type { Architecture } from "../config.ts";
import { encodeRows, type QuantizeRows } from "./quantise.ts";
import { randomValues, uniform } from "./random.ts";
import { type TokenizerKind, tokenizerMetadata } from "./vocabularies.ts";

export type RopeVariant = "plain" | "linear" | "yarn" | "llama3" | "longrope";

export interface RandomModelOptions {
  readonly architecture: Architecture;
  /** Default 1. */
  readonly seed?: number;
  /** Of all matrices: F32, F16, Q8_0 (default), Q4_0; any other with `quantizeRows`. */
  readonly weightType?: string;
  readonly quantizeRows?: QuantizeRows;
  /** Default 256, like the others in multiples of 256 where K-quants are to be made. */
  readonly hiddenSize?: number;
  /** Default 3. */
  readonly layerCount?: number;
  /** Default 512. */
  readonly feedForwardSize?: number;
  /** Default 4. */
  readonly headCount?: number;
  /** Default 2. */
  readonly kvHeadCount?: number;
  /** Default 64, or 128 for Qwen3 and Gemma, whose heads need not fill the hidden size. */
  readonly headSize?: number;
  /** Default 512; at least 400. */
  readonly vocabSize?: number;
  /** Default 256. */
  readonly contextLength?: number;
  /** Gemma's window; default 32. Every second layer slides. */
  readonly slidingWindow?: number;
  /** Default: spm, but bpe for Qwen. */
  readonly tokenizer?: TokenizerKind;
  /** No output matrix of its own. Default false; Gemma 2 is always tied. */
  readonly tiedOutput?: boolean;
  /** Optional biases of Llama; Qwen2 always has those it knows. */
  readonly biases?: boolean;
  /** Rotated elements of a head; default all. Phi-3 alone may leave some out. */
  readonly ropeDimensions?: number;
  /** "llama3" for Llama, "longrope" for Phi-3 (original context half of the context), the others for all. */
  readonly rope?: RopeVariant;
}

/** Writes a model with random weights to `path`. The same options give the same bytes. */
export function writeRandomModel(path: string, options: RandomModelOptions): void {
  const shape = fillShape(options);
  writeGguf(path, new Map(modelMetadata(shape)), modelTensors(shape));
}

type Shape = ReturnType<typeof fillShape>;

function fillShape(options: RandomModelOptions) {
  const { architecture } = options;
  const wide = architecture === "qwen3" || architecture.startsWith("gemma");
  const shape = {
    seed: 1,
    weightType: "Q8_0",
    hiddenSize: 256,
    layerCount: 3,
    feedForwardSize: 512,
    headCount: 4,
    kvHeadCount: 2,
    headSize: wide ? 128 : 64,
    vocabSize: 512,
    contextLength: 256,
    slidingWindow: 32,
    tokenizer: (architecture.startsWith("qwen") ? "bpe" : "spm") as TokenizerKind,
    biases: false,
    rope: "plain" as RopeVariant,
    quantizeRows: undefined as QuantizeRows | undefined,
    ropeDimensions: options.headSize ?? (wide ? 128 : 64),
    ...options,
    gemma: architecture.startsWith("gemma"),
    tiedOutput: architecture === "gemma2" || (options.tiedOutput ?? false),
  };
  return shape;
}

function modelMetadata(shape: Shape): [string, MetadataValue][] {
  const { architecture } = shape;
  const entries: [string, MetadataValue][] = [
    ["general.architecture", { type: "string", value: architecture }],
    ["general.name", { type: "string", value: `random ${architecture} ${shape.seed}` }],
  ];
  const uint = (name: string, value: number) => entries.push([`${architecture}.${name}`, { type: "uint32", value }]);
  const float = (name: string, value: number) => entries.push([`${architecture}.${name}`, { type: "float32", value }]);
  uint("context_length", shape.contextLength);
  uint("embedding_length", shape.hiddenSize);
  uint("block_count", shape.layerCount);
  uint("feed_forward_length", shape.feedForwardSize);
  uint("attention.head_count", shape.headCount);
  uint("attention.head_count_kv", shape.kvHeadCount);
  uint("attention.key_length", shape.headSize);
  uint("attention.value_length", shape.headSize);
  float("attention.layer_norm_rms_epsilon", 1e-5);
  uint("rope.dimension_count", shape.ropeDimensions);
  float("rope.freq_base", 10000);
  if (shape.gemma) {
    uint("attention.sliding_window", shape.slidingWindow);
    uint("attention.sliding_window_pattern", 2);
  }
  if (architecture === "gemma3") float("rope.freq_base_swa", 1000);
  if (architecture === "gemma2") {
    float("attn_logit_softcapping", 50);
    float("final_logit_softcapping", 30);
  }
  entries.push(...ropeMetadata(shape), ...tokenizerMetadata(shape.tokenizer, shape.vocabSize));
  return entries;
}

function ropeMetadata({ architecture, rope, contextLength }: Shape): [string, MetadataValue][] {
  const key = (name: string) => `${architecture}.rope.scaling.${name}`;
  if (rope === "plain" || rope === "llama3") return [];
  const entries: [string, MetadataValue][] = [[key("type"), { type: "string", value: rope }]];
  if (rope === "linear") return [...entries, [key("factor"), { type: "float32", value: 2 }]];
  entries.push([key("original_context_length"), { type: "uint32", value: contextLength / 2 }]);
  if (rope === "yarn") return [...entries, [key("factor"), { type: "float32", value: 4 }]];
  return [...entries, [key("attn_factor"), { type: "float32", value: 1.19 }]];
}

/** The model's tensors in file order; data are made when asked for. */
function modelTensors(shape: Shape): GgufTensorSource[] {
  const { architecture, hiddenSize, headSize, feedForwardSize, vocabSize, gemma } = shape;
  const type = tensorType(shape.weightType);
  const tensors: GgufTensorSource[] = [];
  const values = (name: string, length: number, deviation: number, mean: number) => {
    // A seed of its own for each tensor: order and size of the others do not matter.
    let seed = shape.seed;
    for (const character of name) seed = Math.imul(seed ^ character.charCodeAt(0), 0x01000193);
    return randomValues(uniform(seed), length, deviation, mean);
  };
  const matrix = (name: string, columns: number, rows: number, gain: number) => {
    const deviation = gain / Math.sqrt(columns);
    const data = () => encodeRows(type, values(name, columns * rows, deviation, 0), columns, shape.quantizeRows);
    tensors.push({ name: `${name}.weight`, type, ne: [columns, rows], data });
  };
  const vector = (name: string, size: number, deviation: number, mean: number) => {
    const f32 = tensorType("F32");
    tensors.push({
      name,
      type: f32,
      ne: [size],
      data: () => encodeRows(f32, values(name, size, deviation, mean), size),
    });
  };
  const norm = (name: string, size: number, gain = 1) => vector(`${name}.weight`, size, 0.1 * gain, gain);
  const bias = (name: string, size: number) => vector(`${name}.bias`, size, 0.3, 0);

  // Small embeddings: with tied output a large one would make every token predict itself.
  const embeddingGain = (gemma ? 0.1 : 0.1 * Math.sqrt(hiddenSize)) * (shape.tiedOutput ? 1 : 10);
  matrix("token_embd", hiddenSize, vocabSize, embeddingGain);
  norm("output_norm", hiddenSize, shape.tiedOutput ? 3 / embeddingGain : 1);
  if (!shape.tiedOutput) matrix("output", hiddenSize, vocabSize, 3);
  ropeFactors(shape, vector);
  const queries = headSize * shape.headCount;
  const keys = headSize * shape.kvHeadCount;
  for (let layer = 0; layer < shape.layerCount; layer++) {
    const name = (role: string) => `blk.${layer}.${role}`;
    norm(name("attn_norm"), hiddenSize);
    if (architecture === "phi3") {
      matrix(name("attn_qkv"), hiddenSize, queries + 2 * keys, 1.5);
    } else {
      matrix(name("attn_q"), hiddenSize, queries, 1.5);
      matrix(name("attn_k"), hiddenSize, keys, 1.5);
      matrix(name("attn_v"), hiddenSize, keys, 1.5);
    }
    const biased = shape.biases && architecture === "llama";
    if (biased || architecture === "qwen2") {
      bias(name("attn_q"), queries);
      bias(name("attn_k"), keys);
      bias(name("attn_v"), keys);
    }
    if (architecture === "qwen3" || architecture === "gemma3") {
      norm(name("attn_q_norm"), headSize, 1.5);
      norm(name("attn_k_norm"), headSize, 1.5);
    }
    matrix(name("attn_output"), queries, hiddenSize, 1.5);
    if (gemma) norm(name("post_attention_norm"), hiddenSize, 0.7);
    norm(name("ffn_norm"), hiddenSize);
    if (architecture !== "phi3") matrix(name("ffn_gate"), hiddenSize, feedForwardSize, 1.5);
    matrix(name("ffn_up"), hiddenSize, architecture === "phi3" ? 2 * feedForwardSize : feedForwardSize, 1.5);
    matrix(name("ffn_down"), feedForwardSize, hiddenSize, 1);
    if (biased) {
      bias(name("attn_output"), hiddenSize);
      bias(name("ffn_gate"), feedForwardSize);
      bias(name("ffn_up"), feedForwardSize);
      bias(name("ffn_down"), hiddenSize);
    }
    if (gemma) norm(name("post_ffw_norm"), hiddenSize, 0.7);
  }
  return tensors;
}

type Vector = (name: string, size: number, deviation: number, mean: number) => void;

function ropeFactors({ rope, ropeDimensions }: Shape, vector: Vector): void {
  if (rope === "llama3") vector("rope_freqs.weight", ropeDimensions / 2, 1, 3);
  if (rope !== "longrope") return;
  vector("rope_factors_long.weight", ropeDimensions / 2, 1, 4);
  vector("rope_factors_short.weight", ropeDimensions / 2, 0.1, 1.2);
}
