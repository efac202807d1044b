import { seededRandom } from "../../lm/toy/index.ts";

/** A table of random distributions, one for each prefix, none of them flat: the same seed gives the same table. */
export function randomTable(vocabSize: number, seed: number): (prefix: readonly number[]) => number[] {
  return (prefix) => {
    const random = seededRandom(prefix.reduce((hash, token) => Math.imul(hash, 31) + token + 1, seed * 7919 + 1));
    const weights = Array.from({ length: vocabSize }, () => 0.02 + random() ** 3);
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((weight) => weight / sum);
  };
}

/** A model that repeats the first `period` tokens of its prompt for ever, almost surely. */
export function repeatingTable(vocabSize: number, period: number): (prefix: readonly number[]) => number[] {
  return (prefix) => {
    const rest = 1e-6 / (vocabSize - 1);
    const table = new Array<number>(vocabSize).fill(rest);
    table[prefix[prefix.length % period]] = 1 - 1e-6;
    return table;
  };
}
