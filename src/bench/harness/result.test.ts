import { expect, test } from "vitest";
import { pairedSpeedup } from "./bootstrap.ts";
import { summarise } from "./result.ts";

test("the speed-up is the ratio of means; drawing pairs, a constant ratio has no spread", () => {
  const plain = [10, 20, 30, 60];
  expect(pairedSpeedup([20, 40, 60, 120], plain)).toEqual({ speedup: 2, lo: 2, hi: 2 });
  const { speedup, lo, hi } = pairedSpeedup([20, 20, 30, 60], plain);
  expect(speedup).toBe(130 / 120);
  expect(lo).toBe(1);
  expect(hi).toBeGreaterThan(speedup);
  expect(pairedSpeedup([20, 20, 30, 60], plain)).toEqual({ speedup, lo, hi });
});

test("a method is compared on the prompts that it could run, by subtask and over all", () => {
  const of = (subtask: string, speed: number) => ({ subtask, speed, decodeSpeed: 2 * speed, emitted: 8, rounds: 4 });
  const plain = [of("a", 10), of("b", 10), of("b", 1000)];
  const summary = summarise([of("a", 20), of("b", 5), undefined], plain);
  expect(summary?.subtasks.a).toMatchObject({ speedup: 2, lo: 2, hi: 2, meanEmitted: 2, tokensPerSecond: 20 });
  expect(summary?.subtasks.b).toMatchObject({ speedup: 0.5, decode: { speedup: 0.5, tokensPerSecond: 10 } });
  expect(summary?.overall).toMatchObject({ speedup: 25 / 20, lo: 0.5, hi: 2 });
  expect(summarise([undefined, undefined, undefined], plain)).toBeUndefined();
});
