import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../lm/toy/index.ts";
import { Threshold } from "./threshold.ts";

describe("adaptive threshold", () => {
  test("the acceptance rate and gamma follow the formulas, to 1e-12", () => {
    const random = seededRandom(3);
    const [target, eps, b1, b2] = [0.85, 0.004, 0.4, 0.8];
    const threshold = new Threshold({ target, eps, b1, b2 });
    let rate = 0;
    let gamma = 0.6;
    const seen = { up: 0, still: 0, down: 0 };
    for (let round = 0; round < 500; round++) {
      const drafted = 1 + Math.floor(random() * 12);
      // Long spells of good and of bad drafts, so that every case comes up.
      const accepted = round % 100 < 50 ? drafted : Math.floor(random() * drafted);
      const capped = random() < 0.4;
      threshold.update(accepted, drafted, capped);
      rate = b1 * rate + (1 - b1) * (accepted / drafted);
      const wanted = rate < target ? gamma + eps : capped ? gamma : gamma - eps;
      seen[rate < target ? "up" : capped ? "still" : "down"]++;
      gamma = b2 * gamma + (1 - b2) * wanted;
      expect(Math.abs(threshold.gamma - gamma)).toBeLessThan(1e-12);
      expect(Math.abs(threshold.acceptanceRate - rate)).toBeLessThan(1e-12);
    }
    expect(Math.min(seen.up, seen.still, seen.down)).toBeGreaterThan(20);
  });

  test("with the defaults one round moves gamma by a thousandth", () => {
    const threshold = new Threshold();
    threshold.update(0, 4, false);
    expect([threshold.gamma, threshold.acceptanceRate]).toEqual([0.9 * 0.6 + (1 - 0.9) * (0.6 + 0.01), 0]);
    expect(threshold.gamma).toBeCloseTo(0.601, 12);
  });

  test("a draft that reached its cap does not lower gamma", () => {
    const threshold = new Threshold({}, { gamma: 0.5, acceptanceRate: 1 });
    threshold.update(12, 12, true);
    expect(threshold.gamma).toBeCloseTo(0.5, 15);
    threshold.update(11, 11, false);
    expect(threshold.gamma).toBeCloseTo(0.499, 12);
  });

  test("gamma stays between its bounds", () => {
    const up = new Threshold({ start: 0.9, eps: 1, b2: 0, max: 0.95 });
    up.update(0, 3, false);
    expect(up.gamma).toBe(0.95);
    const down = new Threshold({ start: 0.1, eps: 1, b1: 0, b2: 0, min: 0.05 });
    down.update(3, 3, false);
    expect(down.gamma).toBe(0.05);
    const unbounded = new Threshold({ start: 0.01, eps: 0.5, b1: 0, b2: 0 });
    unbounded.update(3, 3, false);
    expect(unbounded.gamma).toBe(0);
    expect(new Threshold({ min: 0.3 }, { gamma: 0.1, acceptanceRate: 0 }).gamma).toBe(0.3);
  });

  test("its state is saved and goes on where it was", () => {
    const whole = new Threshold();
    const first = new Threshold();
    const outcomes = [3, 0, 5, 12, 12, 1, 7];
    for (const accepted of outcomes) whole.update(accepted, 12, accepted === 12);
    for (const accepted of outcomes.slice(0, 3)) first.update(accepted, 12, accepted === 12);
    const second = new Threshold({}, JSON.parse(JSON.stringify(first)));
    for (const accepted of outcomes.slice(3)) second.update(accepted, 12, accepted === 12);
    expect(second.toJSON()).toEqual(whole.toJSON());
  });

  test("a static threshold only watches", () => {
    const threshold = new Threshold({ mode: "static", start: 0.7 }, { gamma: 0.2, acceptanceRate: 0.5 });
    threshold.update(1, 4, false);
    expect(threshold.toJSON()).toEqual({ gamma: 0.7, acceptanceRate: 0.375 });
  });

  test.each([
    [{ start: 1.5 }, /start is 1.5/],
    [{ b2: -1 }, /b2 is -1/],
    [{ eps: Number.NaN }, /eps is NaN/],
    [{ min: 0.8, max: 0.2 }, /min 0.8 is above max 0.2/],
    [{ mode: "sometimes" as "static" }, /mode is "sometimes"/],
  ])("%j is refused", (options, message) => {
    expect(() => new Threshold(options)).toThrow(message);
  });
});
