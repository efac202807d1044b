import { describe, expect, test } from "vitest";
import { seededRandom } from "../../lm/toy/index.ts";
import { compareParallel, type SimulatedPair, serialRate, simulateParallel } from "./simulate.ts";

const flat = (ms: number) => () => ms;
const rate = (pair: SimulatedPair, ahead: number, wait: number, rounds = 40_000) =>
  simulateParallel(pair, { ahead, wait }, rounds, seededRandom(3)).tokensPerMs;

describe("simulation of parallel drafting, against closed forms", () => {
  test("a drafter that is never right leaves plain decoding", () => {
    const pair = { targetMs: (width: number) => 2 + 0.1 * width, draftMs: 0.3, acceptance: 0 };
    expect(rate(pair, 8, 0)).toBeCloseTo(1 / 2.1, 12);
  });

  test("a drafter that is always right: the slower side sets the pace", () => {
    // Of the guesses made meanwhile one is the target's own token: a round verifies ahead - 1 and emits ahead.
    expect(rate({ targetMs: flat(8), draftMs: 0.5, acceptance: 1 }, 8, 0)).toBeCloseTo(1, 2);
    expect(rate({ targetMs: flat(2), draftMs: 0.5, acceptance: 1 }, 8, 0)).toBeCloseTo(2, 2);
  });

  test("a drafter that takes no time: two states, one after a wrong guess and one with guesses at hand", () => {
    const acceptance = 0.8;
    const ahead = 5;
    const emits = (guesses: number) => (1 - acceptance ** (guesses + 1)) / (1 - acceptance);
    const rightTo = (guesses: number) => acceptance ** (guesses + 1);
    // A text that was guessed, the target's own token too, leaves ahead - 1 guesses for the next round.
    const expected = (first: number) => {
      const later = rightTo(first) / (1 - rightTo(ahead - 1));
      return (emits(first) + later * emits(ahead - 1)) / (1 + later);
    };
    expect(rate({ targetMs: flat(1), draftMs: 1e-9, acceptance }, ahead, 0)).toBeCloseTo(expected(0), 1);
    expect(rate({ targetMs: flat(1), draftMs: 1e-9, acceptance }, ahead, ahead)).toBeCloseTo(expected(ahead), 1);
  });

  test("a drafter as slow as the target, one guess a round", () => {
    // The guess for the target's own token is made while the target runs: known one round later, of no use then.
    const pair = { targetMs: flat(1), draftMs: 1, acceptance: 0.7 };
    expect(rate(pair, 1, 0)).toBeGreaterThan(0.99);
    expect(rate(pair, 1, 0)).toBeLessThan(1.71);
  });

  test("serial drafting: the closed form is what play gives", () => {
    const pair = { targetMs: (width: number) => 1 + 0.1 * width, draftMs: 0.2, acceptance: 0.75 };
    const random = seededRandom(9);
    let tokens = 0;
    const rounds = 40_000;
    for (let round = 0; round < rounds; round++) {
      let accepted = 0;
      while (accepted < 4 && random() < pair.acceptance) accepted++;
      tokens += accepted + 1;
    }
    expect(serialRate(pair, 4)).toBeCloseTo(tokens / (rounds * (4 * 0.2 + 1.5)), 2);
  });

  test("with equal sides and a good drafter the gain over serial drafting comes near two, and never above", () => {
    const pair = { targetMs: flat(4), draftMs: 0.5, acceptance: 0.99 };
    const gain = rate(pair, 8, 0) / serialRate(pair, 8);
    expect(gain).toBeGreaterThan(1.6);
    expect(gain).toBeLessThan(2);
    const { serial, parallel } = compareParallel({ ...pair, acceptance: 0.3 }, () => seededRandom(1));
    expect(parallel.speedup).toBeGreaterThanOrEqual(serial.speedup);
  });

  test("shares of idle time and of wasted guesses", () => {
    const run = simulateParallel(
      { targetMs: flat(4), draftMs: 1, acceptance: 1 },
      { ahead: 2, wait: 0 },
      5000,
      seededRandom(1),
    );
    expect(run.targetIdle).toBe(0);
    // Two tokens in four milliseconds: the drafter rests for two of them.
    expect(run.draftIdle).toBeCloseTo(0.5, 2);
    expect(run.wasted).toBeCloseTo(0, 2);
  });
});
