/**
 * Pearson's chi-square statistic of `counts` against `law`, as a standard normal score (Wilson and Hilferty 1931): above
 * 3.09 in one run of a thousand. Outcomes expected fewer than 5 times are counted together.
 */
export function chiSquareScore(counts: ReadonlyMap<string, number>, law: ReadonlyMap<string, number>): number {
  const runs = [...counts.values()].reduce((a, b) => a + b, 0);
  const bins: [number, number][] = [];
  const rest: [number, number] = [0, 0];
  for (const key of new Set([...law.keys(), ...counts.keys()])) {
    const expected = (law.get(key) ?? 0) * runs;
    const bin: [number, number] = [counts.get(key) ?? 0, expected];
    if (expected >= 5) bins.push(bin);
    else
      bin.forEach((value, i) => {
        rest[i] += value;
      });
  }
  if (rest[0] + rest[1] > 0) bins.push([rest[0], Math.max(rest[1], 1e-9)]);
  const chi = bins.reduce((sum, [count, expected]) => sum + (count - expected) ** 2 / expected, 0);
  const freedom = bins.length - 1;
  const variance = 2 / (9 * freedom);
  return (Math.cbrt(chi / freedom) - 1 + variance) / Math.sqrt(variance);
}
