import { createHistory, createSampler, keyedUniform, type SamplingParams } from "../../lm/sampling/index.ts";
import type { TokenView } from "../drafter.ts";
import { weightedDraw } from "../weighted-draw.ts";

/** Drafting by sampling, for `ratio` verification: the drafter's own sampling parameters, and who draws (`seededPick`). */
export interface SampledDrafts {
  readonly sampling: SamplingParams;
  readonly pick: PickFrom;
}

/** Draws a token from weights q [vocab], which need not sum to 1. */
export type PickFrom = (q: Float32Array) => number;

/** Randomness for drafts must not be that of the target's draws at any position. */
const draftStream = 0x6c736b70;

/**
 * Inverse CDF in token order. No draw is ever used twice, and none is one that the target uses. Drafters of one generation
 * need different numbers, or their drafts would not be independent.
 */
export function seededPick(seed: number, completion = 0, drafter = 0): PickFrom {
  let draws = 0;
  return (q) => weightedDraw(q, keyedUniform(seed, completion, draws++, draftStream + drafter));
}

/** A text as a drafter continues it: gives q after the drafter's sampling chain, on the drafted path. */
export interface DraftPath {
  /** A new array [vocab]. */
  q(logits: Float32Array): Float32Array;
  push(token: number): void;
}

/** Opens the path after the committed tokens, once a draft. */
export function draftPaths(sampling: SamplingParams, vocabSize: number): (context: TokenView) => DraftPath {
  const sampler = createSampler(sampling, vocabSize);
  const distribution = new Float64Array(vocabSize);
  return ({ tokens, length }) => {
    const history = createHistory(sampling, vocabSize, tokens.subarray(0, length));
    return {
      q(logits) {
        sampler.distribution(logits, history, distribution);
        return Float32Array.from(distribution);
      },
      push: (token) => history.push(token),
    };
  };
}

/** q without a token that was drawn; undefined when it was the last one. */
export function without(q: Float32Array, token: number): Float32Array | undefined {
  const rest = q.slice();
  rest[token] = 0;
  return rest.some((weight) => weight > 0) ? rest : undefined;
}
