import { expect, test } from "vitest";
import { Random } from "../../random.ts";
import { loss, pad, teamOfTurn, win } from "../data/dataset.ts";
import { fitFormWeight, formOf } from "./form.ts";

const nobody = { outcome: [] as number[] };
const withOne = (turn: number, outcome: number[]) => teamOfTurn.map((_, t) => (t === turn ? { outcome } : nobody));

test("form by hand: three of four won, ten at even odds mixed in, a fifth of the team", () => {
  const record = [win, win, loss, pad, win];
  expect(formOf(withOne(0, record))).toBeCloseTo((8 / 14 - 0.5) / 5, 12);
  expect(formOf(withOne(1, record))).toBeCloseTo(-(8 / 14 - 0.5) / 5, 12);
  expect(formOf(withOne(4, [pad, pad]))).toBe(0);
});

test("the weight that made the winners is found, beside log odds that are known", () => {
  const random = new Random(4);
  const form = Array.from({ length: 4000 }, () => 0.4 * (random.next() - 0.5));
  const logOdds = form.map(() => 2 * (random.next() - 0.5));
  const winner = (z: number) => Number(random.next() < 1 / (1 + Math.exp(-z)));
  const blueWin = form.map((x, m) => winner(logOdds[m] + 6 * x));
  expect(Math.abs(fitFormWeight(form, logOdds, blueWin) - 6)).toBeLessThan(1);
  // What the log odds say already is not counted twice.
  const all = form.map((x, m) => logOdds[m] + 6 * x);
  expect(Math.abs(fitFormWeight(form, all, blueWin))).toBeLessThan(1);
});
