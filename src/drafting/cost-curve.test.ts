import { describe, expect, test } from "vitest";
import { seededRandom, toyModel } from "../lm/toy/index.ts";
import { type CurveGrid, MeasuredCurve, unmeasuredCurve } from "./cost-curve.ts";
import { nondecreasing } from "./isotonic.ts";
import { measureCurve } from "./measure-curve.ts";

const truth = (width: number, kv: number) => 4 + 2 * width + 0.002 * kv * (1 + 0.1 * width);
const widths = [1, 2, 4, 8];
const kv = [0, 500, 1000];
const gridOf = (ms: (width: number, kv: number) => number): CurveGrid => ({
  widths,
  kv,
  ms: widths.map((width) => kv.map((rows) => ms(width, rows))),
});

describe("MeasuredCurve", () => {
  test("is the grid at its points, linear between and beyond them", () => {
    const curve = new MeasuredCurve(gridOf(truth));
    expect(curve.ms(4, 500)).toBeCloseTo(truth(4, 500), 12);
    expect(curve.ms(3, 0)).toBeCloseTo(truth(3, 0), 12);
    expect(curve.ms(6, 750)).toBeCloseTo(truth(6, 750), 12);
    expect(curve.ms(12, 2000)).toBeCloseTo(truth(12, 2000), 10);
  });

  test("never falls with width or context, whatever was measured", () => {
    const noisy = gridOf((width, rows) => truth(width, rows) * (width === 2 ? 1.6 : 1) * (rows === 500 ? 0.5 : 1));
    const curve = new MeasuredCurve(noisy);
    for (let width = 1; width < 10; width++) {
      for (const rows of kv) {
        expect(curve.ms(width + 1, rows)).toBeGreaterThanOrEqual(curve.ms(width, rows));
        expect(curve.ms(width, rows + 500)).toBeGreaterThanOrEqual(curve.ms(width, rows));
      }
    }
  });

  test("a forward never costs more than narrower forwards for the same rows", () => {
    const curve = new MeasuredCurve(gridOf((width) => (width >= 4 ? 1000 : 5 * width)));
    expect(curve.ms(4, 0)).toBe(20);
    expect(curve.ms(8, 0)).toBe(40);
  });

  test("a profile taken on a busy machine is corrected by real rounds, unseen widths included", () => {
    const curve = new MeasuredCurve(gridOf((width, rows) => 3 * truth(width, rows)));
    for (let i = 0; i < 40; i++) curve.observe(1, 10 * i, truth(1, 10 * i));
    expect(curve.ms(1, 400)).toBeCloseTo(truth(1, 400), 1);
    expect(curve.ms(8, 400) / truth(8, 400)).toBeCloseTo(1, 1);
  });

  test("one width measured wrongly is corrected by rounds of that width", () => {
    const curve = new MeasuredCurve(gridOf((width, rows) => truth(width, rows) * (width === 8 ? 1.5 : 1)));
    for (let i = 0; i < 20; i++) {
      curve.observe(1, 500, truth(1, 500));
      curve.observe(8, 500, truth(8, 500));
    }
    expect(curve.ms(8, 500) / truth(8, 500)).toBeCloseTo(1, 2);
    expect(curve.ms(1, 500) / truth(1, 500)).toBeCloseTo(1, 2);
  });

  test("what was measured holds against what its neighbours only inherited", () => {
    const curve = new MeasuredCurve(gridOf((width, rows) => truth(width, rows) * (width >= 4 ? 10 : 1)));
    for (let i = 0; i < 20; i++) {
      curve.observe(1, 0, truth(1, 0));
      curve.observe(8, 0, truth(8, 0));
    }
    expect(curve.ms(8, 0) / truth(8, 0)).toBeCloseTo(1, 1);
  });

  test("hiccups do not count", () => {
    const curve = new MeasuredCurve(gridOf(truth));
    for (let i = 0; i < 60; i++) curve.observe(2, 500, truth(2, 500) * (i % 5 === 0 ? 1000 : 1));
    expect(curve.ms(2, 500) / truth(2, 500)).toBeCloseTo(1, 2);
  });

  test("a hiccup in the only forward of a width does not close it for ever", () => {
    const curve = new MeasuredCurve(gridOf(truth));
    for (let i = 0; i < 20; i++) curve.observe(1, 0, truth(1, 0));
    curve.observe(8, 0, 100 * truth(8, 0));
    expect(curve.ms(8, 0) / truth(8, 0)).toBeLessThan(1.25);
    expect(curve.ms(4, 0) / truth(4, 0)).toBeCloseTo(1, 6);
  });

  test("a lasting change is followed", () => {
    const curve = new MeasuredCurve(gridOf(truth));
    for (let i = 0; i < 40; i++) curve.observe(1, 0, truth(1, 0));
    for (let i = 0; i < 16; i++) curve.observe(1, 0, 2 * truth(1, 0));
    expect(curve.ms(1, 0) / truth(1, 0)).toBeCloseTo(2, 2);
  });

  test("a machine that slows down slows down at all widths, those not used at the time too", () => {
    const curve = new MeasuredCurve(gridOf((width, rows) => truth(width, rows) * (width === 8 ? 1.3 : 1)));
    for (let i = 0; i < 40; i++) {
      curve.observe(8, 0, truth(8, 0));
      curve.observe(1, 0, truth(1, 0));
    }
    for (let i = 0; i < 60; i++) curve.observe(1, 0, 3 * truth(1, 0));
    expect(curve.ms(8, 0) / truth(8, 0)).toBeCloseTo(3, 0);
    for (let i = 0; i < 60; i++) curve.observe(1, 0, truth(1, 0));
    expect(curve.ms(8, 0) / truth(8, 0)).toBeCloseTo(1, 1);
  });

  test("what was not tried for long may be cheaper than it seems", () => {
    const curve = new MeasuredCurve(gridOf(truth));
    for (let i = 0; i < 20; i++) {
      curve.observe(1, 0, truth(1, 0));
      curve.observe(8, 0, 2 * truth(8, 0));
    }
    const sure = curve.ms(8, 0, true) / curve.ms(8, 0);
    expect(sure).toBeGreaterThan(0.9);
    for (let i = 0; i < 2000; i++) curve.observe(1, 0, truth(1, 0));
    expect(curve.ms(8, 0, true) / curve.ms(8, 0)).toBeLessThan(0.85);
    expect(curve.ms(1, 0, true)).toBeCloseTo(curve.ms(1, 0), 12);
  });

  test("stays sane on any times", () => {
    const random = seededRandom(3);
    const curve = new MeasuredCurve(gridOf(truth));
    for (let i = 0; i < 30_000; i++) {
      // Long stretches at one width, jumps of both signs by up to a factor of a million.
      const width = 1 + ((i >> (i % 7)) % 20);
      curve.observe(width, i % 900, truth(width, 0) * Math.exp((random() - 0.5) * (i % 100 === 0 ? 28 : 2)));
      if (i % 50 !== 0) continue;
      for (const rows of widths) {
        expect(curve.ms(rows, 100)).toBeGreaterThan(0);
        expect(curve.ms(rows, 100, true)).toBeLessThanOrEqual(curve.ms(rows, 100) * (1 + 1e-9));
      }
    }
    for (let i = 0; i < 300; i++) curve.observe(widths[i % 4], 0, truth(widths[i % 4], 0));
    expect(curve.ms(4, 0) / truth(4, 0)).toBeCloseTo(1, 1);
  });

  test("ignores times that are no times", () => {
    const curve = new MeasuredCurve(gridOf(truth));
    for (const ms of [0, -1, Number.NaN]) for (let i = 0; i < 20; i++) curve.observe(1, 0, ms);
    expect(curve.ms(1, 0)).toBe(truth(1, 0));
  });

  test("saves what it has learned", () => {
    const curve = new MeasuredCurve(gridOf((width, rows) => 3 * truth(width, rows)));
    for (let i = 0; i < 40; i++) curve.observe(1, 0, truth(1, 0));
    const loaded = new MeasuredCurve(JSON.parse(JSON.stringify(curve)));
    expect(loaded.ms(4, 500)).toBeCloseTo(curve.ms(4, 500), 9);
  });

  test.each<[string, CurveGrid]>([
    ["no widths", { widths: [], kv, ms: [] }],
    ["falling widths", { ...gridOf(truth), widths: [1, 4, 2, 8] }],
    ["a missing row", { ...gridOf(truth), ms: gridOf(truth).ms.slice(1) }],
    ["a time of zero", gridOf((width) => width - 1)],
    ["a time that is no number", gridOf(() => Number.NaN)],
  ])("refuses a grid with %s", (_, grid) => {
    expect(() => new MeasuredCurve(grid)).toThrow(/Not a cost curve/);
  });
});

test("an unmeasured curve says 0 for the first forwards, then takes its unit from them", () => {
  const curve = unmeasuredCurve();
  for (let i = 0; i < 5; i++) {
    expect(curve.ms(1, 0)).toBe(0);
    expect(curve.ms(8, 100)).toBe(0);
    curve.observe(1, 10, i === 2 ? 500 : 5);
  }
  expect(curve.ms(1, 700)).toBeCloseTo(5, 12);
  expect(curve.ms(2, 0)).toBeGreaterThan(5);
  for (let i = 0; i < 20; i++) curve.observe(i % 4 === 0 ? 1 : 4, 10, i % 4 === 0 ? 5 : 6);
  expect(curve.ms(4, 0)).toBeCloseTo(6, 0);
  expect(curve.ms(1, 0)).toBeCloseTo(5, 0);
});

test.each([
  [[], [], []],
  [
    [1, 2, 3],
    [1, 1, 1],
    [1, 2, 3],
  ],
  [
    [3, 2, 1],
    [1, 1, 1],
    [2, 2, 2],
  ],
  [
    [1, 3, 2, 4],
    [1, 1, 1, 1],
    [1, 2.5, 2.5, 4],
  ],
  [
    [4, 1, 1, 5, 3],
    [1, 1, 1, 1, 1],
    [2, 2, 2, 4, 4],
  ],
  [
    [1, 6, 2],
    [1, 1, 3],
    [1, 3, 3],
  ],
])("nondecreasing(%j, %j) is %j", (values, weights, expected) => {
  expect(nondecreasing(values, weights)).toEqual(expected);
});

test("measureCurve takes the minimum over passes and leaves out what does not fit", () => {
  const model = toyModel({ contextLength: 64, maxRows: 64 });
  let now = 0;
  let looks = 0;
  // Each forward takes 5 ms by this clock, in the first pass over the grid 50.
  const clock = () => {
    if (looks++ % 2 === 1) now += looks <= 2 * 2 ? 50 : 5;
    return now;
  };
  const shares: number[] = [];
  const grid = measureCurve(model, {
    widths: [1, 4, 100],
    kv: [0, 40, 60, 61],
    repeats: 2,
    clock,
    onProgress: (share) => shares.push(share),
  });
  expect(grid.widths).toEqual([1, 4]);
  expect(grid.kv).toEqual([0, 40, 60]);
  expect(grid.ms).toEqual([
    [5, 5, 5],
    [5, 5, 5],
  ]);
  expect(shares.at(-1)).toBe(1);
  // The rows were given back.
  model.open().close();
});
