import { describe, expect, test } from "vitest";
import { Random } from "../random.ts";
import { type Agent, randomAgent } from "./agents/agent.ts";
import { greedyAgent, heuristicAgent, tileFan } from "./agents/scripted.ts";
import { evaluate, playGame, tournament, winShares } from "./evaluate.ts";
import { makeSetup } from "./setup.ts";
import { SushiState } from "./state.ts";
import { legalOf } from "./testing/tools.ts";

/** Plays the first legal action: two of them mirror each other. */
const first: Agent = { name: "first", choose: (s, p) => legalOf(s, p)[0] };

describe("evaluation", () => {
  test("every deal is played from every seat: copies of one agent win their fair share exactly", () => {
    for (const players of [2, 3, 5]) {
      const { winRate, perDeal, games } = evaluate({
        agent: first,
        opponents: [first],
        players,
        games: 4 * players,
        seed: 3,
      });
      expect([winRate, games]).toEqual([expect.closeTo(1 / players, 12), 4 * players]);
      for (const share of perDeal) expect(share).toBeCloseTo(1 / players, 12);
    }
  });

  test("games are rounded up to whole deals; the stronger side has more points", () => {
    const options = { players: 2, games: 41, seed: 7 };
    const one = evaluate({ ...options, agent: greedyAgent, opponents: [randomAgent] });
    const other = evaluate({ ...options, agent: randomAgent, opponents: [greedyAgent] });
    expect([one.games, one.perDeal.length]).toEqual([42, 21]);
    expect(one.meanScore).toBeGreaterThan(one.opponentMeanScore);
    expect(one.winRate).toBeGreaterThan(other.winRate);
    expect(one.lo).toBeLessThan(one.winRate);
    expect(one.hi).toBeGreaterThan(one.winRate);
    expect(one.bootstrap.lo).toBeLessThanOrEqual(one.bootstrap.hi);
  });

  test("opponents fill the seats to the left in turn", () => {
    const seats: string[][] = [];
    const spy = (name: string): Agent => ({
      name,
      choose(s, p, random) {
        const at = s.round * 100 + s.turn;
        if (at === 0) (seats[seats.length - 1] ?? []).push(`${p}:${name}`);
        return randomAgent.choose(s, p, random);
      },
    });
    const agent: Agent = {
      name: "me",
      choose(s, p, random) {
        if (s.round === 0 && s.turn === 0) seats.push([`${p}:me`]);
        return randomAgent.choose(s, p, random);
      },
    };
    evaluate({ agent, opponents: [spy("a"), spy("b")], players: 4, games: 4, seed: 1 });
    // In the first rotation the agent sits in seat 0 and is asked first.
    expect(seats[0].slice(0, 4)).toEqual(["0:me", "1:a", "2:b", "3:a"]);
    expect(seats.map(([me]) => me)).toEqual(["0:me", "1:me", "2:me", "3:me"]);
  });

  test("ties are shared, desserts break them", () => {
    const s = new SushiState(makeSetup({ players: 3 }));
    playGame(
      s,
      [first, first, first],
      1,
      [1, 2, 3].map((seed) => new Random(seed)),
    );
    s.score.set([5, 9, 9]);
    s.fridge.fill(0);
    expect(winShares(s)).toEqual([0, 0.5, 0.5]);
    s.fridge[8 * 2 + 1] = 1;
    expect(winShares(s)).toEqual([0, 0, 1]);
    s.score.set([9, 9, 9]);
    s.fridge.fill(0);
    expect(winShares(s)).toEqual([1 / 3, 1 / 3, 1 / 3]);
  });

  test("equal seeds repeat exactly", () => {
    const run = (seed: number) =>
      evaluate({ agent: randomAgent, opponents: [greedyAgent], players: 3, games: 30, seed });
    expect(run(5)).toEqual(run(5));
    expect(run(6).perDeal).not.toEqual(run(5).perDeal);
  });

  test("no opponents, no games and a bad seed are refused", () => {
    const options = { agent: first, opponents: [first], players: 2, games: 2, seed: 1 };
    expect(() => evaluate({ ...options, opponents: [] })).toThrow(/at least one opponent/);
    expect(() => evaluate({ ...options, games: 0 })).toThrow(/at least one game/);
    expect(() => evaluate({ ...options, seed: -1 })).toThrow(/integer >= 0/);
  });
});

describe("tournament", () => {
  test("rows are sorted, each pairing is there once a side, stronger agents come first", () => {
    const agents = [randomAgent, greedyAgent, heuristicAgent];
    let last = 0;
    const rows = tournament(agents, { players: 2, games: 80, seed: 2 }, (done, of) => {
      expect([done, of]).toEqual([last + 1, 6]);
      last = done;
    });
    expect(last).toBe(6);
    expect(rows.map(({ name }) => name)).toEqual(["heuristic", "greedy", "random"]);
    for (const { name, against, winRate, lo, hi } of rows) {
      expect(against[name]).toBeNull();
      const rates = Object.values(against).filter((rate) => rate !== null);
      expect(winRate).toBeCloseTo(rates.reduce((a, b) => a + b, 0) / 2, 12);
      expect(lo <= winRate && winRate <= hi).toBe(true);
    }
  });

  test("names must differ", () => {
    const options = { players: 2, games: 2, seed: 1 };
    expect(() => tournament([randomAgent], options)).toThrow(/two different agents/);
    expect(() => tournament([randomAgent, randomAgent], options)).toThrow(/two different agents/);
    expect(tournament([tileFan("tea", "lover"), tileFan("tea", "hater")], options)).toHaveLength(2);
  });
});
