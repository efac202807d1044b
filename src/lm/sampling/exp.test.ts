import { expect, it } from "vitest";
import { expNegative } from "./exp.ts";

it("expNegative is exp to 2e-15 near 0 and to 1e-13 far away", () => {
  expect(expNegative(0)).toBe(1);
  expect(expNegative(-700)).toBe(0);
  expect(expNegative(-Infinity)).toBe(0);
  expect(worst(0, -5)).toBeLessThan(2e-15);
  expect(worst(-5, -699)).toBeLessThan(1e-13);
});

/** Largest relative error on a fine grid. */
function worst(from: number, to: number): number {
  let error = 0;
  for (let i = 0; i <= 20_000; i++) {
    const x = from + ((to - from) * i) / 20_000;
    error = Math.max(error, Math.abs(expNegative(x) / Math.exp(x) - 1));
  }
  return error;
}
