import { expect, test } from "vitest";
import { addPick, calibrationError, newSums, outcomeFigures, pairedDifference, rightness } from "./metrics.ts";

const one = (scores: number[], target: number, allowed = scores.map(() => 1)) => {
  const sums = newSums();
  addPick(sums, scores, allowed, target);
  return { hits: [...sums.hits], gains: [...sums.gains] };
};

test("hit rates and gains by hand", () => {
  const scores = Array.from({ length: 30 }, (_, i) => -i);
  expect(one(scores, 0)).toEqual({ hits: [1, 1, 1, 1], gains: [1, 1, 1, 1] });
  expect(one(scores, 4).hits).toEqual([0, 1, 1, 1]);
  expect(one(scores, 4).gains[1]).toBeCloseTo(1 / Math.log2(6), 12);
  expect(one(scores, 20).hits).toEqual([0, 0, 0, 0]);
});

test("what cannot be picked takes no place", () => {
  const scores = [9, 8, 7];
  expect(one(scores, 2).hits[0]).toBe(0);
  expect(one(scores, 2, [0, 0, 1]).hits[0]).toBe(1);
});

test("equal scores share their places; fewer candidates than k all hit", () => {
  expect(one([1, 1, 1, 1, 0], 0).hits[0]).toBe(0.25);
  const { hits, gains } = one([1, 1], 1);
  expect(hits).toEqual([0.5, 1, 1, 1]);
  expect(gains[1]).toBeCloseTo((1 + 1 / Math.log2(3)) / 2, 12);
});

test("figures of winners by hand", () => {
  const { accuracy, mae, mse, logLoss } = outcomeFigures([0.9, 0.4, 0.5], [1, 1, 0]);
  expect(accuracy).toBe(0.5);
  expect(mae).toBeCloseTo((0.1 + 0.6 + 0.5) / 3, 12);
  expect(mse).toBeCloseTo((0.01 + 0.36 + 0.25) / 3, 12);
  expect(logLoss).toBeCloseTo(-(Math.log(0.9) + Math.log(0.4) + Math.log(0.5)) / 3, 12);
  expect(rightness([0.9, 0.4, 0.5], [1, 1, 0])).toEqual([1, 0, 0.5]);
});

test("calibration: predictions that keep their word have no error", () => {
  const chance = Array.from({ length: 10 }, () => 0.8);
  expect(calibrationError(chance, [1, 1, 1, 1, 1, 1, 1, 1, 0, 0])).toBeCloseTo(0, 12);
  expect(calibrationError(chance, Array(10).fill(0))).toBeCloseTo(0.8, 12);
});

test("paired differences see what unpaired ones drown", () => {
  const noise = Array.from({ length: 200 }, (_, i) => Math.sin(i * 7.3));
  const { difference, lo, hi } = pairedDifference(
    noise.map((x) => x + 0.1),
    noise,
    1,
  );
  expect(difference).toBeCloseTo(0.1, 12);
  expect([lo, hi].map((x) => Math.abs(x - 0.1) < 1e-9)).toEqual([true, true]);
});
