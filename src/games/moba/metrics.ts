// How good rankings and predictions are. Rankings: hit rate and NDCG of the one champion that was picked, in expectation
// over random orders of equal scores. Winners: share predicted, mean absolute error, log loss.
import { bootstrap, type Interval } from "../intervals.ts";

export const cutoffs = [1, 5, 10, 20] as const;

/** Sums over picks; divide by `picks`. */
export interface RankingSums {
  picks: number;
  /** By `cutoffs`. */
  readonly hits: Float64Array;
  readonly gains: Float64Array;
}

export const newSums = (): RankingSums => ({
  picks: 0,
  hits: new Float64Array(cutoffs.length),
  gains: new Float64Array(cutoffs.length),
});

/**
 * Adds one pick. `scores` and `allowed` [champion ids]; the target counts as allowed. Of n equal scores each place is
 * equally likely. Gain at place r (from 1): 1 / log2(r + 1) (Jarvelin and Kekalainen 2002, one relevant item).
 */
export function addPick(
  sums: RankingSums,
  scores: ArrayLike<number>,
  allowed: ArrayLike<number>,
  target: number,
): void {
  let above = 0;
  let tied = 1;
  const own = scores[target];
  for (let c = 0; c < scores.length; c++) {
    if (c === target || allowed[c] === 0) continue;
    if (scores[c] > own) above++;
    else if (scores[c] === own) tied++;
  }
  sums.picks++;
  cutoffs.forEach((k, i) => {
    sums.hits[i] += Math.min(tied, Math.max(0, k - above)) / tied;
    for (let r = above + 1; r <= Math.min(k, above + tied); r++) sums.gains[i] += 1 / Math.log2(r + 1) / tied;
  });
}

export interface OutcomeFigures {
  readonly accuracy: number;
  readonly mae: number;
  readonly mse: number;
  readonly logLoss: number;
}

/** `chance` that blue wins; exactly 0.5 counts as half right. */
export function outcomeFigures(chance: ArrayLike<number>, blueWin: ArrayLike<number>): OutcomeFigures {
  const n = chance.length;
  let [right, absolute, square, log] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [p, y] = [chance[i], blueWin[i]];
    right += p === 0.5 ? 0.5 : Number(p > 0.5 === (y === 1));
    absolute += Math.abs(p - y);
    square += (p - y) ** 2;
    log -= Math.log(Math.max(1e-12, y === 1 ? p : 1 - p));
  }
  return { accuracy: right / n, mae: absolute / n, mse: square / n, logLoss: log / n };
}

/** Share of matches predicted right, one number a match: 0, 0.5 or 1. */
export const rightness = (chance: ArrayLike<number>, blueWin: ArrayLike<number>): number[] =>
  Array.from(chance, (p, i) => (p === 0.5 ? 0.5 : Number(p > 0.5 === (blueWin[i] === 1))));

/** Expected calibration error over ten bins of equal width of the chance of the predicted side (Guo et al. 2017). */
export function calibrationError(chance: ArrayLike<number>, blueWin: ArrayLike<number>): number {
  const bins = Array.from({ length: 10 }, () => ({ n: 0, p: 0, y: 0 }));
  for (let i = 0; i < chance.length; i++) {
    const sure = Math.max(chance[i], 1 - chance[i]);
    const bin = bins[Math.min(9, Math.floor(sure * 10))];
    bin.n++;
    bin.p += sure;
    bin.y += Number(chance[i] >= 0.5 === (blueWin[i] === 1));
  }
  return bins.reduce((sum, { n, p, y }) => sum + (n === 0 ? 0 : Math.abs(p - y)), 0) / chance.length;
}

/** Bootstrap by match of a mean, and of the difference of two means over the same matches. */
export const matchInterval = (perMatch: readonly number[], seed: number): Interval => bootstrap(perMatch, seed, 2000);

export function pairedDifference(
  a: readonly number[],
  b: readonly number[],
  seed: number,
): { readonly difference: number } & Interval {
  const differences = a.map((x, i) => x - b[i]);
  return {
    difference: differences.reduce((sum, x) => sum + x, 0) / differences.length,
    ...matchInterval(differences, seed),
  };
}
