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
      throw new DraftwrightError("bad-argument", "Every token is forbidden (-Infinity); relax logitBias.");
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
      const count = probabilities(params, adjusted, adjusted[top], work);
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
      const count = probabilities(params, adjusted, adjusted[top], work);
      for (let i = 0; i < count; i++) out[work.ids[i]] = work.weights[i];
    },
  };
}

/** Fills work.ids (ascending) and work.weights (their probabilities); returns how many tokens are left. */
function probabilities(params: SamplingParams, logits: Float32Array, max: number, work: Scratch): number {
  const { temperature, topK = 0, topP = 1, minP = 0 } = params;
  const { weights } = work;
  let values = logits;
  let ids: Int32Array | null = null;
  let count = logits.length;
  if (topK > 0 && topK < count) {
    count = keepBest("count", topK, values, ids, count, max, work);
    ({ values, ids } = work);
  }
  if (topP < 1) {
    count = keepBest("weight", topP, values, ids, count, max, work);
    ({ values, ids } = work);
  }
  // Without a filter every token is left; min-p and weights are then taken in one pass.
  const floor = minP > 0 ? Math.log(minP) : -Infinity;
  let kept = 0;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const x = values[i] - max;
    if (!(x >= floor)) continue;
    const weight = expNegative(x / temperature);
    total += weight;
    weights[kept] = weight;
    work.ids[kept++] = ids === null ? i : ids[i];
  }
  for (let i = 0; i < kept; i++) weights[i] /= total;
  return kept;
}

function inverseCdf({ ids, weights }: Scratch, count: number, u: number): number {
  let cumulative = 0;
  let token = 0;
  for (let i = 0; i < count; i++) {
    if (weights[i] === 0) continue;
    cumulative += weights[i];
    token = ids[i];
    if (u < cumulative) break;
  }
  // Rounding can leave the sum a little under 1: the last possible token takes the rest.
  return token;
}

function checkLength(name: string, length: number, vocabSize: number): void {
  if (length === vocabSize) return;
  throw new DraftwrightError(
    "bad-shape",
    `${name} has ${length} entries and the sampler was made for a vocabulary of ${vocabSize}.`,
  );
}
