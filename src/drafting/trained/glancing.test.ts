import { expect, test } from "vitest";
import { Random } from "../../nn/index.ts";
import { fromHalf } from "./data.ts";
import { glance, glancings, shownRows } from "./glancing.ts";
import { HeadTask } from "./index.ts";
import { randomData, randomHead, toyParts } from "./testing/toy-head.ts";

test("shares fall evenly: 0.45 to 0.10 in the code, 0.40 to 0 in the paper", () => {
  const counts = (name: keyof typeof glancings) => [0, 0.5, 1].map((share) => shownRows(glancings[name], 1000, share));
  expect(counts("code")).toEqual([450, 275, 100]);
  expect(counts("paper")).toEqual([400, 200, 0]);
});

test("rows that begin a block are shown; longer blocks may go on, but not to their last row", () => {
  const random = new Random(1);
  const pairs = glance(100, 2, 6, [0, 1], random);
  expect(pairs.filter(({ window }) => window === 0).map(({ row }) => row)).toHaveLength(3);
  expect(pairs.every(({ window, row }) => row % 2 === window)).toBe(true);
  const places = new Set<number>();
  for (let i = 0; i < 40; i++) for (const { row } of glance(8, 4, 12, [0], random)) places.add(row % 4);
  expect([...places].sort()).toEqual([0, 1, 2]);
  expect(glance(8, 4, 12, [0, 0], random).filter(({ row }) => row % 4 === 0)).toHaveLength(2);
});

test("what is shown is what the row is to estimate; nothing shown changes nothing", () => {
  using target = toyParts(30);
  const data = randomData(target);
  using task = new HeadTask({ head: randomHead("falcon"), target, data, rows: 6, windows: 2, seed: 1 });
  const inputs = task.fillToLearn([3, 40], [0, 1]);
  const before = { feature: inputs.feature.slice(), token: inputs.token.slice() };
  expect(task.reveal([3, 40], [0, 1], 0)).toEqual([]);
  expect(inputs).toEqual(before);
  const shown = task.reveal([3, 40], [0, 1], 100);
  expect(shown.sort((a, b) => a - b)).toEqual([0, 2, 4, 7, 9, 11]);
  const expected = new Float32Array(16);
  for (let row = 0; row < 12; row++) {
    const at = (row < 6 ? 3 : 34) + row + (shown.includes(row) ? 2 : 0);
    fromHalf(data.features.subarray(at * 16, (at + 1) * 16), expected, 0);
    expect(inputs.feature.subarray(row * 16, (row + 1) * 16)).toEqual(expected);
    expect(inputs.token[row]).toBe(data.tokens[at + 1]);
  }
});
