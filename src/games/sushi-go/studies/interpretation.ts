// What an agent prefers, in words: a tree of depth four and an additive model fitted to its picks, how often they pick the
// same card in games they have not seen, and how its preferences compare with the heuristic's or a person's.

import { DraftwrightError } from "../../../errors.ts";
import type { Interval } from "../../intervals.ts";
import type { Agent } from "../agents/agent.ts";
import { heuristicAgent } from "../agents/scripted.ts";
import { faceNames } from "../cards.ts";
import { faceNamed } from "../names.ts";
import {
  type Choice,
  type ChoiceOptions,
  collectChoices,
  featureNames,
  fitPickModel,
  listPickRates,
  type PickRate,
  pickCounts,
  pickRateFeature,
  pickRates,
  writePickRates,
} from "./choices.ts";
import { fitPreferences, utility } from "./logit.ts";
import { bootstrapOf, kendall, permutationP, spearman } from "./statistics.ts";
import { growTree, leaves, predict } from "./tree.ts";

/** Share of held-out picks that a model makes too; the interval resamples games. */
export interface Fidelity {
  readonly share: number;
  readonly interval: Interval;
}

export interface Rule {
  /** Conditions on a card; cards of the first rules are taken first. */
  readonly when: readonly string[];
  /** Share of such cards that were taken, their number, and the share over that of all cards. */
  readonly precision: number;
  readonly support: number;
  readonly lift: number;
}

export interface RankComparison {
  readonly tau: number;
  readonly rho: number;
  readonly p: number;
  /** Faces whose ranks differ most: rank of the agent, rank of the other. */
  readonly disagreements: readonly { readonly face: string; readonly agent: number; readonly other: number }[];
}

export interface Interpretation {
  readonly choices: number;
  readonly fidelity: {
    readonly tree: Fidelity;
    readonly additive: Fidelity;
    /** Always the face taken most often, and the one taken most often when it could be. */
    readonly popularity: Fidelity;
    readonly pickRate: Fidelity;
    readonly chance: Fidelity;
  };
  readonly heuristicAgreement: Fidelity;
  readonly rules: readonly Rule[];
  readonly preferences: {
    readonly faces: readonly { readonly face: string; readonly utility: number }[];
    readonly features: readonly { readonly feature: string; readonly utility: number }[];
  };
  readonly pickRates: readonly PickRate[];
  readonly versusHeuristic: RankComparison;
  readonly versusRanking?: RankComparison;
}

/**
 * `ranking` lists cards from best to worst, as a person would. Throws bad-argument for one with unknown cards, a card
 * twice, or fewer than two that the agent could take.
 */
export function interpret(agent: Agent, options: ChoiceOptions, ranking?: readonly string[]): Interpretation {
  const ranked = ranking && rankedFaces(ranking);
  const choices = collectChoices(agent, agent, options);
  const heuristic = collectChoices(agent, heuristicAgent, options);
  const isTest = ({ game }: Choice) => game % 4 === 0;
  const train = choices.filter((choice) => !isTest(choice));
  const model = fitPickModel(train);
  const rates = model.faces;
  writePickRates(choices, model);
  const test = choices.filter(isTest);
  const fidelity = (pick: (choice: Choice) => number, cases: readonly Choice[] = test) => fidelityOf(cases, pick);

  const rows = train.flatMap(({ features }) => features);
  const targets = train.flatMap(({ features, taken }) => features.map((_, i) => (i === taken ? 1 : 0)));
  const tree = growTree(rows, targets, { depth: 4, leaf: Math.max(20, Math.floor(rows.length / 400)) });
  // Without the pick rates: each face has a utility of its own.
  const additive = fitPreferences(train, pickRateFeature, 1e-4);
  const counts = pickCounts(train);
  const base = targets.filter((t) => t === 1).length / targets.length;
  const theirs = pickRates(heuristic);
  const heuristicTaken = new Map(heuristic.map((choice, i) => [choices[i], choice.taken]));
  const faces = [...rates.keys()].filter((f) => Number.isFinite(rates[f]) && Number.isFinite(theirs[f]));
  return {
    choices: choices.length,
    fidelity: {
      // Cards of one leaf are told apart by the pick rate of their face.
      tree: fidelity(({ features, faces: f }) =>
        best(features.map((row, i) => predict(tree, row) + 1e-6 * (rates[f[i]] || 0))),
      ),
      additive: fidelity(({ features, faces: f }) => best(features.map((row, i) => utility(additive, f[i], row)))),
      popularity: fidelity(({ faces }) => best(faces.map((f) => counts[f]))),
      pickRate: fidelity(({ faces }) => best(faces.map((f) => rates[f] || 0))),
      chance: expected(test),
    },
    heuristicAgreement: fidelity((choice) => heuristicTaken.get(choice) ?? -1),
    rules: leaves(tree).map(({ conditions, value, count }) => ({
      when: conditions.map(
        ({ feature, above, threshold }) => `${featureNames[feature]} ${above ? ">" : "<="} ${threshold.toFixed(2)}`,
      ),
      precision: value,
      support: count,
      lift: value / base,
    })),
    preferences: {
      faces: faces
        .map((f) => ({ face: faceNames[f], utility: additive.faces[f] }))
        .sort((a, b) => b.utility - a.utility),
      features: featureNames
        .slice(0, pickRateFeature)
        .map((feature, j) => ({ feature, utility: additive.features[j] })),
    },
    pickRates: listPickRates(choices),
    versusHeuristic: compare(faces, rates, theirs, options.seed),
    ...(ranked && { versusRanking: compareRanking(ranked, rates, options.seed) }),
  };
}

function best(values: readonly number[]): number {
  return values.reduce((top, value, i) => (value > values[top] ? i : top), 0);
}

function fidelityOf(cases: readonly Choice[], pick: (choice: Choice) => number): Fidelity {
  return shareByGame(cases, (choice) => (pick(choice) === choice.taken ? 1 : 0));
}

const expected = (cases: readonly Choice[]) => shareByGame(cases, ({ faces }) => 1 / faces.length);

function shareByGame(cases: readonly Choice[], hit: (choice: Choice) => number): Fidelity {
  const games = new Map<number, { hits: number; count: number }>();
  for (const choice of cases) {
    const game = games.get(choice.game) ?? { hits: 0, count: 0 };
    game.hits += hit(choice);
    game.count++;
    games.set(choice.game, game);
  }
  const share = (list: readonly { hits: number; count: number }[]) =>
    list.reduce((sum, { hits }) => sum + hits, 0) / list.reduce((sum, { count }) => sum + count, 0);
  return { share: share([...games.values()]), interval: bootstrapOf([...games.values()], share, 1, 500) };
}

function compare(
  faces: readonly number[],
  mine: ArrayLike<number>,
  theirs: ArrayLike<number>,
  seed: number,
): RankComparison {
  const a = faces.map((f) => mine[f]);
  const b = faces.map((f) => theirs[f]);
  const rank = (values: readonly number[], i: number) => 1 + values.filter((value) => value > values[i]).length;
  const disagreements = faces
    .map((f, i) => ({ face: faceNames[f], agent: rank(a, i), other: rank(b, i) }))
    .sort((x, y) => Math.abs(y.agent - y.other) - Math.abs(x.agent - x.other))
    .slice(0, 5);
  return { tau: kendall(a, b), rho: spearman(a, b), p: permutationP(a, b, seed), disagreements };
}

function rankedFaces(ranking: readonly string[]): readonly number[] {
  const faces = ranking.map(faceNamed);
  const twice = faces.find((f, i) => faces.indexOf(f) !== i);
  if (twice === undefined) return faces;
  throw new DraftwrightError("bad-argument", `The ranking names ${faceNames[twice]} twice. Give each card one place.`);
}

function compareRanking(ranked: readonly number[], rates: Float64Array, seed: number): RankComparison {
  const faces = ranked.filter((f) => Number.isFinite(rates[f]));
  if (faces.length < 2) {
    const could = faceNames.filter((_, f) => Number.isFinite(rates[f]));
    throw new DraftwrightError(
      "bad-argument",
      `The ranking has ${faces.length} of the menu's cards; two are needed. Cards: ${could.join(", ")}.`,
    );
  }
  const theirs = new Float64Array(rates.length);
  for (const [place, f] of faces.entries()) theirs[f] = faces.length - place;
  return compare(faces, rates, theirs, seed);
}
