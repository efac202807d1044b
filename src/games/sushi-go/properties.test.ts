// Random games of many menus and all numbers of players: what must hold in every state.
import { describe, expect, test } from "vitest";
import { turns } from "../environment.ts";
import { Random } from "../random.ts";
import { actionCount, actionNames, phase } from "./actions.ts";
import { faceCount, faceOfKind, kindCount, type TileName } from "./cards.ts";
import { decode, encode } from "./codec.ts";
import { newState } from "./deal.ts";
import { actingPlayers, sushiEnvironment } from "./environment.ts";
import { isLegal } from "./legal.ts";
import { isHandKnown, observationSize, observe } from "./observe.ts";
import { play } from "./play.ts";
import { resample } from "./resample.ts";
import { defaultRules, type RuleOptions } from "./rules.ts";
import { makeSetup } from "./setup.ts";
import { at, phaseOf, type SushiState, stage } from "./state.ts";
import { dessertPoints, roundPoints } from "./testing/reference.ts";
import {
  dessertPointsNow,
  fridgeViews,
  inconsistencies,
  legalOf,
  randomGame,
  roundPointsNow,
  someMenus,
  trayViews,
} from "./testing/tools.ts";
import { Recorder, replay } from "./transcript.ts";

const counts = [2, 3, 4, 5, 6, 7, 8];
const otherRules: Partial<RuleOptions>[] = [
  {},
  {
    allTied: "nothing",
    makiPlaces: "swallow",
    faceDownColor: "back",
    uramakiLeftovers: "all",
    uramakiCopies: [3, 5, 4],
  },
  { allTied: "zero-pays", flippedNigiriWasabi: "spent", bonusCalls: 3 },
];

/** For soak tests: DRAFTWRIGHT_SUSHI_SCALE=100 plays 100 times as many games. */
const scale = Number(process.env.DRAFTWRIGHT_SUSHI_SCALE ?? 1);

/** `expect` costs more than a turn: this asks it only when there is something to tell. */
function same(found: readonly unknown[], wanted: readonly unknown[]): void {
  if (found.join() !== wanted.join()) expect(found).toEqual(wanted);
}

function* games(n: number, count: number, seed: number): Generator<{ s: SushiState; random: Random; seed: number }> {
  const random = new Random(seed, n);
  for (const [i, menu] of someMenus(n, count * scale, random).entries()) {
    const setup = makeSetup({ players: n, menu, rules: otherRules[i % otherRules.length] });
    yield { s: newState(setup, seed + i), random, seed: seed + i };
  }
}

describe.each(counts)("%i players", (n) => {
  test("fast scoring equals the reference in every state", () => {
    for (const { s, random } of games(n, 40, 1)) {
      const { menu, rules } = s.setup;
      randomGame(s, random, () => {
        if (random.below(4) > 0) return;
        const trays = trayViews(s);
        same(roundPointsNow(s), roundPoints(trays, menu, s.scalars[at.uramakiPlaces], rules));
        same(dessertPointsNow(s), dessertPoints(fridgeViews(s), menu, rules));
      });
    }
  });

  test("cards are conserved, hands shrink by one a turn, masks are never empty and agree with isLegal", () => {
    for (const { s, random } of games(n, 24, 1000)) {
      let turnStart = -1;
      let decisions = 0;
      randomGame(s, random, (p) => {
        decisions++;
        same(inconsistencies(s), []);
        if (s.scalars[at.stage] === stage.commit) {
          const key = s.round * 16 + s.turn;
          if (key !== turnStart) {
            for (let q = 0; q < n; q++) same([s.handSizes[q]], [s.setup.handSize - s.turn]);
            turnStart = key;
          }
        }
        for (const q of actingPlayers(s)) same([legalOf(s, q).length > 0], [true]);
        if (decisions % 8 === 0) {
          const legal = legalOf(s, p);
          for (let a = 0; a < actionCount; a++) same([isLegal(s, p, a)], [legal.includes(a)]);
        }
      });
      expect(inconsistencies(s)).toEqual([]);
      expect(decisions).toBeGreaterThanOrEqual(n * 3 * s.setup.handSize);
      if (!s.setup.hasActions) expect(decisions).toBe(n * 3 * s.setup.handSize);
    }
  });

  test("observations do not depend on what is hidden; a sample keeps sizes, cards and known hands", () => {
    const size = observationSize(n);
    const seen = new Float32Array(size);
    const again = new Float32Array(size);
    for (const { s, random } of games(n, 4, 2000)) {
      randomGame(s, random, () => {
        if (random.below(6) > 0) return;
        const p = random.below(n);
        observe(s, p, seen);
        const other = s.clone();
        resample(other, p, random.words);
        observe(other, p, again);
        same([Buffer.compare(Buffer.from(seen.buffer), Buffer.from(again.buffer))], [0]);
        same(inconsistencies(other), []);
        for (let q = 0; q < n; q++) {
          if (q > 0 && !isHandKnown(s, q)) continue;
          const base = s.slot((p + q) % n) * kindCount;
          same(
            [other.hands.subarray(base, base + kindCount).join()],
            [s.hands.subarray(base, base + kindCount).join()],
          );
        }
        randomGame(other, random);
      });
    }
  });

  test("a block of known hands equals the true hand for q <= turn and is zero otherwise", () => {
    const seen = new Float32Array(observationSize(n));
    const blind = new Float32Array(observationSize(n));
    const first = faceCount * (n + 1);
    for (const { s, random } of games(n, 3, 3000)) {
      randomGame(s, random, () => {
        const p = random.below(n);
        observe(s, p, seen);
        observe(s, p, blind, { knownHands: false });
        for (let q = 1; q < n; q++) {
          const block = seen.subarray(first + (q - 1) * (faceCount + 1), first + q * (faceCount + 1));
          const hand = new Float32Array(faceCount + 1);
          if (q <= s.turn) {
            const base = s.slot((p + q) % n) * kindCount;
            for (let kind = 0; kind < kindCount; kind++) hand[faceOfKind[kind]] += s.hands[base + kind];
            hand[faceCount] = 1;
          }
          same([block.join()], [hand.join()]);
        }
        const end = first + (n - 1) * (faceCount + 1);
        same([blind.subarray(first, end).some((x) => x !== 0)], [false]);
        same([blind.subarray(end).join()], [seen.subarray(end).join()]);
      });
    }
  });

  test("clone, encode and replay give the same game", () => {
    for (const { s, random, seed } of games(n, 9, 4000)) {
      const recorder = new Recorder(s, seed);
      const stopAt = random.below(40 * n);
      let copy: SushiState | undefined;
      let decoded: SushiState | undefined;
      const start = s.clone();
      const later: [number, number][] = [];
      randomGame(start, random, (p, a) => {
        if (recorder.moves.length === stopAt) {
          copy = s.clone();
          decoded = decode(encode(s));
        }
        if (copy) later.push([p, a]);
        recorder.play(p, a);
      });
      expect(s.bytes).toEqual(start.bytes);
      for (const [p, a] of later) {
        play(copy!, p, a);
        play(decoded!, p, a);
      }
      if (copy) expect([copy.bytes, decoded!.bytes]).toEqual([s.bytes, s.bytes]);
      expect(replay(JSON.parse(JSON.stringify(recorder.transcript))).bytes).toEqual(s.bytes);
    }
  });
});

test("every tile, rule and phase is reached by the random games", () => {
  const phases = new Set<number>();
  const tiles = new Set<string>();
  for (const n of counts) {
    for (const { s, random } of games(n, 24, 1000)) {
      for (const name of s.setup.menu) tiles.add(name);
      randomGame(s, random, (p) => phases.add(phaseOf(s, p)));
    }
  }
  expect([...phases].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(phases.has(phase.done)).toBe(false);
  expect(tiles.size).toBe(22);
});

test("a naive game on lists of names ends with the same scores (menus without actions)", () => {
  const menus: TileName[][] = [
    ["maki", "tempura", "sashimi", "miso", "wasabi", "tea", "ice-cream"],
    ["uramaki", "onigiri", "edamame", "dumpling", "soy", "tea", "fruit"],
    ["temaki", "eel", "tofu", "miso", "wasabi", "soy", "pudding"],
    ["uramaki", "miso", "tofu", "eel", "wasabi", "soy", "pudding"],
  ];
  for (const [i, menu] of menus.entries()) {
    for (const n of [3, 4, 5, 6]) {
      for (let game = 0; game < 20; game++) {
        const random = new Random(game, i, n);
        const s = newState(makeSetup({ players: n, menu }), game);
        expect([...playNaively(s, random)].map((x) => x + 0)).toEqual([...s.score]);
      }
    }
  }
});

/** Plays `s` at random and the same picks on lists, by the rulebook; returns the scores of the lists. */
function playNaively(s: SushiState, random: Random): number[] {
  const { players: n, menu, handSize } = s.setup;
  const score = Array<number>(n).fill(0);
  const fridges = Array.from({ length: n }, (): string[] => []);
  for (let round = 0; round < 3; round++) {
    const trays = Array.from({ length: n }, (): string[] => []);
    let places = 0;
    for (let turn = 0; turn < handSize; turn++) {
      const picks: string[] = [];
      for (let p = 0; p < n; p++) {
        const legal = legalOf(s, p);
        const a = legal[random.below(legal.length)];
        picks.push(actionNames[a]);
        play(s, p, a);
      }
      const spoiled = picks.filter((name) => name === "miso").length > 1;
      picks.forEach((name, p) => {
        if (name !== "miso" || !spoiled) trays[p].push(name);
      });
      const isUramaki = (name: string) => name.endsWith("-uramaki");
      const icons = trays.map((cards) => cards.filter(isUramaki).reduce((sum, name) => sum + Number(name[0]), 0));
      for (const level of [...new Set(icons)].sort((a, b) => b - a)) {
        if (level < 10 || places >= 3) break;
        const award = [8, 5, 2][places];
        for (let p = 0; p < n; p++) {
          if (icons[p] !== level) continue;
          score[p] += award;
          places++;
          trays[p] = trays[p].filter((name) => !isUramaki(name));
        }
      }
    }
    const views = trays.map((cards) => ({ cards, faceDown: 0 }));
    roundPoints(views, menu, places, defaultRules).forEach((points, p) => {
      score[p] += points;
    });
    trays.forEach((cards, p) => {
      fridges[p].push(...cards.filter((name) => /pudding|ice-cream|fruit/.test(name)));
    });
  }
  dessertPoints(fridges, menu, defaultRules).forEach((points, p) => {
    score[p] += points;
  });
  return score;
}

describe("environment", () => {
  test("steps, rewards and turns: rewards add up to the final margin / 10", () => {
    const environment = sushiEnvironment({ players: 4, menu: "big-banquet" });
    const s = environment.reset({ seed: 5 });
    const random = new Random(5);
    const total = [0, 0, 0, 0];
    let ended = 0;
    for (const { mask, observation } of turns(environment, s)) {
      expect(observation.length).toBe(381);
      const legal = [...mask.keys()].filter((a) => mask[a]);
      const { rewards, terminated, truncated } = environment.step(s, legal[random.below(legal.length)]);
      rewards.forEach((reward, p) => {
        total[p] += reward;
      });
      if (terminated) ended++;
      expect(truncated).toBe(false);
    }
    expect(ended).toBe(1);
    s.score.forEach((score, p) => {
      const best = Math.max(...[...s.score].filter((_, q) => q !== p));
      expect(total[p]).toBeCloseTo((score - best) / 10, 4);
    });
  });

  test("simultaneous steps take a map; equal seeds give equal games, others not", () => {
    const environment = sushiEnvironment({ players: 3 });
    const run = (seed: number) => {
      const s = environment.reset({ seed });
      while (!s.over) {
        environment.step(s, new Map(environment.acting(s).map((p) => [p, environment.legal(s, p).indexOf(1)])));
      }
      return environment.encode(s);
    };
    expect(run(7)).toEqual(run(7));
    expect(run(8)).not.toEqual(run(7));
  });

  test("deals depend on the seed alone, not on what was played", () => {
    const setup = makeSetup({ players: 4 });
    const [a, b] = [newState(setup, 3), newState(setup, 3)];
    const random = new Random(9);
    const other = new Random(10);
    const toRound = (s: SushiState, r: Random) => {
      while (s.round === 0) for (let p = 0; p < 4; p++) play(s, p, legalOf(s, p)[r.below(legalOf(s, p).length)]);
    };
    toRound(a, random);
    toRound(b, other);
    const same = (x: SushiState, y: SushiState) => x.hands.filter((count, i) => count === y.hands[i]).length;
    // The undealt desserts differ, all else is laid out and shuffled alike.
    expect(same(a, b)).toBeGreaterThan(a.hands.length * 0.9);
  });

  test("bad seeds and bytes are refused", () => {
    const environment = sushiEnvironment({ players: 2 });
    expect(() => environment.reset({ seed: -1 })).toThrow(/integer >= 0/);
    expect(() => environment.decode(new Uint8Array(10))).toThrow(/no saved game/);
    const bytes = environment.encode(environment.reset({ seed: 1 }));
    expect(() => environment.decode(bytes.subarray(0, bytes.length - 1))).toThrow(/no saved game/);
  });
});
