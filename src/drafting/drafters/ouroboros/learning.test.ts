import { describe, expect, test } from "vitest";
import { learnFromOutputs, learnFromTail } from "./learning.ts";

describe("variant A: runs that the target repeats", () => {
  //            x1 x2 x3 x4 x5 x6
  const draft = [1, 2, 3, 4, 5, 6];

  test("a run of full length is stored under the draft token before it", () => {
    // x2 is wrong; after x3 the target says what the draft says, 4 5, and then 9.
    expect(learnFromTail(draft, [7, 7, 4, 5, 9, 9], 1, 3)).toEqual([{ key: 3, phrase: [4, 5, 9] }]);
  });

  test("every tail index may begin one, the first rejected token too", () => {
    expect(learnFromTail(draft, [9, 3, 4, 5, 6, 8], 1, 2)).toEqual([
      { key: 2, phrase: [3, 4] },
      { key: 3, phrase: [4, 5] },
      { key: 4, phrase: [5, 6] },
      { key: 5, phrase: [6, 8] },
    ]);
  });

  test("nothing shorter, nothing from the accepted part, nothing past the end", () => {
    expect(learnFromTail(draft, [2, 3, 4, 5, 6, 7], 4, 3)).toEqual([]);
    expect(learnFromTail(draft, [2, 3, 4, 9, 6, 7], 3, 3)).toEqual([]);
    expect(learnFromTail(draft, [9, 9, 9, 9, 9, 9], 0, 2)).toEqual([]);
  });

  test("phrases of one token are the outputs themselves", () => {
    expect(learnFromTail([1, 2], [8, 9], 0, 1)).toEqual([
      { key: 1, phrase: [8] },
      { key: 2, phrase: [9] },
    ]);
  });
});

describe("variant B: the outputs as a text", () => {
  test("from the correction on, each output is a key", () => {
    // Right: 1. The target says 20 in the place of 2, then 30, 40, 50 after the rejected ones.
    expect(learnFromOutputs(20, [99, 30, 40, 50], 1, [], 2)).toEqual([
      { key: 20, phrase: [30, 40] },
      { key: 30, phrase: [40, 50] },
    ]);
  });

  test("outputs along the branches continue it", () => {
    const branches = [
      [60, 70],
      [61, 71],
    ];
    expect(learnFromOutputs(20, [99, 30], 1, branches, 2)).toEqual([
      { key: 20, phrase: [30, 60] },
      { key: 20, phrase: [30, 61] },
      { key: 30, phrase: [60, 70] },
      { key: 30, phrase: [61, 71] },
    ]);
  });

  test("a branch too short for a whole phrase gives none", () => {
    expect(learnFromOutputs(20, [30], 0, [[60]], 3)).toEqual([]);
    expect(learnFromOutputs(20, [30], 0, [[60, 70]], 3)).toEqual([{ key: 20, phrase: [30, 60, 70] }]);
  });
});
