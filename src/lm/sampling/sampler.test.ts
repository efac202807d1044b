import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createHistory, createSampler, keyedUniform, type SamplingParams } from "./index.ts";

/** The documented chain, slow and readable: full sort, one step at a time. */
function reference(params: SamplingParams, logits: Float32Array, tokens: number[]): { p: Float64Array; edge: number } {
  const { temperature, topK = 0, topP = 1, minP = 0 } = params;
  const adjusted = Float32Array.from(logits);
  for (const [token, bias] of params.logitBias ?? []) adjusted[token] += bias;
  const seen = params.penaltyWindow === undefined ? tokens : tokens.slice(-params.penaltyWindow);
  for (const token of new Set(seen)) {
    const count = seen.filter((other) => other === token).length;
    const repetition = params.repetitionPenalty ?? 1;
    const logit = adjusted[token] > 0 ? adjusted[token] / repetition : adjusted[token] * repetition;
    adjusted[token] = logit - count * (params.frequencyPenalty ?? 0) - (params.presencePenalty ?? 0);
  }
  let order = Array.from(adjusted.keys()).sort((a, b) => adjusted[b] - adjusted[a] || a - b);
  // -Infinity - -Infinity is NaN and falls through to the id order, as wanted.
  const max = adjusted[order[0]];
  const p = new Float64Array(logits.length);
  if (temperature === 0) {
    p[order[0]] = 1;
    return { p, edge: 1 };
  }
  if (topK > 0) order = order.slice(0, topK);
  let edge = 1;
  if (topP < 1) {
    const weights = order.map((token) => Math.exp(adjusted[token] - max));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let cumulative = 0;
    let size = 0;
    while (size < order.length && cumulative < topP) {
      cumulative += weights[size++] / total;
      // How close a prefix comes to p: within rounding either side of the cut is right.
      edge = Math.min(edge, Math.abs(cumulative - topP));
    }
    order = order.slice(0, size);
  }
  if (minP > 0) {
    for (const token of order) {
      const distance = Math.abs(adjusted[token] - max - Math.log(minP));
      if (distance > 0) edge = Math.min(edge, distance);
    }
    order = order.filter((token) => adjusted[token] - max >= Math.log(minP));
  }
  const weights = order.map((token) => Math.exp((adjusted[token] - max) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  order.forEach((token, i) => {
    p[token] = weights[i] / total;
  });
  return { p, edge };
}

function inverseCdf(p: Float64Array, u: number): number {
  let cumulative = 0;
  let token = 0;
  for (let i = 0; i < p.length; i++) {
    if (p[i] === 0) continue;
    cumulative += p[i];
    token = i;
    if (u < cumulative) return token;
  }
  return token;
}

const logit = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: -12, max: 12, noNaN: true }) },
  { weight: 3, arbitrary: fc.integer({ min: -3, max: 3 }) }, // many ties
  { weight: 1, arbitrary: fc.constantFrom(Number.NEGATIVE_INFINITY, -0, 0, 1e30, -1e30, 1e-40, 1e38, -1e38) },
);
const row = fc.array(logit, { minLength: 1, maxLength: 200 }).map((values) => {
  if (values.every((value) => value === -Infinity)) values[0] = 0;
  return Float32Array.from(values);
});
const params = fc.record(
  {
    temperature: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 3, noNaN: true })),
    topK: fc.integer({ min: 0, max: 60 }),
    topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
    minP: fc.double({ min: 0, max: 1, noNaN: true }),
    repetitionPenalty: fc.double({ min: 0.5, max: 2, noNaN: true }),
    presencePenalty: fc.double({ min: -2, max: 2, noNaN: true }),
    frequencyPenalty: fc.double({ min: -2, max: 2, noNaN: true }),
    penaltyWindow: fc.integer({ min: 1, max: 30 }),
  },
  { requiredKeys: ["temperature"] },
);

describe("createSampler", () => {
  it("has the distribution of the readable reference", () => {
    let compared = 0;
    fc.assert(
      fc.property(row, params, fc.array(fc.nat(), { maxLength: 40 }), fc.nat(), (logits, p, path, biased) => {
        const vocab = logits.length;
        const tokens = path.map((token) => token % vocab);
        const withBias = { ...p, logitBias: new Map([[biased % vocab, 1.5]]) };
        const expected = reference(withBias, logits, tokens);
        if (expected.edge < 1e-9) return;
        compared++;
        const actual = new Float64Array(vocab).fill(7);
        createSampler(withBias, vocab).distribution(logits, createHistory(withBias, vocab, tokens), actual);
        expect(actual.findIndex((x, i) => !(Math.abs(x - expected.p[i]) < 1e-12))).toBe(-1);
      }),
      { seed: 11, numRuns: 1500 },
    );
    expect(compared).toBeGreaterThan(1000);
  });

  it("picks exactly what walking the distribution picks, and leaves the logits alone", () => {
    fc.assert(
      fc.property(row, params, fc.nat(), (logits, p, position) => {
        const sampler = createSampler(p, logits.length);
        const history = createHistory(p, logits.length, [0, 0]);
        const before = logits.slice();
        const distribution = new Float64Array(logits.length);
        sampler.distribution(logits, history, distribution);
        for (const u of [0, keyedUniform(3, 0, position), 1 - 2 ** -53]) {
          expect(sampler.pick(logits, history, u)).toBe(inverseCdf(distribution, u));
        }
        expect(logits).toEqual(before);
      }),
      { seed: 12, numRuns: 500 },
    );
  });

  it("agrees with the reference on a large vocabulary, peaked, flat and tied", () => {
    const vocab = 20_000;
    const rows = {
      peaked: (i: number) => Math.fround(-20 * keyedUniform(5, 0, i) ** 0.2),
      flat: (i: number) => Math.fround(keyedUniform(5, 1, i) / 50),
      tied: (i: number) => Math.floor(keyedUniform(5, 2, i) * 7),
    };
    for (const [name, value] of Object.entries(rows)) {
      const logits = Float32Array.from({ length: vocab }, (_, i) => value(i));
      for (const p of [{ topP: 0.93 }, { topK: 777 }, { topK: 5000, topP: 0.61 }, { topP: 0.999_999_9 }]) {
        const withTemperature = { temperature: 0.7, ...p };
        const expected = reference(withTemperature, logits, []).p;
        const actual = new Float64Array(vocab);
        createSampler(withTemperature, vocab).distribution(logits, createHistory(withTemperature, vocab), actual);
        expect(support(actual), name).toEqual(support(expected));
        expect(actual.every((x, i) => Math.abs(x - expected[i]) < 1e-13)).toBe(true);
      }
    }
  });

  it("draws in the right proportions with keyed uniforms (chi-square)", () => {
    const logits = Float32Array.from([1, 0, 2, 1, -1, 0.5, -Infinity, 3]);
    const p = { temperature: 0.8, topK: 6, topP: 0.97 };
    const sampler = createSampler(p, 8);
    const history = createHistory(p, 8);
    const distribution = new Float64Array(8);
    sampler.distribution(logits, history, distribution);
    const draws = 20_000;
    const seen = new Array(8).fill(0);
    for (let position = 0; position < draws; position++) {
      seen[sampler.pick(logits, history, keyedUniform(42, 0, position))]++;
    }
    let chiSquare = 0;
    for (let i = 0; i < 8; i++) {
      if (distribution[i] === 0) expect(seen[i]).toBe(0);
      else chiSquare += (seen[i] - draws * distribution[i]) ** 2 / (draws * distribution[i]);
    }
    expect(chiSquare).toBeLessThan(20.5); // 5 degrees of freedom, p = 0.001
  });

  it("breaks ties towards the lower id in greedy, top-k and top-p", () => {
    const logits = Float32Array.from([0, 5, 5, 5]);
    const none = createHistory({ temperature: 0 }, 4);
    expect(createSampler({ temperature: 0 }, 4).pick(logits, none, 0.9)).toBe(1);
    const out = new Float64Array(4);
    createSampler({ temperature: 1, topK: 2 }, 4).distribution(logits, none, out);
    expect([...out]).toEqual([0, 0.5, 0.5, 0]);
    createSampler({ temperature: 1, topP: 0.4 }, 4).distribution(logits, none, out);
    expect([...out]).toEqual([0, 0.5, 0.5, 0]);
  });

  it("never draws a token that logit bias forbids, and says so when none is left", () => {
    const logits = Float32Array.from([9, 1, 0]);
    for (const temperature of [0, 1]) {
      const p = { temperature, logitBias: new Map([[0, -Infinity]]) };
      const sampler = createSampler(p, 3);
      for (const u of [0, 0.5, 0.999]) expect(sampler.pick(logits, createHistory(p, 3), u)).not.toBe(0);
    }
    const p = { temperature: 1, logitBias: new Map([0, 1, 2].map((token) => [token, -Infinity])) };
    expect(() => createSampler(p, 3).pick(logits, createHistory(p, 3), 0)).toThrow(/Every token is forbidden/);
  });

  it("refuses broken logits, draws and histories by name", () => {
    const p = { temperature: 1, repetitionPenalty: 1.1 };
    const sampler = createSampler(p, 3);
    const history = createHistory(p, 3);
    const good = Float32Array.from([1, 2, 3]);
    expect(() => sampler.pick(Float32Array.from([1, NaN, 2]), history, 0)).toThrow(/token 1 is NaN/);
    expect(() => sampler.pick(Float32Array.from([1, Infinity, 2]), history, 0)).toThrow(/token 1 is Infinity/);
    expect(() => sampler.pick(good.subarray(1), history, 0)).toThrow(/logits has 2 entries/);
    expect(() => sampler.distribution(good, history, new Float64Array(2))).toThrow(/out has 2 entries/);
    for (const u of [1, -0.1, NaN]) expect(() => sampler.pick(good, history, u)).toThrow(/draw u/);
    expect(() => sampler.pick(good, createHistory({ temperature: 1 }, 3), 0)).toThrow(/history was not made/);
    expect(() => sampler.pick(good, createHistory({ ...p, penaltyWindow: 2 }, 3), 0)).toThrow(/history was not made/);
  });

  it("refuses parameters without meaning by name", () => {
    const bad: [Partial<SamplingParams>, RegExp][] = [
      [{ temperature: -1 }, /temperature is -1/],
      [{ temperature: NaN }, /temperature is NaN/],
      [{ temperature: Infinity }, /temperature/],
      [{ topK: -1 }, /topK/],
      [{ topK: 1.5 }, /topK/],
      [{ topP: 0 }, /topP is 0; it must be in \(0, 1\]/],
      [{ topP: 1.1 }, /topP/],
      [{ minP: NaN }, /minP/],
      [{ repetitionPenalty: 0 }, /repetitionPenalty/],
      [{ presencePenalty: Infinity }, /presencePenalty/],
      [{ frequencyPenalty: NaN }, /frequencyPenalty/],
      [{ penaltyWindow: 0 }, /penaltyWindow/],
      [{ logitBias: new Map([[10, 1]]) }, /logitBias token is 10; it must be a token id in 0..9/],
      [{ logitBias: new Map([[1, Infinity]]) }, /logitBias of token 1/],
    ];
    for (const [change, message] of bad) {
      expect(() => createSampler({ temperature: 1, ...change }, 10)).toThrow(message);
      expect(() => createHistory({ temperature: 1, ...change }, 10)).toThrow(message);
    }
  });
});

function support(p: Float64Array): number[] {
  return Array.from(p.keys()).filter((i) => p[i] > 0);
}
