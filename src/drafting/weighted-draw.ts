/** Sum of f32 or f64 weights, in double precision. */
export function sumOf(weights: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i];
  return sum;
}

/** The index that a uniform u in [0, 1) falls on: inverse CDF in index order, weights of any positive sum. */
export function weightedDraw(weights: ArrayLike<number>, u: number): number {
  const wanted = u * sumOf(weights);
  let cumulative = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (!(weights[i] > 0)) continue;
    cumulative += weights[i];
    last = i;
    if (wanted < cumulative) break;
  }
  return last;
}
