import { describe, expect, test } from "vitest";
import { Random } from "../../random.ts";
import { actionNames } from "../actions.ts";
import { newState } from "../deal.ts";
import { evaluate } from "../evaluate.ts";
import { observationSize, observe } from "../observe.ts";
import { resample } from "../resample.ts";
import { makeSetup } from "../setup.ts";
import { stateOfTable } from "../table.ts";
import { legalOf, randomGame } from "../testing/tools.ts";
import { heuristicAgent } from "./scripted.ts";
import { heuristicProposer, marginNow, type Proposer, search, searchAgent } from "./search.ts";

const table = {
  menu: "my-first-meal",
  players: 2,
  hand: ["squid", "tempura", "egg"],
  known: [["egg", "egg", "egg"]],
  trays: [["wasabi"], []],
} as const;

/** Proposes actions in the order of a list; others not at all. */
const proposes = (...names: string[]): Proposer => ({
  name: "fixed",
  propose(_s, _p, actions, count, shares) {
    for (let i = 0; i < count; i++) {
      const place = names.indexOf(actionNames[actions[i]]);
      shares[i] = place < 0 ? 0 : 1 / (place + 1);
    }
  },
});

describe("search", () => {
  test("rollouts overrule a bad proposal and say at which rank the best stood", () => {
    const s = stateOfTable(table, 1);
    const proposer = proposes("egg-nigiri", "tempura", "squid-nigiri");
    const { candidates, acceptedFrom, worlds } = search(s, 0, new Random(1), { proposer, worlds: 6 });
    expect(candidates.map(({ action }) => actionNames[action])[0]).toBe("squid-nigiri");
    expect([acceptedFrom, worlds, candidates.every(({ verified }) => verified)]).toEqual([2, 6, true]);
    expect(candidates[0].value).toBeGreaterThan(candidates[1].value);
  });

  test("only topK are verified; the rest follow by share, without a value", () => {
    const s = stateOfTable(table, 1);
    const proposer = proposes("egg-nigiri", "tempura", "squid-nigiri");
    const { candidates } = search(s, 0, new Random(1), { proposer, worlds: 4, topK: 2 });
    expect(candidates.map(({ verified }) => verified)).toEqual([true, true, false]);
    expect(actionNames[candidates[2].action]).toBe("squid-nigiri");
    expect(candidates[2].value).toBeNaN();
  });

  test("with two cards left and all hands known the value is the exact margin of the best play", () => {
    // Squid now gives 9 on the wasabi and egg later 1; the other way round egg takes the wasabi.
    const s = stateOfTable({ ...table, hand: ["squid", "egg"], known: [["egg", "egg"]], round: 3 }, 1);
    const { candidates } = search(s, 0, new Random(1), { worlds: 3 });
    expect(actionNames[candidates[0].action]).toBe("squid-nigiri");
    expect(candidates.map(({ value, ci }) => [value, ci])).toEqual([
      // 9 + 1 against 1 + 1; 3 + 1 against 1 + 3.
      [8, 0],
      [0, 0],
    ]);
  });

  test("a value ends rollouts after so many turns, in states where the player is asked", () => {
    const s = newState(makeSetup({ players: 3, menu: "big-banquet" }), 5);
    const turns: number[] = [];
    const value = (state: typeof s, p: number) => {
      expect(legalOf(state, p).length).toBeGreaterThan(0);
      turns.push(state.turn);
      return marginNow(state, p);
    };
    search(s, 0, new Random(1), { worlds: 4, topK: 3, value, turns: 2 });
    expect(turns).toEqual(Array(12).fill(2));
  });

  test("shares add up to one; equal seeds search alike; who is not asked cannot search", () => {
    const s = newState(makeSetup({ players: 4, menu: "master-menu" }), 6);
    const random = new Random(2);
    let looked = 0;
    randomGame(s.clone(), random, (p) => {
      const legal = Uint8Array.from(legalOf(s, p));
      if (legal.length === 0 || looked++ > 50) return;
      const shares = new Float64Array(80);
      heuristicProposer.propose(s, p, legal, legal.length, shares);
      expect(shares.subarray(0, legal.length).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
    });
    expect(looked).toBeGreaterThan(10);
    const twice = [1, 2].map(() => search(s, 0, new Random(3), { worlds: 3 }).candidates);
    expect(twice[0]).toEqual(twice[1]);
    const over = newState(makeSetup({ players: 2 }), 1);
    randomGame(over, random);
    expect(() => search(over, 0, new Random(1))).toThrow(/not asked now/);
  });

  test("what is hidden does not matter: other hands and deck, same search", () => {
    const s = newState(makeSetup({ players: 3, menu: "cutthroat-combo" }), 8);
    const other = s.clone();
    resample(other, 0, new Random(99).words);
    const [seen, again] = [s, other].map((state) => {
      const out = new Float32Array(observationSize(3));
      observe(state, 0, out);
      return out;
    });
    expect(seen).toEqual(again);
    expect(other.bytes).not.toEqual(s.bytes);
    // Samples differ with what they are dealt from, so only many of them agree.
    const value = (state: typeof s) => search(state, 0, new Random(4), { worlds: 80, topK: 2 }).candidates[0];
    expect(Math.abs(value(s).value - value(other).value)).toBeLessThan(value(s).ci + value(other).ci);
  });

  test("verifying beats the rollouts' own agent", () => {
    const agent = searchAgent({ worlds: 3, topK: 3 });
    const { bootstrap } = evaluate({ agent, opponents: [heuristicAgent], players: 2, games: 40, seed: 1 });
    expect(bootstrap.lo).toBeGreaterThan(0.5);
  });
});
