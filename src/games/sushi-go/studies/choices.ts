// Picks of an agent as a table: one row of features for each card it could have taken, in the words of a player.
import { Random } from "../../random.ts";
import { phase } from "../actions.ts";
import type { Agent } from "../agents/agent.ts";
import { appetite } from "../agents/appetite.ts";
import { faceCount, faceNames, faceOfKind, kindCount, squid, type TileName } from "../cards.ts";
import { start } from "../deal.ts";
import { listActions } from "../legal.ts";
import { isHandKnown } from "../observe.ts";
import { play } from "../play.ts";
import { makeSetup } from "../setup.ts";
import { actingMask, phaseOf, SushiState } from "../state.ts";

/**
 * Names of the features, in their order. `ahead` compares with the best other card of the hand; the case of a card is how many
 * copies are in the own tray (0 to 3), of a nigiri whether a wasabi is free.
 */
export const featureNames = [
  "points now",
  "points now, ahead",
  "prospects",
  "prospects, ahead",
  "points for the left neighbour",
  "copies in own tray",
  "copies in this hand",
  "copies in known hands",
  "turns left",
  "free wasabi",
  "pick rate",
  "pick rate, ahead",
  "pick rate in this case",
  "pick rate in this case, ahead",
] as const;
const featureAt = (name: (typeof featureNames)[number]) => featureNames.indexOf(name);
/** The first of the features that are rates. */
export const pickRateFeature = featureAt("pick rate");

export interface Choice {
  readonly game: number;
  /** Faces that could be taken, which of them was, and their features. */
  readonly faces: readonly number[];
  readonly taken: number;
  readonly features: readonly Float64Array[];
}

export interface ChoiceOptions {
  readonly menu: readonly TileName[];
  readonly players: number;
  readonly games: number;
  readonly seed: number;
}

/** Picks of `judge` in games that `actor` plays in all seats, where there was a choice; pick rates are left at 0. */
export function collectChoices(actor: Agent, judge: Agent, { menu, players, games, seed }: ChoiceOptions): Choice[] {
  const s = new SushiState(makeSetup({ menu, players }));
  const list = new Uint8Array(80);
  const choices: Choice[] = [];
  for (let game = 0; game < games; game++) {
    const random = new Random(seed, 601, game);
    start(s, seed + game);
    while (!s.over) {
      const acting = actingMask(s);
      for (let p = 0; p < players; p++) {
        if (!(acting & (1 << p))) continue;
        const count = listActions(s, p, list);
        if (count > 1 && phaseOf(s, p) === phase.pick) {
          const faces = [...list.subarray(0, count)];
          const taken = faces.indexOf(judge.choose(s, p, random));
          choices.push({ game, faces, taken, features: featuresOf(s, p, faces) });
        }
        play(s, p, actor.choose(s, p, random));
      }
    }
  }
  return choices;
}

function featuresOf(s: SushiState, p: number, faces: readonly number[]): Float64Array[] {
  const n = s.setup.players;
  const now = faces.map((f) => appetite(s, p, f, false));
  const hope = faces.map((f) => appetite(s, p, f, true));
  return faces.map((f, i) => {
    let known = 0;
    for (let q = 1; q < n && isHandKnown(s, q); q++) known += copiesIn(s, (p + q) % n, f);
    return Float64Array.of(
      now[i],
      ahead(now, i),
      hope[i],
      ahead(hope, i),
      appetite(s, (p + 1) % n, f, false),
      s.tray[p * faceCount + f],
      copiesIn(s, p, f),
      known,
      s.handSizes[s.slot(p)] - 1,
      s.freeWasabi[p],
      ...[0, 0, 0, 0],
    );
  });
}

const ahead = (values: readonly number[], i: number) => values[i] - Math.max(...values.filter((_, j) => j !== i));

function copiesIn(s: SushiState, p: number, f: number): number {
  const base = s.slot(p) * kindCount;
  let count = 0;
  for (const kind of s.setup.kinds) if (faceOfKind[kind] === f) count += s.hands[base + kind];
  return count;
}

export interface PickRate {
  readonly face: string;
  readonly offered: number;
  /** Share of the times it could be taken. */
  readonly rate: number;
}

/** How often each face was taken. [faces] */
export function pickCounts(choices: readonly Choice[]): Float64Array {
  const taken = new Float64Array(faceCount);
  for (const choice of choices) taken[choice.faces[choice.taken]]++;
  return taken;
}

/** How often each face was taken when it could be. [faces] NaN where it never could. */
export function pickRates(choices: readonly Choice[]): Float64Array {
  const offered = new Float64Array(faceCount);
  for (const choice of choices) for (const f of choice.faces) offered[f]++;
  return pickCounts(choices).map((count, f) => count / offered[f]);
}

export function listPickRates(choices: readonly Choice[]): PickRate[] {
  const rates = pickRates(choices);
  return Array.from(rates, (rate, f) => ({
    face: faceNames[f],
    offered: choices.filter(({ faces }) => faces.includes(f)).length,
    rate,
  }))
    .filter(({ offered }) => offered > 0)
    .sort((a, b) => b.rate - a.rate);
}

/** Pick rates by face, and by face and case; cases that are rare lean on their face. */
export interface PickModel {
  readonly faces: Float64Array;
  readonly cases: Float64Array;
}

const cases = 4;
/** Times that a face's own rate counts in each of its cases. */
const prior = 10;

const caseOf = (f: number, row: Float64Array) =>
  cases * f + Math.min(cases - 1, f <= squid ? row[featureAt("free wasabi")] : row[featureAt("copies in own tray")]);

export function fitPickModel(choices: readonly Choice[]): PickModel {
  const rates = pickRates(choices);
  const offered = new Float64Array(faceCount * cases).fill(prior);
  const taken = offered.map((_, i) => prior * (rates[Math.floor(i / cases)] || 0));
  for (const choice of choices) {
    for (const [i, f] of choice.faces.entries()) {
      const at = caseOf(f, choice.features[i]);
      offered[at]++;
      if (i === choice.taken) taken[at]++;
    }
  }
  return { faces: rates, cases: taken.map((count, i) => count / offered[i]) };
}

/** Writes the rates of a model into the features. */
export function writePickRates(choices: readonly Choice[], model: PickModel): void {
  for (const { faces, features } of choices) {
    const rates = faces.map((f) => model.faces[f] || 0);
    const special = faces.map((f, i) => model.cases[caseOf(f, features[i])]);
    for (const [i, row] of features.entries()) {
      row.set([rates[i], ahead(rates, i), special[i], ahead(special, i)], pickRateFeature);
    }
  }
}
