import { expect, test } from "vitest";
import { popularity } from "../baselines/counting.ts";
import { fillAllowed, newAllowed } from "../candidates.ts";
import { evaluateRecommender } from "../evaluate.ts";
import { bayesOptimal } from "../synthetic-report.ts";
import { championAt, championIds, turns } from "./dataset.ts";
import { draftFigures, synthesise } from "./synthetic.ts";

const made = synthesise({ matches: 1500, seed: 4, champions: 60 });
const { data, blueChance, pickChance } = made;

test("equal seeds give equal matches", () => {
  const again = synthesise({ matches: 1500, seed: 4, champions: 60 });
  expect(again.data.champion).toEqual(data.champion);
  expect(again.blueChance).toEqual(blueChance);
  expect(synthesise({ matches: 1500, seed: 5, champions: 60 }).data.champion).not.toEqual(data.champion);
});

test("the chances are a law over what can be picked, and the picks follow it", () => {
  const ids = championIds(data);
  const allowed = newAllowed(data);
  let [surprise, entropy, n] = [0, 0, 0];
  for (let m = 0; m < data.matches; m++) {
    for (let t = 0; t < turns; t++) {
      const row = pickChance.subarray((m * turns + t) * ids, (m * turns + t + 1) * ids);
      fillAllowed(data, m, t, allowed);
      let sum = 0;
      row.forEach((p, c) => {
        if (allowed[c] === 0) expect(p).toBe(0);
        sum += p;
        if (p > 0) entropy -= p * Math.log(p);
      });
      if (Math.abs(sum - 1) > 1e-5) expect(sum).toBe(1);
      surprise -= Math.log(row[championAt(data, m, t)]);
      n++;
    }
  }
  // The mean surprise of draws from a law is its entropy.
  expect(Math.abs(surprise - entropy) / n).toBeLessThan(0.02);
});

test("winners follow their chances", () => {
  const wins = data.blueWin.reduce((sum, x) => sum + x, 0);
  const mean = blueChance.reduce((sum, x) => sum + x, 0);
  expect(Math.abs(wins - mean)).toBeLessThan(3 * Math.sqrt(data.matches / 4));
});

test("the figures are near those of ranked matches", () => {
  const figures = draftFigures(data);
  expect(figures.repeatsLast).toBeGreaterThan(0.27);
  expect(figures.repeatsLast).toBeLessThan(0.4);
  expect(figures.favouriteWinRate).toBeGreaterThan(figures.otherWinRate);
  const sure = blueChance.reduce((sum, p) => sum + Math.max(p, 1 - p), 0) / data.matches;
  expect(sure).toBeGreaterThan(0.57);
  expect(sure).toBeLessThan(0.63);
});

test("the best recommender is far above popularity", () => {
  const range = { from: 1200, to: 1500 };
  const best = evaluateRecommender(bayesOptimal(made), data, range);
  const pop = evaluateRecommender(popularity(data, { from: 0, to: 1200 }), data, range);
  expect(best.hitRate?.[2]).toBeGreaterThan((pop.hitRate?.[2] ?? 1) + 0.4);
});

test("too few of anything is refused", () => {
  expect(() => synthesise({ matches: 0, seed: 1 })).toThrow(/1 match/);
  expect(() => synthesise({ matches: 9, seed: 1, champions: 20 })).toThrow(/30 champions/);
  expect(() => synthesise({ matches: 1e9, seed: 1 })).toThrow(/do not fit into memory/);
});
