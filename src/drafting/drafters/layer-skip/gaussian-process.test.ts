import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../lm/toy/index.ts";
import { expectedImprovement, GaussianProcess } from "./gaussian-process.ts";

const random = seededRandom(6);
const bits = (length: number) => Array.from({ length }, () => (random() < 0.5 ? "1" : "0")).join("");
const ones = (point: string) => [...point].filter((bit) => bit === "1").length;

describe("Gaussian process over bit strings", () => {
  test("goes through its points, and knows that it does", () => {
    const points = [...new Set(Array.from({ length: 30 }, () => bits(10)))];
    const values = points.map((point) => Math.sin(ones(point)) + (point[3] === "1" ? 2 : 0));
    const process = new GaussianProcess(points, values, 1e-8);
    points.forEach((point, i) => {
      const { mean, deviation } = process.predict(point);
      expect(mean).toBeCloseTo(values[i], 4);
      expect(deviation).toBeLessThan(1e-3);
    });
  });

  test("matches two-point regression solved by hand", () => {
    const [y0, y1, noise] = [1, 3, 0.1];
    const process = new GaussianProcess(["00", "01"], [y0, y1], noise);
    const { mean } = process.predict("11");
    // Standardised values -1 and 1; some length scale of the list must explain the prediction.
    const matern = (r: number) => (1 + Math.sqrt(5) * r + (5 * r * r) / 3) * Math.exp(-Math.sqrt(5) * r);
    const candidates = [0.5, 1, 2, 4, 8, 16].map((scale) => {
      const k = matern(1 / scale);
      const [near, far] = [matern(1 / scale), matern(Math.SQRT2 / scale)];
      // K^-1 y for y = (-1, 1) is (-1, 1) / (1 + noise - k).
      return {
        likelihood: -1 / (1 + noise - k) - Math.log((1 + noise) ** 2 - k * k) / 2,
        mean: (near - far) / (1 + noise - k),
      };
    });
    const best = candidates.reduce((a, b) => (b.likelihood > a.likelihood ? b : a));
    expect(mean).toBeCloseTo(2 + best.mean, 10);
  });

  test("predicts sets that it has not seen better than their mean", () => {
    const value = (point: string) => [...point].reduce((sum, bit, i) => sum + (bit === "1" ? Math.cos(3 * i) : 0), 0);
    const points = [...new Set(Array.from({ length: 60 }, () => bits(12)))];
    const process = new GaussianProcess(points, points.map(value), 1e-4);
    const fresh = Array.from({ length: 40 }, () => bits(12)).filter((point) => !points.includes(point));
    const mean = points.map(value).reduce((a, b) => a + b, 0) / points.length;
    const square = (error: (point: string) => number) => fresh.reduce((sum, point) => sum + error(point) ** 2, 0);
    const ratio = square((p) => process.predict(p).mean - value(p)) / square((p) => mean - value(p));
    expect(ratio).toBeLessThan(0.2);
    // Errors stay within what it believes of itself.
    const far = fresh.filter((p) => Math.abs(process.predict(p).mean - value(p)) > 3 * process.predict(p).deviation);
    expect(far.length).toBeLessThanOrEqual(2);
  });

  test("equal values are no obstacle", () => {
    expect(new GaussianProcess(["00", "11"], [2, 2], 0.01).predict("01").mean).toBe(2);
  });

  test("expected improvement by numerical integration", () => {
    for (const [mean, deviation, best] of [
      [1, 0.5, 1.2],
      [0, 1, -1],
      [2, 0.1, 3],
    ]) {
      let sum = 0;
      const step = 1e-3;
      for (let z = -8; z < 8; z += step) {
        const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
        sum += Math.max(0, mean + deviation * z - best) * density * step;
      }
      expect(expectedImprovement({ mean, deviation }, best)).toBeCloseTo(sum, 5);
    }
    expect(expectedImprovement({ mean: 3, deviation: 0 }, 1)).toBe(2);
  });
});
