import { describe, expect, test } from "vitest";
import { Random } from "../../random.ts";
import { greedyAgent, heuristicAgent, tileFan } from "../agents/scripted.ts";
import { Trainer } from "../learning/trainer.ts";
import { checkedMenu, stockMenus } from "../menus.ts";
import { generalise, menuDistance } from "./generalisation.ts";
import { interpret } from "./interpretation.ts";
import { compareMemory } from "./memory.ts";
import { explained, kendall, nestedBootstrap, permutationP, ranks, ridge, spearman } from "./statistics.ts";
import { transfer } from "./transfer.ts";
import { growTree, leaves, predict } from "./tree.ts";

describe("statistics", () => {
  test("ranks share ties; rho and tau-b by hand", () => {
    expect(ranks([10, 20, 20, 5])).toEqual([2, 3.5, 3.5, 1]);
    expect(spearman([1, 2, 3, 4], [1, 4, 9, 16])).toBeCloseTo(1, 12);
    // Differences 0,1,1,0: 1 - 6 x 2 / (4 x 15).
    expect(spearman([1, 2, 3, 4], [1, 3, 2, 4])).toBeCloseTo(0.8, 12);
    expect(kendall([1, 2, 3, 4], [1, 3, 2, 4])).toBeCloseTo(4 / 6, 12);
    // One tie in y: (5 - 0) / sqrt(6 x 5).
    expect(kendall([1, 2, 3, 4], [1, 2, 2, 3])).toBeCloseTo(5 / Math.sqrt(30), 12);
  });

  test("permutation p: small for equal orders, large for unrelated ones", () => {
    const x = Array.from({ length: 8 }, (_, i) => i);
    expect(permutationP(x, x, 1)).toBeLessThan(0.01);
    expect(permutationP(x, [3, 0, 6, 2, 7, 1, 5, 4], 1)).toBeGreaterThan(0.2);
  });

  test("ridge finds a linear map, and explains nothing of noise", () => {
    const random = new Random(1);
    const rows = Array.from({ length: 200 }, () => [random.next(), random.next(), random.next()]);
    const targets = rows.map(([a, b, c]) => [2 * a - b + 0.5, c]);
    const coefficients = ridge(rows, targets, 1e-9);
    expect([...coefficients[0]].map((x) => x + 0)).toEqual([expect.closeTo(2, 5), expect.closeTo(0, 5)]);
    expect(coefficients[3][0]).toBeCloseTo(0.5, 5);
    expect(explained(coefficients, rows, targets)).toBeCloseTo(1, 6);
    const noise = rows.map(() => [random.next()]);
    const half = ridge(rows.slice(0, 100), noise.slice(0, 100), 1);
    expect(explained(half, rows.slice(100), noise.slice(100))).toBeLessThan(0.15);
  });

  test("the nested bootstrap is wider when groups differ than when their blocks do", () => {
    const apart = [-1, 0, 1, 2].map((mean) => Array<number>(50).fill(mean));
    const within = [0, 0, 0, 0].map(() => Array.from({ length: 50 }, (_, i) => (i % 2) * 2 - 0.5));
    const width = ({ lo, hi }: { lo: number; hi: number }) => hi - lo;
    expect(width(nestedBootstrap(apart, 1))).toBeGreaterThan(2 * width(nestedBootstrap(within, 1)));
  });
});

describe("tree", () => {
  test("finds a rule of two conditions and its leaves", () => {
    const random = new Random(2);
    const rows = Array.from({ length: 400 }, () => [random.next(), random.next(), random.next()]);
    const targets = rows.map(([a, , c]) => (a > 0.4 && c <= 0.7 ? 1 : 0));
    const tree = growTree(rows, targets, { depth: 2, leaf: 5 });
    expect(rows.every((row, i) => predict(tree, row) === targets[i])).toBe(true);
    const [top] = leaves(tree);
    expect(top.value).toBe(1);
    expect(new Set(top.conditions.map(({ feature }) => feature))).toEqual(new Set([0, 2]));
    expect(leaves(tree).reduce((sum, { count }) => sum + count, 0)).toBe(400);
    expect(growTree(rows, targets, { depth: 0, leaf: 5 }).split).toBeUndefined();
  });
});

describe("studies", () => {
  const menu = checkedMenu("my-first-meal", 2);
  const network = (knownHands: boolean) => {
    const options = { algorithm: "dqn", menus: [menu], players: 2, knownHands, seed: 1, hidden: [16, 12] } as const;
    const trainer = new Trainer({ ...options, games: 30, evaluations: 0 });
    while (trainer.done < 1) trainer.playGame();
    return trainer.checkpoint();
  };

  test("memory: a network against itself gains nothing; the probe sees more with known hands than without", () => {
    const seeing = network(true);
    const task = { name: "my-first-meal", menu, players: 2 };
    const same = compareMemory(task, [{ with: seeing, without: seeing }], { games: 20, seed: 1 });
    expect([same.gain, same.interval]).toEqual([0, { lo: 0, hi: 0 }]);
    const row = compareMemory(task, [{ with: seeing, without: network(false) }], { games: 20, seed: 1 });
    expect(row.probe["with, untrained"][0]).toBeGreaterThan(row.probe["without, untrained"][0]);
    expect(row.gains).toHaveLength(1);
  });

  test("generalisation: distances of the stock menus as in the rulebook's list; results by distance", () => {
    const menus = Object.values(stockMenus);
    expect(menus.map((other) => menuDistance(menus[0], other))).toEqual([0, 3, 4, 6, 5, 6, 4, 6]);
    expect(menus.map((other) => menuDistance(menus[7], other))).toEqual([6, 7, 5, 4, 4, 5, 7, 0]);
    const four = menus.map((other) => [...other]);
    const options = { algorithm: "dqn", menus: four, playMenus: [four[0]], players: 4, knownHands: true } as const;
    const trainer = new Trainer({ ...options, seed: 1, hidden: [8, 8], games: 4, evaluations: 0 });
    while (trainer.done < 1) trainer.playGame();
    const result = generalise(trainer.checkpoint(), { trainedOn: [four[0]], menusPerDistance: 1, games: 4, seed: 1 });
    expect(result.byDistance.map(({ distance }) => distance)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(Number.isFinite(result.rho.score)).toBe(true);
  });

  test("transfer: the diagonal is the scale; equal networks have equal rows", () => {
    const names = ["my-first-meal", "sushi-go", "points-platter"];
    const three = names.map((name) => checkedMenu(name, 4));
    const trained = (play: number) => {
      const options = {
        algorithm: "dqn",
        menus: three,
        playMenus: [three[play]],
        players: 4,
        knownHands: true,
      } as const;
      const trainer = new Trainer({ ...options, seed: play, hidden: [8, 8], games: 60, evaluations: 0 });
      while (trainer.done < 1) trainer.playGame();
      return trainer.checkpoint();
    };
    const [first, second] = [trained(0), trained(1)];
    const specialists = [first, second, first].map((checkpoint, i) => ({ name: names[i], menu: three[i], checkpoint }));
    const { winRate, random, score, distance, regret } = transfer(specialists, { games: 40, seed: 1 });
    expect(distance).toEqual([
      [0, 3, 5],
      [3, 0, 6],
      [5, 6, 0],
    ]);
    expect(winRate[2]).toEqual(winRate[0]);
    expect(winRate[1]).not.toEqual(winRate[0]);
    for (const [i, row] of score.entries()) {
      const gap = Math.max(0.05, winRate[i][i] - random[i]);
      expect(row[i]).toBeCloseTo((winRate[i][i] - random[i]) / gap, 12);
    }
    // The third network is the first: nothing is lost between these two menus.
    const lost = [winRate[1][1] - winRate[0][1], winRate[0][0] - winRate[1][0], winRate[0][2] - winRate[1][2]];
    expect(regret).toBeCloseTo((lost[0] * 2 + lost[1] + lost[2]) / 6, 12);
  });

  test("interpretation: the heuristic is explained by its own features, and agrees with itself", () => {
    const options = { menu, players: 2, games: 16, seed: 3 };
    const { fidelity, heuristicAgreement, rules, versusHeuristic, pickRates } = interpret(heuristicAgent, options);
    expect(fidelity.tree.share).toBeGreaterThan(1.2 * fidelity.pickRate.share);
    expect(fidelity.pickRate.share).toBeGreaterThanOrEqual(fidelity.popularity.share);
    expect(fidelity.additive.share).toBeGreaterThan(0.8);
    expect(fidelity.popularity.share).toBeGreaterThan(fidelity.chance.share);
    expect(heuristicAgreement.share).toBeGreaterThan(0.97);
    expect(rules[0].lift).toBeGreaterThan(1.5);
    expect(rules[0].when.length).toBeLessThanOrEqual(4);
    expect(versusHeuristic.tau).toBeGreaterThan(0.9);
    expect(pickRates.length).toBe(12);
  });

  test("interpretation: a lover of tea shows, and a ranking can be compared", () => {
    const ranking = ["tea", "Squid", "egg", "miso soup", "eel"];
    const result = interpret(tileFan("tea", "lover"), { menu, players: 2, games: 8, seed: 4 }, ranking);
    expect(result.pickRates[0].face).toBe("tea");
    expect(result.preferences.faces[0].face).toBe("tea");
    expect(result.versusRanking?.tau).toBeGreaterThan(0);
    expect(result.versusRanking?.disagreements.map(({ face }) => face).sort()).toEqual([
      "egg-nigiri",
      "miso",
      "squid-nigiri",
      "tea",
    ]);
    const refused =
      (...names: string[]) =>
      () =>
        interpret(greedyAgent, { menu, players: 2, games: 4, seed: 4 }, names);
    expect(refused("tea", "beer")).toThrow(/no card "beer"/);
    expect(refused("tea", "squid", "tea")).toThrow(/tea twice/);
    expect(refused("tea", "eel")).toThrow(/1 of the menu's cards; two are needed/);
    const greedy = interpret(greedyAgent, { menu, players: 2, games: 8, seed: 4 });
    expect(greedy.preferences.faces[0].face === "tea" && greedy.pickRates[0].rate === 1).toBe(false);
  });
});
