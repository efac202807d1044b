// From a GGUF file to everything that a graph needs to know: sizes, rotary settings, windows, scales and the tensors by
// role. Behaviour is that of llama.cpp v0.5.0 (load_hparams, src/models/*.cpp). Whatever does not fit is refused here,
// by name; past this point nobody doubts the file. Details live in config/.

import { DraftwrightError } from "../errors.ts";
import type { GgufFile } from "../ggml/gguf/index.ts";
import { count, layerCount, MAX_LAYERS, positive } from "./config/numbers.ts";
import { type Architecture, checkArchitecture, malformed } from "./config/refuse.ts";
import { type RopeConfig, readRope } from "./config/rope.ts";
import { checkVocabulary } from "./config/vocabulary.ts";
import { type LayerWeights, type ModelWeights, readWeights, type Sizes, WeightFinder } from "./config/weights.ts";
import { readWindows } from "./config/window.ts";

export type { Architecture, LayerWeights, ModelWeights, RopeConfig };

export interface LayerConfig {
  /** Row p sees rows q <= p with p - q < window; 0: all of them. */
  readonly window: number;
  /** `freq_base` and `freq_scale` of ggml_rope_ext in this layer. */
  readonly ropeBase: number;
  readonly ropeScale: number;
}

export interface ModelConfig extends Sizes {
  readonly architecture: Architecture;
  /** `general.name`, for people. */
  readonly name: string | undefined;
  /** Rows of the token embedding: the length of the vocabulary. */
  readonly vocabSize: number;
  /** Context the model was trained for, in tokens. */
  readonly contextLength: number;
  /** Width of the residual stream. */
  readonly hiddenSize: number;
  readonly layerCount: number;
  /** Query heads; each group of headCount / kvHeadCount of them shares one key and value head. */
  readonly headCount: number;
  readonly kvHeadCount: number;
  /** Elements of a query, key or value head. headCount * headSize need not be hiddenSize (Qwen3, Gemma). */
  readonly headSize: number;
  /** Width between gate/up and down. */
  readonly feedForwardSize: number;
  /** Epsilon of every RMS norm. */
  readonly normEpsilon: number;
  /** Of the gate: silu(gate) * up, or gelu(gate) * up with ggml_gelu (Gemma). */
  readonly activation: "silu" | "gelu";
  /** The embedded tokens are multiplied by this (Gemma: sqrt(hiddenSize)); 1: no op. */
  readonly embeddingScale: number;
  /** Factor on query-key products. */
  readonly attentionScale: number;
  /** Where llama.cpp applies it: true multiplies the rotated queries (Gemma, Phi-3), false the scores in attention. */
  readonly scaleQueries: boolean;
  /** Scores become cap * tanh(score / cap) before the softmax; 0: no cap. */
  readonly attentionSoftCap: number;
  /** Logits become cap * tanh(logit / cap); 0: no cap. */
  readonly logitSoftCap: number;
  readonly rope: RopeConfig;
  readonly layers: readonly LayerConfig[];
  readonly weights: ModelWeights;
  /** The output matrix is the token embedding. */
  readonly tiedOutput: boolean;
  /** Sum of all tensors. */
  readonly weightBytes: number;
}

/**
 * Reads and checks the configuration and the vocabulary of a model.
 * `freeMemory`: bytes that the weights may take; more is refused with `out-of-memory`.
 * Throws `unsupported-model` for models that are not ours to run and `bad-model` for files that contradict themselves.
 */
export function readConfig(gguf: GgufFile, options: { freeMemory?: number } = {}): ModelConfig {
  const architecture = checkArchitecture(gguf);
  const weightBytes = sumBytes(gguf, options.freeMemory ?? Number.POSITIVE_INFINITY);
  const sizes = readSizes(gguf, architecture, checkVocabulary(gguf));
  const contextLength = count(gguf, `${architecture}.context_length`);
  const finder = new WeightFinder(gguf);
  const { rope, full, sliding } = readRope(gguf, architecture, sizes.headSize, contextLength, finder);
  const weights = readWeights(finder, architecture, sizes);
  const gemma = architecture === "gemma2" || architecture === "gemma3";
  return {
    architecture,
    name: gguf.metadata.string("general.name"),
    ...sizes,
    contextLength,
    normEpsilon: positive(gguf, `${architecture}.attention.layer_norm_rms_epsilon`, undefined, 1),
    activation: gemma ? "gelu" : "silu",
    embeddingScale: gemma ? Math.fround(Math.sqrt(sizes.hiddenSize)) : 1,
    attentionScale: attentionScale(architecture, sizes),
    scaleQueries: gemma || architecture === "phi3",
    ...softCaps(gguf, architecture),
    rope,
    layers: readWindows(gguf, architecture, sizes.layerCount).map((window) => {
      const { base, scale } = window > 0 ? sliding : full;
      return { window, ropeBase: base, ropeScale: scale };
    }),
    weights,
    tiedOutput: weights.output === weights.tokenEmbedding,
    weightBytes,
  };
}

function sumBytes(gguf: GgufFile, freeMemory: number): number {
  let bytes = 0;
  for (const tensor of gguf.tensors.values()) bytes += tensor.bytes;
  if (bytes > freeMemory) {
    const [needed, free] = [bytes, freeMemory].map((n) => `${(n / 2 ** 20).toFixed(0)} MiB`);
    throw new DraftwrightError(
      "out-of-memory",
      `${gguf.path}: its weights need ${needed} but ${free} are free. Use a smaller model or a smaller quantisation.`,
    );
  }
  return bytes;
}

function readSizes(gguf: GgufFile, architecture: Architecture, vocabSize: number): Sizes {
  const key = (name: string) => `${architecture}.${name}`;
  const hiddenSize = count(gguf, key("embedding_length"));
  const layers = count(gguf, key("block_count"), undefined, MAX_LAYERS);
  const headCount = layerCount(gguf, key("attention.head_count"), layers);
  const kvHeadCount = layerCount(gguf, key("attention.head_count_kv"), layers, headCount);
  if (headCount % kvHeadCount !== 0) {
    malformed(gguf, `${headCount} query heads cannot share ${kvHeadCount} key and value heads evenly`);
  }
  if (headCount > hiddenSize) malformed(gguf, `${headCount} heads for an embedding length of ${hiddenSize}`);
  const perHead = Math.floor(hiddenSize / headCount);
  const headSize = count(gguf, key("attention.key_length"), perHead);
  const others = { value_length: perHead, key_length_swa: headSize, value_length_swa: headSize };
  for (const [other, fallback] of Object.entries(others)) {
    const value = count(gguf, key(`attention.${other}`), fallback);
    if (value !== headSize)
      malformed(gguf, `heads differ in size: "attention.${other}" is ${value}, keys have ${headSize}`);
  }
  if (count(gguf, key("embedding_length_out"), hiddenSize) !== hiddenSize) {
    malformed(gguf, `metadata "${key("embedding_length_out")}" differs from "${key("embedding_length")}"`);
  }
  const feedForwardSize = layerCount(gguf, key("feed_forward_length"), layers);
  return { vocabSize, hiddenSize, layerCount: layers, headCount, kvHeadCount, headSize, feedForwardSize };
}

/** 1/sqrt of the query pre-attention scalar: the head size, except in the 27B Gemmas, told apart by their layer count. */
function attentionScale(architecture: Architecture, sizes: Sizes): number {
  const large = architecture === "gemma2" ? 46 : architecture === "gemma3" ? 62 : 0;
  const scalar = sizes.layerCount === large ? Math.floor(sizes.hiddenSize / sizes.headCount) : sizes.headSize;
  return Math.fround(1 / Math.fround(Math.sqrt(scalar)));
}

function softCaps(gguf: GgufFile, architecture: Architecture): { attentionSoftCap: number; logitSoftCap: number } {
  const key = (name: string) => `${architecture}.${name}`;
  if (architecture === "gemma2") {
    return {
      attentionSoftCap: positive(gguf, key("attn_logit_softcapping"), 50),
      logitSoftCap: positive(gguf, key("final_logit_softcapping"), 30),
    };
  }
  if (architecture !== "gemma3") return { attentionSoftCap: 0, logitSoftCap: 0 };
  const cap = gguf.metadata.float32(key("final_logit_softcapping")) ?? 0;
  return { attentionSoftCap: 0, logitSoftCap: cap === 0 ? 0 : positive(gguf, key("final_logit_softcapping")) };
}
