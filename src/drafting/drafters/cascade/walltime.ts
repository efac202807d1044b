// The expected walltime analysis of CS Drafting in closed form: tokens a round, and the factor over plain decoding, when each
// token is accepted independently and a forward costs the same whatever its width.
// Sources: Leviathan et al. 2023, theorem 3.8; Chen et al. 2024, "Cascade Speculative Drafting", section 4 (vertical cascade:
// probability generating function of the length of a reviewed block; horizontal cascade). Costs are relative to one forward
// of the target.

/** Expected tokens of a round that drafts `k` tokens, each accepted with chance `a`. Leviathan et al. 2023, equation 1. */
export function expectedTokens(a: number, k: number): number {
  return a === 1 ? k + 1 : (1 - a ** (k + 1)) / (1 - a);
}

/** Speculative decoding with one model that decodes its `k` tokens one by one at relative cost `c`. */
export function speculativeFactor(a: number, k: number, c: number): number {
  return expectedTokens(a, k) / (1 + c * k);
}

/**
 * Probability generating function, at `x`, of the tokens that come out of one review of `k` drafted tokens (the kept ones and
 * one of the reviewer's own), each kept with chance `a`: sum over n of P(n) x^n.
 */
export function reviewedLength(a: number, k: number, x: number): number {
  return 1 + ((x - 1) * (1 - (a * x) ** (k + 1))) / (1 - a * x);
}

export interface VerticalCascade {
  /** Chance that the target accepts a token of the first model, and that the first model keeps one of the second. */
  readonly target: number;
  readonly model: number;
  /** Reviews of the first model a round, and tokens of the second one for each of them. */
  readonly reviews: number;
  readonly block: number;
  /** Relative cost of a forward of the first model, and of a token of the second. */
  readonly modelCost: number;
  readonly blockCost: number;
}

/** A model that reviews, `reviews` times, blocks of a cheaper one. */
export function verticalFactor(cascade: VerticalCascade): number {
  const { target: a, model, reviews, block, modelCost, blockCost } = cascade;
  const tokens = (1 - a * reviewedLength(model, block, a) ** reviews) / (1 - a);
  return tokens / (1 + reviews * modelCost + reviews * block * blockCost);
}

/** Drafters one after the other, the better ones first, each decoding its `k` tokens one by one at relative cost `c`. */
export function horizontalFactor(
  parts: readonly { readonly a: number; readonly k: number; readonly c: number }[],
): number {
  let tokens = 1;
  let reached = 1;
  let cost = 1;
  for (const { a, k, c } of parts) {
    tokens += reached * (expectedTokens(a, k) - 1);
    reached *= a ** k;
    cost += k * c;
  }
  return tokens / cost;
}
