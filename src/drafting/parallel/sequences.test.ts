import { describe, expect, test } from "vitest";
import type { CostCurve } from "../cost-curve.ts";
import { aheadBudget, dividing, sequenceCount } from "./sequences.ts";

describe("sequences", () => {
  test.each<[string, number[], number, number]>([
    ["a sure first token", [0.97, 0.01, 0.01], 0.9, 1],
    ["a sure first token before an unsure one", [0.6, 0.3, 0.1], 0.4, 2],
    ["a tie is no reason", [0.5, 0.25, 0.25], 0.5, 1],
    ["a little more than a tie is", [0.5, 0.26, 0.24], 0.5, 2],
    ["equal candidates", [0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125], 0.5, 8],
    ["nothing known but one token", [1], 1, 1],
  ])("%s", (_, first, second, count) => {
    expect(sequenceCount(first, second)).toBe(count);
  });

  test("no more than asked for", () => {
    expect(sequenceCount([0.3, 0.3, 0.2, 0.2], 0.1, 3)).toBe(3);
  });

  test.each([
    [12, [1, 2, 3, 4, 4, 6, 6, 6]],
    [16, [1, 2, 2, 4, 4, 4, 4, 8]],
    [24, [1, 2, 3, 4, 4, 6, 6, 8]],
    [1, [1, 1, 1, 1, 1, 1, 1, 1]],
  ])("%i tokens are divided among as many as divide it", (ahead, counts) => {
    expect(Array.from({ length: 8 }, (_, i) => dividing(ahead, i + 1))).toEqual(counts);
  });
});

describe("how far ahead", () => {
  const curve = (ms: (width: number) => number): CostCurve => ({ ms: (width) => ms(width), observe() {} });

  test("as long as the target takes to verify it", () => {
    const draft = curve(() => 1);
    for (const round of [2, 4, 8, 16, 24])
      expect(
        aheadBudget(
          curve(() => round),
          draft,
          0,
        ),
      ).toBe(round);
    // 4 tokens take 4 ms, and 5 rows 3 + 5 * 0.2.
    expect(
      aheadBudget(
        curve((width) => 3 + 0.2 * width),
        draft,
        0,
        1,
      ),
    ).toBe(4);
  });

  test("what is unknown changes nothing, and noise does not either", () => {
    const unknown = curve(() => 0);
    expect(aheadBudget(unknown, unknown, 0, 6)).toBe(6);
    expect(
      aheadBudget(
        curve(() => 4.4),
        curve(() => 1),
        0,
        4,
      ),
    ).toBe(4);
    expect(
      aheadBudget(
        curve(() => 5.1),
        curve(() => 1),
        0,
        4,
      ),
    ).toBe(4);
    expect(
      aheadBudget(
        curve(() => 6.5),
        curve(() => 1),
        0,
        4,
      ),
    ).toBe(6);
  });
});
