// Rotary position settings as arguments of ggml_rope_ext, computed as llama.cpp v0.5.0 computes them with default
// context parameters (llama_model_base::load_hparams and the llama_context constructor), in float32.

import type { GgufFile, GgufTensor } from "../../ggml/gguf/index.ts";
import { count, positive } from "./numbers.ts";
import { type Architecture, malformed } from "./refuse.ts";
import type { WeightFinder } from "./weights.ts";

export interface RopeConfig {
  /** "norm" rotates pairs (2i, 2i+1), ggml mode 0; "neox" pairs (i, i + dimensions/2), ggml mode 2. */
  readonly mode: "norm" | "neox";
  /** Leading elements of each head that are rotated; even, at most `headSize`. */
  readonly dimensions: number;
  /** Context the model had before its rope scaling (`n_ctx_orig` of ggml_rope_ext). */
  readonly originalContext: number;
  /** YaRN mix: 0 or 1. */
  readonly extFactor: number;
  readonly attentionFactor: number;
  readonly betaFast: number;
  readonly betaSlow: number;
  /**
   * Frequency divisors, F32 [dimensions/2]: one tensor (Llama 3), or two of which `long` counts when the context in use
   * is longer than `originalContext` (Phi-3). Undefined: none.
   */
  readonly factors: { readonly short: GgufTensor; readonly long: GgufTensor } | undefined;
}

/** Base frequency and position scale of one kind of layer. */
export interface RopeFrequency {
  readonly base: number;
  /** `freq_scale` of ggml_rope_ext: 1 over the linear scaling factor. */
  readonly scale: number;
}

const SCALING_TYPES = ["none", "linear", "yarn", "longrope"];

export function readRope(
  gguf: GgufFile,
  architecture: Architecture,
  headSize: number,
  contextLength: number,
  weights: WeightFinder,
): { rope: RopeConfig; full: RopeFrequency; sliding: RopeFrequency } {
  const key = (name: string) => `${architecture}.rope.${name}`;
  const dimensions = count(gguf, key("dimension_count"), headSize, headSize);
  // Only Phi-3's graph leaves the end of a head unrotated; the others assert equality.
  if (dimensions % 2 !== 0 || (architecture !== "phi3" && dimensions !== headSize)) {
    malformed(gguf, `metadata "${key("dimension_count")}" is ${dimensions} for heads of ${headSize}`);
  }
  if (count(gguf, key("dimension_count_swa"), dimensions) !== dimensions) {
    malformed(gguf, `metadata "${key("dimension_count_swa")}" differs from "${key("dimension_count")}"`);
  }
  const type = gguf.metadata.string(key("scaling.type")) ?? "linear";
  if (!SCALING_TYPES.includes(type)) {
    malformed(gguf, `metadata "${key("scaling.type")}" is "${type}", expected one of ${SCALING_TYPES.join(", ")}`);
  }
  const trained: RopeFrequency = { base: positive(gguf, key("freq_base"), 10000), scale: linearScale(gguf, key) };
  const full = { base: trained.base, scale: type === "none" ? 1 : trained.scale };
  const yarn = type === "yarn";
  return {
    rope: {
      mode: architecture === "llama" ? "norm" : "neox",
      dimensions,
      originalContext: count(gguf, key("scaling.original_context_length"), contextLength),
      extFactor: yarn ? 1 : 0,
      attentionFactor: attentionFactor(yarn, full.scale, positive(gguf, key("scaling.attn_factor"), 1, 1000)),
      betaFast: 32,
      betaSlow: 1,
      factors: readFactors(architecture, type, dimensions, weights),
    },
    full,
    sliding: slidingFrequency(gguf, architecture, trained, key),
  };
}

function linearScale(gguf: GgufFile, key: (name: string) => string): number {
  // A factor of 0 means "not scaled" in llama.cpp; the second name is the older one.
  const name = gguf.metadata.has(key("scaling.factor")) ? key("scaling.factor") : key("scale_linear");
  const factor = gguf.metadata.float32(name) ?? 0;
  return factor === 0 ? 1 : Math.fround(1 / positive(gguf, name));
}

/** Gemma's local layers keep their own base; Gemma 2 scales them like the others, Gemma 3 does not. */
function slidingFrequency(
  gguf: GgufFile,
  architecture: Architecture,
  trained: RopeFrequency,
  key: (name: string) => string,
): RopeFrequency {
  if (architecture === "gemma3") return { base: positive(gguf, key("freq_base_swa"), 10000), scale: 1 };
  if (architecture === "gemma2")
    return { base: positive(gguf, key("freq_base_swa"), trained.base), scale: trained.scale };
  return trained;
}

function attentionFactor(yarn: boolean, scale: number, trained: number): number {
  if (!yarn) return trained;
  const { fround } = Math;
  const factor = fround(1 / scale);
  const log = fround(Math.log(factor));
  const magnitude = factor <= 1 ? 1 : fround(fround(fround(0.1) * log) + 1);
  // ggml_rope_ext multiplies by 1 + 0.1 ln(1/scale) itself; llama.cpp divides it out again.
  return fround(fround(magnitude * fround(1 / fround(1 + fround(fround(0.1) * log)))) * trained);
}

function readFactors(architecture: Architecture, type: string, dimensions: number, weights: WeightFinder) {
  const shape = [dimensions / 2];
  if (architecture === "llama" && type !== "longrope") {
    const factors = weights.vector("rope_freqs.weight", shape);
    return factors && { short: factors, long: factors };
  }
  if (architecture !== "llama" && architecture !== "phi3") return undefined;
  const short = weights.vector("rope_factors_short.weight", shape);
  const long = weights.vector("rope_factors_long.weight", shape);
  if ((short === undefined) !== (long === undefined)) {
    weights.malformed("one of rope_factors_short.weight and rope_factors_long.weight is missing");
  }
  return short && long && { short, long };
}
