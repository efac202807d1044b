import { DraftwrightError } from "../../../errors.ts";

/**
 * How many tokens each drafter is asked for. Row r belongs to a reviewer (0 the target, r the r-th model), column j >= r to a
 * drafter (the models, Max-Gram last): reviewer r has drafter j write until its block holds K[r][r] + .. + K[r][j] tokens.
 * Below the diagonal stand zeros. Example, two models: [[5, 8, 10], [0, 1, 10], [0, 0, 10]].
 */
export type KMatrix = readonly (readonly number[])[];

/** No round drafts more. */
const mostTokens = 64;

/** Throws "bad-argument" when `k` is not a matrix for so many drafters (Max-Gram counted). */
export function checkKMatrix(k: KMatrix, drafters: number): void {
  const refuse = (what: string): never => {
    throw new DraftwrightError("bad-argument", `cascade: ${what}. Example for one model: [[4, 6], [0, 6]].`);
  };
  if (k.length !== drafters || k.some((row) => row.length !== drafters)) {
    refuse(`k must be ${drafters} x ${drafters}: the models, and Max-Gram last`);
  }
  k.forEach((row, i) => {
    row.forEach((value, j) => {
      if (!Number.isInteger(value) || value < 0) refuse(`k[${i}][${j}] is ${value}; it must be an integer >= 0`);
      if (j < i && value !== 0) refuse(`k[${i}][${j}] is ${value}, but a drafter never drafts for a cheaper one`);
    });
    if (sum(row) > mostTokens) refuse(`row ${i} of k asks for ${sum(row)} tokens; ${mostTokens} are the most`);
  });
}

/** Where nothing is known yet: short blocks, every drafter asked, so that all of them are measured. */
export function startingK(drafters: number): number[][] {
  return Array.from({ length: drafters }, (_, r) =>
    Array.from({ length: drafters }, (_, j) => (j < r ? 0 : j === drafters - 1 ? 3 : 2)),
  );
}

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
