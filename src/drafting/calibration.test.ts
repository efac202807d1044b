import { expect, test } from "vitest";
import { AcceptanceTable, Calibration } from "./calibration.ts";

test("a chance starts at the prior and comes to the observed share", () => {
  const table = new AcceptanceTable();
  expect(table.chance(2, 0, 0.7)).toBe(0.7);
  for (let i = 0; i < 400; i++) table.update(2, 0, i % 4 === 0);
  expect(table.chance(2, 0, 0.7)).toBeGreaterThan(0.2);
  expect(table.chance(2, 0, 0.7)).toBeLessThan(0.32);
  expect(table.chance(1, 0, 0.7)).toBe(0.7);
});

test("a level without data takes the chance of the level above", () => {
  const table = new AcceptanceTable();
  for (let i = 0; i < 100; i++) table.update(0, 0, false);
  expect(table.chance(0, 3, 0.9)).toBeCloseTo(table.chance(0, 0, 0.9), 12);
  for (let i = 0; i < 100; i++) table.update(0, 3, true);
  expect(table.chance(0, 3, 0.9)).toBeGreaterThan(0.8);
  expect(table.chance(0, 2, 0.9)).toBeLessThan(0.1);
});

test("old outcomes fade", () => {
  const table = new AcceptanceTable();
  for (let i = 0; i < 1000; i++) table.update(0, 0, true);
  for (let i = 0; i < 100; i++) table.update(0, 0, false);
  expect(table.chance(0, 0, 0.5)).toBeLessThan(0.25);
});

test("levels past the last cell share it", () => {
  const table = new AcceptanceTable();
  for (let i = 0; i < 50; i++) table.update(0, 40, true);
  expect(table.chance(0, 15, 0.1)).toBeGreaterThan(0.8);
  expect(table.chance(0, 99, 0.1)).toBe(table.chance(0, 15, 0.1));
  // A neighbouring bucket must not be touched by the overflow.
  expect(table.chance(1, 0, 0.1)).toBe(0.1);
});

test("saves and loads", () => {
  const calibration = new Calibration();
  const table = calibration.table("lookup");
  for (let i = 0; i < 9; i++) table.update(3, i, i % 2 === 0);
  const loaded = Calibration.fromJSON(JSON.parse(JSON.stringify(calibration)));
  for (let d = 0; d < 12; d++) expect(loaded.table("lookup").chance(3, d, 0.5)).toBe(table.chance(3, d, 0.5));
  expect(calibration.table("lookup")).toBe(table);
});

test.each([
  [{ lookup: 3 }],
  [{ lookup: { offered: [1], accepted: [2] } }],
  [{ lookup: { offered: [1, 1], accepted: [1] } }],
  [{ lookup: { offered: ["x"], accepted: [0] } }],
  [{ lookup: { offered: [-1], accepted: [-1] } }],
])("refuses what is not a saved calibration: %j", (value) => {
  expect(() => Calibration.fromJSON(value)).toThrow(/learned anew/);
});
