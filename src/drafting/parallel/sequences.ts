// How far ahead to draft, and in how many sequences. Source: DuoDecoding (its published code; the budget rule is ours, the
// code leaves it to the user).
import type { CostCurve } from "../cost-curve.ts";

/** Sequences that are drafted side by side at most. */
export const mostSequences = 8;

/** Lengths that many numbers of sequences divide. */
const lengths = [1, 2, 3, 4, 6, 8, 12, 16, 24] as const;
export const defaultAhead = 4;
/** Another length must fit better by this share of a round, or noise would change it in every round. */
const drift = 0.15;

/**
 * How many first tokens deserve a sequence of their own: those likelier than the first two tokens of the likeliest
 * sequence together. `first`: probabilities of the candidates for the first token, falling; `second`: of the likeliest
 * second token.
 */
export function sequenceCount(first: ArrayLike<number>, second: number, most = mostSequences): number {
  const threshold = first[0] * second;
  let count = 1;
  while (count < first.length && count < most && first[count] > threshold) count++;
  return count;
}

/** The largest number of sequences up to `wanted` that `ahead` tokens can be divided among. */
export function dividing(ahead: number, wanted: number): number {
  let count = Math.max(1, Math.min(wanted, ahead));
  while (ahead % count !== 0) count--;
  return count;
}

/**
 * Tokens to draft ahead: those that the drafter needs as long for as the target for verifying them, with the root. `kv`:
 * committed rows. `before`: what was drafted ahead until now. The default while either curve knows nothing.
 */
export function aheadBudget(target: CostCurve, draft: CostCurve, kv: number, before = defaultAhead): number {
  const draftMs = draft.ms(1, kv);
  if (!(draftMs > 0) || !(target.ms(1, kv) > 0)) return before;
  const misfit = (tokens: number) => Math.abs(tokens * draftMs - target.ms(tokens + 1, kv));
  const best = lengths.reduce((a, b) => (misfit(b) < misfit(a) ? b : a));
  return misfit(before) - misfit(best) > drift * target.ms(best + 1, kv) ? best : before;
}
