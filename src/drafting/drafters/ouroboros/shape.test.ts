import { expect, test } from "vitest";
import { AcceptanceTable } from "../../calibration.ts";
import type { Branch } from "../lookahead/calibrated-tree.ts";
import { suffixShape, teachShape } from "./shape.ts";

const bucket = 11;
const branch = (tokens: readonly number[], shared = 0): Branch => ({
  phrase: { tokens, origin: "text" },
  nodes: tokens.map((_, i) => i),
  shared,
});
const shape = (table: AcceptanceTable) => suffixShape(null, table, bucket, 2, 2, 3);
const settings = { suffixes: 2 };

test("a chain, and the suffixes behind its last node", () => {
  const { parent, chance, chainNodes } = shape(new AcceptanceTable());
  expect(Array.from(parent)).toEqual([-1, 0, 1, 2, 3, 1, 5, 6]);
  expect(chance[2] + chance[5]).toBeLessThanOrEqual(1);
  // Parents come first: the chain is bought before its suffixes.
  expect(Array.from(chainNodes)).toEqual([0, 1, 2, 2, 2, 2, 2, 2, 2]);
});

test("the same arrays while nothing was learned", () => {
  const table = new AcceptanceTable();
  const first = shape(table);
  expect(suffixShape(first, table, bucket, 2, 2, 3)).toBe(first);
  expect(suffixShape(first, table, bucket, 2, 2, 2)).not.toBe(first);
  table.update(0, 0, true);
  expect(suffixShape(first, table, bucket, 2, 2, 3)).not.toBe(first);
});

test("siblings never promise more than one token together", () => {
  const table = new AcceptanceTable();
  for (let i = 0; i < 50; i++) for (const rank of [0, 1]) table.update(bucket + rank, 0, true);
  const { chance } = shape(table);
  expect(chance[2] + chance[5]).toBeCloseTo(1, 12);
});

test("learns chain and suffixes from what was emitted", () => {
  const table = new AcceptanceTable();
  const draft = { tokens: [1, 2], suffixes: [branch([3, 4, 5]), branch([7, 8, 9])] };
  const before = shape(table).chance.slice();
  for (let i = 0; i < 30; i++) teachShape(table, bucket, draft, settings, [1, 2, 3, 4, 6]);
  const { chance } = shape(table);
  for (const right of [0, 1, 2, 3]) expect(chance[right]).toBeGreaterThan(before[right]);
  for (const wrong of [4, 5]) expect(chance[wrong]).toBeLessThan(before[wrong]);
});

test("a suffix that is not there, or says what another says, counts as wrong", () => {
  for (const suffixes of [[], [branch([3, 4, 5], 1)]]) {
    const table = new AcceptanceTable();
    const before = shape(table).chance[2];
    for (let i = 0; i < 30; i++) teachShape(table, bucket, { tokens: [1, 2], suffixes }, settings, [1, 2, 3]);
    expect(shape(table).chance[2]).toBeLessThan(before / 2);
  }
});

test("nothing is said about what was not reached", () => {
  const table = new AcceptanceTable();
  const draft = { tokens: [1, 2], suffixes: [branch([3, 4, 5])] };
  for (let i = 0; i < 30; i++) teachShape(table, bucket, draft, settings, [9]);
  const untouched = new AcceptanceTable();
  for (const depth of [0, 1, 2]) {
    expect(table.chance(bucket, depth, 0.4)).toBe(untouched.chance(bucket, depth, 0.4));
  }
  const version = table.version;
  teachShape(table, bucket, draft, settings, [1]);
  expect(table.version).toBe(version + 1);
});
