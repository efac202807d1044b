import { type Interval, pairedSpeedup } from "../harness/bootstrap.ts";

/** Ratio of sums over pairs measured in turn, with its 95 % bootstrap interval. */
export function ratioOf(above: readonly number[], below: readonly number[]) {
  const { speedup, lo, hi }: Interval = pairedSpeedup(above, below);
  return { ratio: round(speedup), interval: [round(lo), round(hi)], pairs: above.length };
}

export function quantiles(values: readonly number[]) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { p50: at(0.5), p95: at(0.95) };
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
