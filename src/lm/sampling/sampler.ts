import { DraftwrightError } from "../../errors.ts";
import { createAdjust } from "./adjust.ts";
import { argmax } from "./argmax.ts";
import { expNegative } from "./exp.ts";
import type { TokenHistory } from "./history.ts";
import { keepBest } from "./keep-best.ts";
import { checkParams, type SamplingParams } from "./params.ts";
import { type Scratch, scratch } from "./scratch.ts";

/** Made once per request; holds no state between calls. Neither call changes `logits` (Float32Array [vocab]). */
export interface Sampler {
  /** True when the token does not depend on `u`. */
  readonly greedy: boolean;
  /**
   * The token for one uniform draw u in [0, 1): inverse CDF in token-id order, in double precision; the same token that
   * walking `distribution` gives, bit for bit.
   * Throws "bad-shape" (wrong length), "bad-model" (NaN or +Infinity logits), "bad-argument" (u, or no token allowed).
   */
  pick(logits: Float32Array, history: TokenHistory, u: number): number;
  /** Probability of every token after the whole chain, into `out` (Float64Array [vocab]). Throws like `pick`. */
  distribution(logits: Float32Array, history: TokenHistory, out: Float64Array): void;
}

/** The sampling chain for `params`. Throws "bad-argument" for parameters without meaning. */
export function createSampler(params: SamplingParams, vocabSize: number): Sampler {
  checkParams(params, vocabSize);
  const adjust = createAdjust(params, vocabSize);
  const greedy = params.temperature === 0;

  function best(logits: Float32Array): number {
    const token = argmax(logits);
    const max = logits[token];
    if (max === -Infinity) {
      throw new DraftwrightError(
        "bad-argument",
        "Every token is forbidden (-Infinity); relax logitBias, or the grammar.",
      );
    }
    if (max === Infinity) {
      throw new DraftwrightError(
        "bad-model",
        `The logit of token ${token} is Infinity: an activation overflowed. Try F32 or Q8_0 weights.`,
      );
    }
    return token;
  }

  return {
    greedy,
    pick(logits, history, u) {
      checkLength("logits", logits.length, vocabSize);
      if (!(u >= 0 && u < 1)) throw new DraftwrightError("bad-argument", `The draw u is ${u}; it must be in [0, 1).`);
      const work = scratch(vocabSize);
      const adjusted = adjust(logits, history, work.adjusted);
      const top = best(adjusted);
      if (greedy) return top;
      const count = filter(params, adjusted, adjusted[top], work);
      return inverseCdf(work, count, u);
    },
    distribution(logits, history, out) {
      checkLength("logits", logits.length, vocabSize);
      checkLength("out", out.length, vocabSize);
      const work = scratch(vocabSize);
      const adjusted = adjust(logits, history, work.adjusted);
      const top = best(adjusted);
      out.fill(0);
      if (greedy) {
        out[top] = 1;
        return;
      }
      const count = filter(params, adjusted, adjusted[top], work);
      const total = sum(work.weights, count);
      for (let i = 0; i < count; i++) out[work.ids[i]] = work.weights[i] / total;
    },
  };
}

/** Fills work.ids (ascending) and work.weights (unnormalised probabilities); returns how many tokens are left. */
function filter(params: SamplingParams, logits: Float32Array, max: number, work: Scratch): number {
  const { temperature, topK = 0, topP = 1, minP = 0 } = params;
  const { ids, values } = work;
  let count = logits.length;
  values.set(logits);
  for (let i = 0; i < count; i++) ids[i] = i;
  if (topK > 0 && topK < count) count = keepBest("count", topK, count, max, work);
  if (topP < 1) count = keepBest("weight", topP, count, max, work);
  if (minP > 0) count = keepAbove(max + Math.log(minP), count, work);
  weigh(values, count, max, temperature, work.weights);
  return count;
}

function keepAbove(floor: number, count: number, { ids, values }: Scratch): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (value < floor) continue;
    ids[kept] = ids[i];
    values[kept++] = value;
  }
  return kept;
}

function weigh(values: Float32Array, count: number, max: number, temperature: number, weights: Float64Array): void {
  for (let i = 0; i < count; i++) weights[i] = expNegative((values[i] - max) / temperature);
}

function inverseCdf({ ids, weights }: Scratch, count: number, u: number): number {
  const total = sum(weights, count);
  let cumulative = 0;
  let last = 0;
  for (let i = 0; i < count; i++) {
    const probability = weights[i] / total;
    cumulative += probability;
    if (u < cumulative) return ids[i];
    if (probability > 0) last = i;
  }
  // Rounding can leave the sum a little under 1: the last possible token takes the rest.
  return ids[last];
}

function sum(values: Float64Array, count: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += values[i];
  return total;
}

function checkLength(name: string, length: number, vocabSize: number): void {
  if (length === vocabSize) return;
  throw new DraftwrightError(
    "bad-shape",
    `${name} has ${length} entries and the sampler was made for a vocabulary of ${vocabSize}.`,
  );
}
