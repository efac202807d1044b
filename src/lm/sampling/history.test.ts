import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createHistory, createSampler } from "./index.ts";

describe("TokenHistory", () => {
  it("after any pushes and pops gives the distribution of a history made afresh", () => {
    const vocab = 6;
    const logits = Float32Array.from([0.3, -0.2, 1, 0.1, -1, 0.6]);
    const steps = fc.array(fc.oneof(fc.nat({ max: vocab - 1 }), fc.constant("pop" as const)), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.constantFrom(undefined, 1, 3, 8), (list, penaltyWindow) => {
        const params = {
          temperature: 1,
          repetitionPenalty: 1.3,
          frequencyPenalty: 0.4,
          presencePenalty: 0.2,
          penaltyWindow,
        };
        const history = createHistory(params, vocab);
        const tokens: number[] = [];
        const sampler = createSampler(params, vocab);
        const actual = new Float64Array(vocab);
        const expected = new Float64Array(vocab);
        for (const step of list) {
          if (step !== "pop") {
            history.push(step);
            tokens.push(step);
          } else if (tokens.length > 0) {
            expect(history.pop()).toBe(tokens.pop());
          }
          expect(history.length).toBe(tokens.length);
          sampler.distribution(logits, history, actual);
          sampler.distribution(logits, createHistory(params, vocab, tokens), expected);
          expect(actual).toEqual(expected);
        }
      }),
      { seed: 21, numRuns: 200 },
    );
  });

  it("forgets tokens that leave the window", () => {
    const params = { temperature: 0, presencePenalty: 5, penaltyWindow: 2 };
    const sampler = createSampler(params, 3);
    const logits = Float32Array.from([2, 1, 0]);
    expect(sampler.pick(logits, createHistory(params, 3, [0, 2]), 0)).toBe(1);
    expect(sampler.pick(logits, createHistory(params, 3, [0, 2, 2]), 0)).toBe(0);
  });

  it("grows, and refuses unknown tokens and an empty pop", () => {
    const history = createHistory({ temperature: 0 }, 10);
    for (let i = 0; i < 1000; i++) history.push(i % 10);
    for (let i = 999; i >= 0; i--) expect(history.pop()).toBe(i % 10);
    expect(() => history.pop()).toThrow(/empty history/);
    for (const token of [-1, 10, 1.5, NaN]) expect(() => history.push(token)).toThrow(/not in the vocabulary/);
  });
});
