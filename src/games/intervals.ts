// Confidence intervals of 95 % for shares and means.
import { DraftwrightError } from "../errors.ts";
import { Random } from "./random.ts";

export interface Interval {
  readonly lo: number;
  readonly hi: number;
}

const z = 1.959964;

/** Wilson's score interval of a share (Wilson 1927); `successes` may hold half wins. */
export function wilson(successes: number, trials: number): Interval {
  if (!(trials > 0) || successes < 0 || successes > trials) {
    throw new DraftwrightError(
      "bad-argument",
      `There is no share of ${successes} in ${trials}. Count one trial at least.`,
    );
  }
  const share = successes / trials;
  const scale = 1 / (1 + (z * z) / trials);
  const middle = (share + (z * z) / (2 * trials)) * scale;
  const half = z * scale * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  return { lo: Math.max(0, middle - half), hi: Math.min(1, middle + half) };
}

/** Percentile bootstrap of the mean of independent blocks (Efron 1979); seeded. */
export function bootstrap(blocks: readonly number[], seed: number, samples = 1000): Interval {
  const random = new Random(seed);
  const means = Array.from({ length: samples }, () => {
    let sum = 0;
    for (let i = 0; i < blocks.length; i++) sum += blocks[random.below(blocks.length)];
    return sum / blocks.length;
  }).sort((a, b) => a - b);
  return { lo: means[Math.floor(0.025 * samples)], hi: means[Math.ceil(0.975 * samples) - 1] };
}
