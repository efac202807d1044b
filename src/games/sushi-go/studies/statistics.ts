// Rank correlations, ridge regression, and bootstraps of nested samples.
import { DraftwrightError } from "../../../errors.ts";
import type { Interval } from "../../intervals.ts";
import { Random } from "../../random.ts";

/** Ranks from 1, equal values share the mean of theirs. */
export function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const found = Array<number>(values.length);
  for (let i = 0; i < order.length; ) {
    let end = i + 1;
    while (end < order.length && values[order[end]] === values[order[i]]) end++;
    for (let j = i; j < end; j++) found[order[j]] = (i + 1 + end) / 2;
    i = end;
  }
  return found;
}

/** Spearman's rho, ties shared; NaN when one side is constant. */
export function spearman(x: readonly number[], y: readonly number[]): number {
  return pearson(ranks(x), ranks(y));
}

function pearson(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const mx = mean(x);
  const my = mean(y);
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < x.length; i++) {
    xy += (x[i] - mx) * (y[i] - my);
    xx += (x[i] - mx) ** 2;
    yy += (y[i] - my) ** 2;
  }
  return xy / Math.sqrt(xx * yy);
}

/** Kendall's tau-b (Kendall 1945). */
export function kendall(x: readonly number[], y: readonly number[]): number {
  let sum = 0;
  let pairsX = 0;
  let pairsY = 0;
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < i; j++) {
      const a = Math.sign(x[i] - x[j]);
      const b = Math.sign(y[i] - y[j]);
      sum += a * b;
      pairsX += a * a;
      pairsY += b * b;
    }
  }
  return sum / Math.sqrt(pairsX * pairsY);
}

/** Share of random orders whose |tau| is at least as large: the two-sided p-value, counting the order itself. */
export function permutationP(x: readonly number[], y: readonly number[], seed: number, samples = 2000): number {
  const random = new Random(seed);
  const found = Math.abs(kendall(x, y));
  const shuffled = [...y];
  let extreme = 1;
  for (let s = 0; s < samples; s++) {
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
    }
    if (Math.abs(kendall(x, shuffled)) >= found - 1e-12) extreme++;
  }
  return extreme / (samples + 1);
}

/** Percentile bootstrap of any statistic of a list of items. */
export function bootstrapOf<T>(
  items: readonly T[],
  statistic: (sample: readonly T[]) => number,
  seed: number,
  samples = 1000,
): Interval {
  const random = new Random(seed);
  const values: number[] = [];
  for (let s = 0; s < samples; s++) {
    const value = statistic(items.map(() => items[random.below(items.length)]));
    if (Number.isFinite(value)) values.push(value);
  }
  values.sort((a, b) => a - b);
  return { lo: values[Math.floor(0.025 * values.length)], hi: values[Math.ceil(0.975 * values.length) - 1] };
}

/** Mean of groups of blocks; the interval draws groups first, then blocks in them. */
export function nestedBootstrap(groups: readonly (readonly number[])[], seed: number, samples = 1000): Interval {
  const random = new Random(seed);
  return bootstrapOf(
    groups,
    (drawn) => {
      let sum = 0;
      let count = 0;
      for (const blocks of drawn) {
        for (let i = 0; i < blocks.length; i++) sum += blocks[random.below(blocks.length)];
        count += blocks.length;
      }
      return sum / count;
    },
    seed + 1,
    samples,
  );
}

/**
 * Ridge regression of several targets with an intercept, by the normal equations; both arrays row by row. Returns
 * coefficients [inputs + 1, targets], the intercept last. Throws bad-argument for fewer than two rows.
 */
export function ridge(
  rows: readonly ArrayLike<number>[],
  targets: readonly ArrayLike<number>[],
  penalty: number,
): Float64Array[] {
  if (rows.length < 2) throw new DraftwrightError("bad-argument", "A regression needs two rows or more.");
  const size = rows[0].length + 1;
  const outs = targets[0].length;
  const gram = Array.from({ length: size }, () => new Float64Array(size));
  const right = Array.from({ length: size }, () => new Float64Array(outs));
  for (let r = 0; r < rows.length; r++) {
    for (let i = 0; i < size; i++) {
      const x = i < size - 1 ? rows[r][i] : 1;
      if (x === 0) continue;
      for (let j = 0; j < size; j++) gram[i][j] += x * (j < size - 1 ? rows[r][j] : 1);
      for (let t = 0; t < outs; t++) right[i][t] += x * targets[r][t];
    }
  }
  for (let i = 0; i < size; i++) gram[i][i] += i < size - 1 ? penalty : 1e-9;
  return solve(gram, right);
}

/** Gauss and Jordan with pivots, in place. */
function solve(matrix: Float64Array[], right: Float64Array[]): Float64Array[] {
  const size = matrix.length;
  for (let i = 0; i < size; i++) {
    let pivot = i;
    for (let r = i + 1; r < size; r++) if (Math.abs(matrix[r][i]) > Math.abs(matrix[pivot][i])) pivot = r;
    [matrix[i], matrix[pivot]] = [matrix[pivot], matrix[i]];
    [right[i], right[pivot]] = [right[pivot], right[i]];
    for (let r = 0; r < size; r++) {
      if (r === i) continue;
      const factor = matrix[r][i] / matrix[i][i];
      if (factor === 0) continue;
      for (let c = i; c < size; c++) matrix[r][c] -= factor * matrix[i][c];
      for (let t = 0; t < right[r].length; t++) right[r][t] -= factor * right[i][t];
    }
  }
  return right.map((row, i) => row.map((value) => value / matrix[i][i]));
}

/** Share of the variance of all targets together that the coefficients explain on these rows. */
export function explained(
  coefficients: readonly Float64Array[],
  rows: readonly ArrayLike<number>[],
  targets: readonly ArrayLike<number>[],
): number {
  const outs = targets[0].length;
  const inputs = coefficients.length - 1;
  let error = 0;
  let total = 0;
  for (let t = 0; t < outs; t++) {
    const mean = targets.reduce((sum, target) => sum + target[t], 0) / targets.length;
    for (let r = 0; r < rows.length; r++) {
      let value = coefficients[inputs][t];
      for (let i = 0; i < inputs; i++) value += rows[r][i] * coefficients[i][t];
      error += (targets[r][t] - value) ** 2;
      total += (targets[r][t] - mean) ** 2;
    }
  }
  return 1 - error / total;
}
