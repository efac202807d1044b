// Falcon's coupled sequential glancing (Gao et al. 2025): in training, some inputs show what is to be estimated k positions
// on, fewer of them as the head gets better.
import type { Random } from "../../nn/index.ts";

/** Share of the rows the head gets wrong that are shown, falling evenly from the first to the last step of training. */
export interface Glancing {
  readonly first: number;
  readonly last: number;
}

/** Of the published code, and of the paper. */
export const glancings = { code: { first: 0.45, last: 0.1 }, paper: { first: 0.4, last: 0 } } satisfies Record<
  string,
  Glancing
>;

/** Rows to show when `wrong` rows are wrong and `share` of the training is done. */
export function shownRows({ first, last }: Glancing, wrong: number, share: number): number {
  return Math.floor((first * (1 - share) + last * share) * wrong);
}

/**
 * The rows that are shown, of windows of `rows` rows whose blocks of `k` are shifted by `phases`: rows that begin a block; for
 * k > 2, with up to k - 2 of those after them, in a k-th of the blocks.
 */
export function glance(
  count: number,
  k: number,
  rows: number,
  phases: readonly number[],
  random: Random,
): { readonly window: number; readonly row: number }[] {
  const starts = phases.flatMap((phase, window) =>
    Array.from({ length: rows }, (_, row) => ({ window, row })).filter(({ row }) => (row + phase) % k === 0),
  );
  const chosen = random.shuffle(starts).slice(0, k > 2 ? Math.floor(count / k) : count);
  if (k <= 2) return chosen;
  return chosen.flatMap(({ window, row }) => {
    const more = random.integer(k - 1);
    return Array.from({ length: Math.min(1 + more, rows - row) }, (_, i) => ({ window, row: row + i }));
  });
}
