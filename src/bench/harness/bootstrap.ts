import { keyedUniform } from "../../lm/sampling/index.ts";

export interface Interval {
  readonly speedup: number;
  /** 95 % bootstrap interval. */
  readonly lo: number;
  readonly hi: number;
}

const resamples = 2000;

/**
 * Ratio of means over prompts, as Spec-Bench has it: mean(method) / mean(plain), with the percentile interval of a bootstrap
 * over prompts. Entry i of both belongs to prompt i: a resampled prompt brings both. Equal seeds give equal intervals.
 */
export function pairedSpeedup(method: readonly number[], plain: readonly number[], seed = 1): Interval {
  const ratios = Array.from({ length: resamples }, (_, resample) => {
    let ours = 0;
    let theirs = 0;
    for (let i = 0; i < plain.length; i++) {
      const drawn = Math.floor(keyedUniform(seed, resample, i) * plain.length);
      ours += method[drawn];
      theirs += plain[drawn];
    }
    return ours / theirs;
  }).sort((a, b) => a - b);
  const at = (share: number) => ratios[Math.round(share * (resamples - 1))];
  return { speedup: sum(method) / sum(plain), lo: at(0.025), hi: at(0.975) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
