// The model's tensors by role, each found under its name with the shape and type that the graphs rely on. A tensor that
// no role asks for is refused too: the file then describes another network than the one that would be computed.

import type { GgufFile, GgufTensor } from "../../ggml/gguf/index.ts";
import { type Architecture, malformed, unsupported } from "./refuse.ts";

/** Matrices are [input size, output size] as in `GgufTensor.ne`; vectors are F32. */
export interface LayerWeights {
  readonly attentionNorm: GgufTensor;
  /** Queries, keys, values: three matrices, or one whose output rows are all queries, then keys, then values. */
  readonly projection:
    | { readonly fused: false; readonly query: GgufTensor; readonly key: GgufTensor; readonly value: GgufTensor }
    | { readonly fused: true; readonly qkv: GgufTensor };
  /** Biases in the layout of their own fields: `qkvBias` only beside a fused matrix. */
  readonly queryBias: GgufTensor | undefined;
  readonly keyBias: GgufTensor | undefined;
  readonly valueBias: GgufTensor | undefined;
  readonly qkvBias: GgufTensor | undefined;
  /** RMS norm of each query and key head before rotation, [headSize] (Qwen3, Gemma 3). */
  readonly queryNorm: GgufTensor | undefined;
  readonly keyNorm: GgufTensor | undefined;
  readonly attentionOutput: GgufTensor;
  readonly attentionOutputBias: GgufTensor | undefined;
  /** RMS norm of the attention's output before the residual addition (Gemma). */
  readonly attentionPostNorm: GgufTensor | undefined;
  readonly feedForwardNorm: GgufTensor;
  /** Undefined: `up` is [hidden, 2 * feedForwardSize], the gate's rows first (Phi-3). */
  readonly gate: GgufTensor | undefined;
  readonly gateBias: GgufTensor | undefined;
  readonly up: GgufTensor;
  readonly upBias: GgufTensor | undefined;
  readonly down: GgufTensor;
  readonly downBias: GgufTensor | undefined;
  /** RMS norm of the feed-forward's output before the residual addition (Gemma). */
  readonly feedForwardPostNorm: GgufTensor | undefined;
}

export interface ModelWeights {
  /** [hiddenSize, vocabSize]. */
  readonly tokenEmbedding: GgufTensor;
  readonly outputNorm: GgufTensor;
  /** [hiddenSize, vocabSize]; the very `tokenEmbedding` when tied. */
  readonly output: GgufTensor;
  readonly outputBias: GgufTensor | undefined;
  readonly layers: readonly LayerWeights[];
}

export interface Sizes {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  readonly kvHeadCount: number;
  readonly headSize: number;
  readonly feedForwardSize: number;
}

/** Finds tensors by name, checks them and remembers which were used. */
export class WeightFinder {
  readonly #gguf: GgufFile;
  readonly #used = new Set<string>();

  constructor(gguf: GgufFile) {
    this.#gguf = gguf;
  }

  malformed(what: string): never {
    malformed(this.#gguf, what);
  }

  /** A matrix in any weight type; undefined when absent. */
  matrix(name: string, shape: readonly number[]): GgufTensor | undefined {
    const tensor = this.#find(name, shape);
    if (tensor !== undefined && !tensor.type.weights) {
      this.malformed(`tensor "${name}" has type ${tensor.type.name}, which cannot hold weights`);
    }
    return tensor;
  }

  /** A vector in F32, the only type that norms, biases and rope factors are stored in; undefined when absent. */
  vector(name: string, shape: readonly number[]): GgufTensor | undefined {
    const tensor = this.#find(name, shape);
    if (tensor !== undefined && tensor.type.name !== "F32") {
      this.malformed(`tensor "${name}" has type ${tensor.type.name}, expected F32`);
    }
    return tensor;
  }

  /** The tensor, or a refusal that says it is missing. */
  required(name: string, tensor: GgufTensor | undefined): GgufTensor {
    return tensor ?? this.malformed(`tensor "${name}" is missing`);
  }

  /** Refuses tensors that nobody asked for. */
  finish(architecture: Architecture): void {
    for (const name of this.#gguf.tensors.keys()) {
      if (!this.#used.has(name)) {
        unsupported(this.#gguf, `tensor "${name}" is not part of the ${architecture} architecture`);
      }
    }
  }

  #find(name: string, shape: readonly number[]): GgufTensor | undefined {
    const tensor = this.#gguf.tensors.get(name);
    if (tensor === undefined) return undefined;
    if (tensor.ne.some((size, i) => size !== (shape[i] ?? 1))) {
      this.malformed(`tensor "${name}" has shape [${tensor.ne.join(", ")}], expected [${shape.join(", ")}]`);
    }
    this.#used.add(name);
    return tensor;
  }
}

/** Resolves every tensor of the model. `finder` must be the one that read the rope factors. */
export function readWeights(finder: WeightFinder, architecture: Architecture, sizes: Sizes): ModelWeights {
  const { hiddenSize, vocabSize } = sizes;
  const table = [hiddenSize, vocabSize];
  const embedding = finder.required("token_embd.weight", finder.matrix("token_embd.weight", table));
  // Gemma 2 has no output matrix of its own in llama.cpp.
  const output = architecture === "gemma2" ? undefined : finder.matrix("output.weight", table);
  const weights = {
    tokenEmbedding: embedding,
    outputNorm: finder.required("output_norm.weight", finder.vector("output_norm.weight", [hiddenSize])),
    output: output ?? embedding,
    outputBias: architecture === "qwen2" ? finder.vector("output.bias", [vocabSize]) : undefined,
    layers: Array.from({ length: sizes.layerCount }, (_, i) => readLayer(finder, architecture, sizes, i)),
  };
  finder.finish(architecture);
  return weights;
}

function readLayer(finder: WeightFinder, architecture: Architecture, sizes: Sizes, layer: number): LayerWeights {
  const { hiddenSize, headSize, feedForwardSize } = sizes;
  const name = (role: string, part = "weight") => `blk.${layer}.${role}.${part}`;
  const matrix = (role: string, shape: number[]) => finder.matrix(name(role), shape);
  const matrixRequired = (role: string, shape: number[]) => finder.required(name(role), matrix(role, shape));
  const norm = (role: string, size: number) => finder.required(name(role), finder.vector(name(role), [size]));
  const bias = (role: string, size: number) => finder.vector(name(role, "bias"), [size]);

  const queries = headSize * sizes.headCount;
  const keys = headSize * sizes.kvHeadCount;
  const qkv = matrix("attn_qkv", [hiddenSize, queries + 2 * keys]);
  const qkvBias = qkv && bias("attn_qkv", queries + 2 * keys);
  const separate = qkvBias === undefined;
  const biases = {
    queryBias: separate ? bias("attn_q", queries) : undefined,
    keyBias: separate ? bias("attn_k", keys) : undefined,
    valueBias: separate ? bias("attn_v", keys) : undefined,
  };
  const present = Object.values(biases).filter((tensor) => tensor !== undefined).length;
  // llama.cpp ignores a partial set beside a fused matrix without a word.
  if (qkv !== undefined && present !== 0 && present !== 3) {
    finder.malformed(`layer ${layer} has a fused attention matrix but only ${present} of three separate biases`);
  }
  const llama = architecture === "llama";
  const gemma = architecture === "gemma2" || architecture === "gemma3";
  const headNorms = architecture === "qwen3" || architecture === "gemma3";
  const fusedGate = architecture === "phi3";
  return {
    attentionNorm: norm("attn_norm", hiddenSize),
    projection:
      qkv !== undefined
        ? { fused: true, qkv }
        : {
            fused: false,
            query: matrixRequired("attn_q", [hiddenSize, queries]),
            key: matrixRequired("attn_k", [hiddenSize, keys]),
            value: matrixRequired("attn_v", [hiddenSize, keys]),
          },
    ...biases,
    qkvBias,
    queryNorm: headNorms ? norm("attn_q_norm", headSize) : undefined,
    keyNorm: headNorms ? norm("attn_k_norm", headSize) : undefined,
    attentionOutput: matrixRequired("attn_output", [queries, hiddenSize]),
    attentionOutputBias: llama ? bias("attn_output", hiddenSize) : undefined,
    attentionPostNorm: gemma ? norm("post_attention_norm", hiddenSize) : undefined,
    feedForwardNorm: norm("ffn_norm", hiddenSize),
    gate: fusedGate ? undefined : matrixRequired("ffn_gate", [hiddenSize, feedForwardSize]),
    gateBias: llama ? bias("ffn_gate", feedForwardSize) : undefined,
    up: matrixRequired("ffn_up", [hiddenSize, fusedGate ? 2 * feedForwardSize : feedForwardSize]),
    upBias: llama ? bias("ffn_up", feedForwardSize) : undefined,
    down: matrixRequired("ffn_down", [feedForwardSize, hiddenSize]),
    downBias: llama ? bias("ffn_down", hiddenSize) : undefined,
    feedForwardPostNorm: gemma ? norm("post_ffw_norm", hiddenSize) : undefined,
  };
}
