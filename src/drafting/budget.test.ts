import { describe, expect, test } from "vitest";
import { buy, byExpectedTokens, probeBid, verifiable } from "./budget.ts";
import type { CostCurve } from "./cost-curve.ts";
import type { Bid } from "./drafter.ts";
import { soloPrices } from "./prices.ts";
import { type DraftTree, TreeBuilder } from "./tree.ts";

const flat: CostCurve = { ms: (width) => 10 + 0.1 * (width - 1), observe() {} };
const linear: CostCurve = { ms: (width) => 10 * width, observe() {} };
/** A step at width 2, then nearly flat: the measured shape of Q8_0 on two cores. */
const step: CostCurve = { ms: (width) => (width === 1 ? 10 : 18 + 0.2 * width), observe() {} };

function chain(chance: number, nodes: number, msPerNode = 0): Bid {
  return {
    parent: Int32Array.from({ length: nodes }, (_, i) => i - 1),
    chance: new Float64Array(nodes).fill(chance),
    draftMs: (count) => msPerNode * count,
  };
}

/** Tokens per millisecond of every size, by hand. */
function bestByHand(chance: number, nodes: number, curve: CostCurve, msPerNode: number): number {
  let best = 0;
  let bestRate = 1 / curve.ms(1, 0);
  for (let n = 1; n <= nodes; n++) {
    let tokens = 1;
    for (let i = 1; i <= n; i++) tokens += chance ** i;
    const rate = tokens / (curve.ms(1 + n, 0) + msPerNode * n);
    if (rate > bestRate) {
      best = n;
      bestRate = rate;
    }
  }
  return best;
}

describe("buy", () => {
  test.each([
    ["flat", 0.6, 0, flat],
    ["flat", 0.95, 0, flat],
    ["flat", 0.8, 1.5, flat],
    ["step", 0.9, 0, step],
    ["step", 0.97, 0.5, step],
  ] as const)("most tokens per millisecond: %s curve, chance %f, %f ms a node", (_, chance, msPerNode, curve) => {
    const purchase = buy([chain(chance, 16, msPerNode)], soloPrices(curve, 0), 16);
    expect(purchase.nodes).toBe(bestByHand(chance, 16, curve, msPerNode));
    expect(purchase.nodes).toBeGreaterThan(0);
  });

  test("buys nothing when nothing pays: a steep curve, a poor chance, a dear drafter, a thin margin", () => {
    for (const purchase of [
      buy([chain(0.95, 16)], soloPrices(linear, 0), 16),
      buy([chain(0.05, 16, 1)], soloPrices(flat, 0), 16),
      buy([chain(0.9, 16, 20)], soloPrices(flat, 0), 16),
      buy([chain(0.02, 1)], soloPrices(flat, 0), 16),
      buy([], soloPrices(flat, 0), 16),
    ]) {
      expect(purchase).toMatchObject({ bid: -1, nodes: 0, tokens: 1, milliseconds: expect.any(Number) });
    }
  });

  test("buys nothing before a plain round has been measured", () => {
    expect(buy([chain(0.99, 8)], soloPrices({ ms: () => 0, observe() {} }, 0), 8).bid).toBe(-1);
  });

  test("sees past a step: one node does not pay, several do", () => {
    const purchase = buy([chain(0.9, 8)], soloPrices(step, 0), 8);
    expect(buy([chain(0.75, 1)], soloPrices(step, 0), 8).bid).toBe(-1);
    expect(purchase.nodes).toBe(8);
    expect(purchase.tokens).toBeCloseTo((1 - 0.9 ** 9) / 0.1, 9);
    expect(purchase.milliseconds).toBeCloseTo(18 + 0.2 * 9, 9);
  });

  test("chooses between a free drafter and a better one with a price", () => {
    const free = chain(0.5, 8);
    expect(buy([free, chain(0.9, 8, 1)], soloPrices(flat, 0), 8).bid).toBe(1);
    expect(buy([free, chain(0.9, 8, 8)], soloPrices(flat, 0), 8).bid).toBe(0);
    expect(buy([free, chain(0.5, 8)], soloPrices(flat, 0), 8).bid).toBe(0);
  });

  test("takes siblings where they beat depth", () => {
    const bid: Bid = {
      parent: Int32Array.of(-1, -1, 0),
      chance: Float64Array.of(0.5, 0.45, 0.1),
      draftMs: () => 0,
    };
    const costly: CostCurve = { ms: (width) => 10 + 2.5 * (width - 1), observe() {} };
    expect(buy([bid], soloPrices(costly, 0), 8).nodes).toBe(2);
    expect(buy([bid], soloPrices(costly, 0), 8).tokens).toBeCloseTo(1.95, 9);
  });

  test("respects the limit", () => {
    expect(buy([chain(0.95, 16)], soloPrices(flat, 0), 3).nodes).toBe(3);
  });

  test("the floor is the chance at which one more node breaks even", () => {
    const purchase = buy([chain(0.8, 16, 0.5)], soloPrices(flat, 0), 16);
    expect(purchase.floor).toBeCloseTo((purchase.tokens / purchase.milliseconds) * (0.1 + 0.5), 9);
  });
});

describe("verifiable", () => {
  function tree(...confidences: number[]): DraftTree {
    const builder = new TreeBuilder();
    confidences.forEach((confidence, i) => {
      builder.add(i - 1, i, 1, confidence);
    });
    return builder.build();
  }

  test("drops the tail that turned out weak", () => {
    expect(verifiable(tree(0.9, 0.9, 0.01, 0.9), 1, soloPrices(flat, 0), 8)).toBe(2);
  });

  test("drops all of it when verifying does not pay, though drafting is paid", () => {
    expect(verifiable(tree(0.01, 0.9), 5, soloPrices(step, 0), 8)).toBe(0);
  });
});

test("byExpectedTokens ranks by the first nodes only", () => {
  const steady = chain(0.6, 8);
  const brief = { ...chain(0.9, 1) };
  expect(byExpectedTokens([steady, brief], 1)).toEqual([1, 0]);
  expect(byExpectedTokens([steady, brief], 8)).toEqual([0, 1]);
  expect(byExpectedTokens([brief, brief], 8)).toEqual([0, 1]);
});

test("probeBid takes the likeliest first node that costs less than a plain round, else the likeliest", () => {
  expect(probeBid([chain(0.2, 4), chain(0.5, 4, 3), chain(0.9, 4, 10)], 10)).toBe(1);
  expect(probeBid([chain(0.5, 4, 20), chain(0.9, 4, 10)], 10)).toBe(1);
  expect(probeBid([], 10)).toBe(-1);
});
