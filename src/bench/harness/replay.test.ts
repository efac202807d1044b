import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CostCurve, MeasuredCurve, type RecordedOffer } from "../../drafting/index.ts";
import { replayCosts } from "./costs.ts";
import { oracle, replay, type Survey } from "./replay.ts";

const linear: CostCurve = { ms: (width) => 10 + 2 * (width - 1), observe() {} };
const costs = { curve: linear, draftScale: 1 };

function chain(tokens: readonly number[], chance: number, msPerNode = 0): RecordedOffer {
  const parent = tokens.map((_, i) => i - 1);
  return {
    drafter: "chain",
    parent,
    chance: tokens.map(() => chance),
    draftMs: msPerNode === 0 ? [] : tokens.map((_, i) => (i + 1) * msPerNode),
    drafted: { token: tokens, parent, confidence: tokens.map(() => chance) },
  };
}

describe("a text of four tokens, 10 ms a round and 2 ms a further row", () => {
  const emitted = [1, 2, 3, 4];
  const nothing: Survey = { kv: 5, emitted, offers: [[], [], [], []] };

  test("plain decoding takes a round a token", () => {
    expect(replay(nothing, null, costs)).toEqual({ tokens: 4, rounds: 4, milliseconds: 40 });
    expect(replay(nothing, {}, costs)).toEqual({ tokens: 4, rounds: 4, milliseconds: 40 });
    expect(oracle([nothing], costs)).toEqual({ tokens: 4, rounds: 4, milliseconds: 40 });
  });

  test("a right draft of three: one round of four rows", () => {
    const survey = { ...nothing, offers: [[chain([1, 2, 3], 0.99)], [], [], []] };
    expect(replay(survey, {}, costs)).toEqual({ tokens: 4, rounds: 1, milliseconds: 16 });
    expect(oracle([survey], costs)).toEqual({ tokens: 4, rounds: 1, milliseconds: 16 });
  });

  test("a half wrong draft: forced pays for all of it, the oracle for what is accepted", () => {
    const survey = { ...nothing, offers: [[chain([1, 9, 3], 0.5)], [], [], []] };
    // Round 1: four rows, tokens 1 and 2; then two plain rounds.
    expect(replay(survey, { budget: 3 }, costs)).toEqual({ tokens: 4, rounds: 3, milliseconds: 36 });
    expect(oracle([survey], costs)).toEqual({ tokens: 4, rounds: 3, milliseconds: 32 });
  });

  test("the oracle takes the cheapest drafter, and a shorter round where that leads to a better one", () => {
    const dear = { ...nothing, offers: [[chain([1], 0.9, 30)], [], [], []] };
    expect(oracle([dear], costs).milliseconds).toBe(40);
    const cheap = { ...nothing, offers: [[chain([1], 0.9, 1)], [], [], []] };
    expect(oracle([dear, cheap], costs).milliseconds).toBe(13 + 20);
    // Two tokens at once at position 0 would skip the draft of three at position 1.
    const later = { ...nothing, offers: [[chain([1], 0.9)], [chain([2, 3], 0.9)], [], []] };
    expect(oracle([later], costs)).toEqual({ tokens: 4, rounds: 2, milliseconds: 10 + 14 });
  });

  test("observed nodes are never accepted", () => {
    const offer = chain([1, 2], 0.9);
    const observed = { ...offer, drafted: { token: [1, 2], parent: [-1, 0], confidence: [0.9, 0.9], observed: [0] } };
    expect(oracle([{ ...nothing, offers: [[observed], [], [], []] }], costs).milliseconds).toBe(40);
  });
});

describe("curves", () => {
  const grid = { widths: [1, 2, 4], kv: [0], ms: [[10], [20], [30]] };

  test("flat: width is free; another machine scales drafting with its plain forward", () => {
    expect(replayCosts("flat", grid).curve.ms(4, 0)).toBe(10);
    expect(replayCosts("measured", grid).curve.ms(4, 0)).toBe(30);
    const other = replayCosts({ name: "gpu", grid: { widths: [1, 4], kv: [0], ms: [[2], [2.5]] } }, grid);
    expect(other.draftScale).toBeCloseTo(0.2, 12);
    expect(other.curve.ms(4, 0)).toBe(2.5);
  });

  test("replaying learns nothing and leaves nothing behind: the same twice, under any curve before", () => {
    const survey = { kv: 0, emitted: [1, 1, 1], offers: [[chain([1, 1], 0.6)], [chain([1], 0.6)], []] };
    const first = replay(survey, {}, replayCosts("measured", grid));
    expect(replay(survey, {}, replayCosts("flat", grid)).milliseconds).toBe(10);
    expect(replay(survey, {}, replayCosts("measured", grid))).toEqual(first);
  });
});

const trees = fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat(), fc.double({ min: 0.01, max: 1, noNaN: true })), {
  maxLength: 8,
});

function offerOf(nodes: readonly (readonly [number, number, number])[], price: number): RecordedOffer {
  const token: number[] = [];
  const parent: number[] = [];
  const confidence: number[] = [];
  for (const [value, link, chance] of nodes) {
    const above = (link % (token.length + 1)) - 1;
    if (token.some((other, i) => other === value && parent[i] === above)) continue;
    token.push(value);
    parent.push(above);
    confidence.push(chance);
  }
  const draftMs = price === 0 ? [] : token.map((_, i) => price * (i + 1));
  return { drafter: "any", parent, chance: confidence, draftMs, drafted: { token, parent, confidence } };
}

test("the oracle is never slower than any method or plain decoding under the same curve", () => {
  const offers = fc.array(fc.tuple(trees, fc.constantFrom(0, 0.5, 3)), { maxLength: 3 });
  const texts = fc.array(fc.tuple(fc.nat({ max: 2 }), offers, offers), { minLength: 1, maxLength: 10 });
  const steps = fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(texts, steps, fc.constantFrom(undefined, 1, 3, 8), (text, [first, ...more], budget) => {
      const widths = [1, 2, 5, 12];
      const sums = [...more.keys()].map((i) => [1 + first + more.slice(0, i + 1).reduce((a, b) => a + b)]);
      const grid = { widths, kv: [0], ms: [[1 + first], ...sums] };
      const any = { curve: new MeasuredCurve(grid), draftScale: 0.7 };
      const emitted = text.map(([token]) => token);
      const surveys = [1, 2].map((side) => ({
        kv: 3,
        emitted,
        offers: text.map((position) => position[side as 1 | 2].map(([nodes, price]) => offerOf(nodes, price))),
      }));
      const best = oracle(surveys, any).milliseconds;
      expect(best).toBeLessThanOrEqual(replay(surveys[0], null, any).milliseconds + 1e-9);
      for (const survey of surveys)
        expect(best).toBeLessThanOrEqual(replay(survey, { budget }, any).milliseconds + 1e-9);
    }),
    { seed: 7, numRuns: 300 },
  );
});
