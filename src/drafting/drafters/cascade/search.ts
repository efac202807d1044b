import { keyedUniform } from "../../../lm/sampling/index.ts";
import { type CascadeFigures, forecastCascade } from "./forecast.ts";
import { type KMatrix, startingK, sum } from "./k-matrix.ts";

export interface SearchOptions {
  /** Most tokens a round drafts, and a block holds. Default 24. */
  readonly limit?: number;
  /** Random matrices from which the search starts again. Default 4. */
  readonly restarts?: number;
  readonly seed?: number;
  /** Where the first search starts. */
  readonly start?: KMatrix;
}

export interface FoundK {
  readonly k: number[][];
  /** Expected tokens per millisecond. */
  readonly rate: number;
}

const defaultLimit = 24;
const choices = [0, 1, 2, 3, 4, 6, 8, 12, 16];

/**
 * The K matrix with the most expected tokens per millisecond: entry by entry, as long as that helps, from several starts.
 * Deterministic. What does not draft at all (a first row of zeros) is among the candidates, so the result never promises
 * less than plain decoding.
 */
export function searchK(figures: CascadeFigures, options: SearchOptions = {}): FoundK {
  const { limit = defaultLimit, restarts = 4, seed = 1 } = options;
  const drafters = figures.models + 1;
  const empty = startingK(drafters).map((row) => row.map(() => 0));
  let best: FoundK = { k: empty, rate: rateOf(empty, figures, limit) };
  const starts = [options.start ?? startingK(drafters)];
  for (let i = 0; i < restarts; i++) starts.push(randomK(drafters, limit, seed, i));
  for (const start of starts) {
    const found = climb(start, figures, limit);
    if (found.rate > best.rate) best = found;
  }
  return best;
}

function climb(start: KMatrix, figures: CascadeFigures, limit: number): FoundK {
  const k = start.map((row) => [...row]);
  let rate = rateOf(k, figures, limit);
  for (let improved = true; improved; ) {
    improved = false;
    for (let r = 0; r < k.length; r++) {
      for (let j = r; j < k.length; j++) {
        let value = k[r][j];
        for (const choice of choices) {
          k[r][j] = choice;
          if (sum(k[r]) > limit) break;
          const tried = rateOf(k, figures, limit);
          // Differences in the last bits would make the walk depend on rounding.
          if (tried <= rate * (1 + 1e-9)) continue;
          rate = tried;
          value = choice;
          improved = true;
        }
        k[r][j] = value;
      }
    }
  }
  return { k, rate };
}

function rateOf(k: KMatrix, figures: CascadeFigures, limit: number): number {
  const { tokens, milliseconds } = forecastCascade(k, figures, limit);
  return tokens / milliseconds;
}

function randomK(drafters: number, limit: number, seed: number, index: number): number[][] {
  let position = 0;
  return Array.from({ length: drafters }, (_, r) => {
    let left = limit;
    return Array.from({ length: drafters }, (_, j) => {
      if (j < r) return 0;
      const possible = choices.filter((choice) => choice <= left);
      const value = possible[Math.floor(keyedUniform(seed, index, position++) * possible.length)];
      left -= value;
      return value;
    });
  });
}
