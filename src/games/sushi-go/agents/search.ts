// Determinised search: a proposer names the likely actions, rollouts over samples of what is hidden verify them. The same
// division as in decoding: a cheap drafter, a verifier that decides.
import { DraftwrightError } from "../../../errors.ts";
import { Random } from "../../random.ts";
import { actionCount, phase } from "../actions.ts";
import { listActions } from "../legal.ts";
import { play } from "../play.ts";
import { resample } from "../resample.ts";
import { addDessertPoints, addRoundPoints } from "../scoring.ts";
import { actingMask, at, phaseOf, SushiState, stage } from "../state.ts";
import type { Agent } from "./agent.ts";
import { appetite } from "./appetite.ts";
import { heuristicAgent, weigh } from "./scripted.ts";

/** What a network plugs in as: a share for each legal action, likely ones higher. */
export interface Proposer {
  readonly name: string;
  /** Writes `shares[i]` for `actions[i]`, i < count; they add up to 1. */
  propose(s: SushiState, p: number, actions: Uint8Array, count: number, shares: Float64Array): void;
}

/** Softmax of the heuristic's worths, temperature one point. */
export const heuristicProposer: Proposer = {
  name: "heuristic",
  propose(s, p, actions, count, shares) {
    const asked = phaseOf(s, p);
    let most = -Infinity;
    for (let i = 0; i < count; i++) {
      shares[i] = weigh(s, p, actions[i], asked, (state, player, f) => appetite(state, player, f, true));
      most = Math.max(most, shares[i]);
    }
    let sum = 0;
    for (let i = 0; i < count; i++) sum += shares[i] = Math.exp(shares[i] - most);
    for (let i = 0; i < count; i++) shares[i] /= sum;
  },
};

export interface SearchOptions {
  readonly proposer?: Proposer;
  /** Plays all seats in rollouts. */
  readonly rollout?: Agent;
  /** Actions verified, best proposals first; 5 by default. */
  readonly topK?: number;
  /** Samples of the hidden cards, each played once per action. 24 by default. */
  readonly worlds?: number;
  /** Ends the search early, after two worlds at least. */
  readonly budgetMs?: number;
  /**
   * Expected final margin of a player who is asked, in points. With it rollouts end after `turns` turns (2 by default) or
   * with the round, and it says the rest; without it they go to the end of the round and count what lies there.
   */
  readonly value?: (s: SushiState, p: number) => number;
  readonly turns?: number;
}

export interface Candidate {
  readonly action: number;
  /** The proposer's share. */
  readonly pDraft: number;
  /**
   * Mean margin over the best opponent in points: of the game with `value`, otherwise at the end of the round with desserts
   * as if the game ended then.
   */
  readonly value: number;
  /** Half the 95 % interval of `value`, and of the difference to the first candidate on the same samples. */
  readonly ci: number;
  readonly behindCi: number;
  /** False for actions that were proposed but not rolled out; their value is NaN. */
  readonly verified: boolean;
}

export interface SearchResult {
  /** Verified actions by value, then the others by share. */
  readonly candidates: readonly Candidate[];
  readonly worlds: number;
  /** Rank (from 0) among the proposals of the action that came out best. */
  readonly acceptedFrom: number;
}

const actions = new Uint8Array(actionCount);
const list = new Uint8Array(actionCount);
const shares = new Float64Array(actionCount);
const points = new Int32Array(8);

/** `world` gives the sample of each index; by default what p cannot know is dealt anew. Throws bad-argument if p is not asked. */
export function search(
  s: SushiState,
  p: number,
  random: Random,
  options: SearchOptions = {},
  world: (into: SushiState, index: number) => void = (into) => {
    into.copyFrom(s);
    resample(into, p, random.words);
  },
): SearchResult {
  const {
    proposer = heuristicProposer,
    rollout = heuristicAgent,
    topK = 5,
    worlds = 24,
    budgetMs = Infinity,
    value,
    turns = 2,
  } = options;
  const limit = value ? s.turn + turns : Infinity;
  const count = listActions(s, p, actions);
  if (count === 0)
    throw new DraftwrightError("bad-argument", `Player ${p} is not asked now: there is nothing to advise.`);
  proposer.propose(s, p, actions, count, shares);
  const proposals = Array.from({ length: count }, (_, i) => ({ action: actions[i], pDraft: shares[i] })).sort(
    (a, b) => b.pDraft - a.pDraft,
  );
  const drafted = proposals.slice(0, Math.max(1, topK));
  const margins: number[][] = drafted.map(() => []);
  const sample = new SushiState(s.setup);
  const state = new SushiState(s.setup);
  const end = performance.now() + budgetMs;
  let done = 0;
  while (drafted.length > 1 && done < worlds && (done < 2 || performance.now() < end)) {
    world(sample, done);
    // All actions meet the same cards and the same luck.
    const seed = random.bits();
    drafted.forEach(({ action }, i) => {
      state.copyFrom(sample);
      play(state, p, action);
      rollOut(state, rollout, new Random(seed), sample.round, limit);
      margins[i].push(value && !state.over ? value(state, p) : marginNow(state, p));
    });
    done++;
  }
  return { ...ranked(proposals, drafted.length, margins), worlds: done };
}

function ranked(proposals: { action: number; pDraft: number }[], drafted: number, margins: number[][]) {
  const values = margins.map(mean);
  const best = values.reduce((top, value, i) => (value > values[top] ? i : top), 0);
  const candidates = proposals.map((proposal, i): Candidate => {
    const verified = i < drafted && margins[i].length > 0;
    if (!verified) return { ...proposal, value: Number.NaN, ci: Number.NaN, behindCi: Number.NaN, verified };
    const behind = margins[i].map((margin, w) => margins[best][w] - margin);
    return { ...proposal, value: values[i], ci: halfWidth(margins[i]), behindCi: halfWidth(behind), verified };
  });
  const order = (a: Candidate, b: Candidate) =>
    Number(b.verified) - Number(a.verified) || (a.verified ? b.value - a.value : b.pDraft - a.pDraft);
  return { candidates: candidates.sort(order), acceptedFrom: best };
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

function halfWidth(values: readonly number[]): number {
  const middle = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / Math.max(1, values.length - 1);
  return 1.96 * Math.sqrt(variance / values.length);
}

/** Plays on to the end of the round, or to the first pick of turn `limit`. */
function rollOut(s: SushiState, agent: Agent, random: Random, round: number, limit: number): void {
  const n = s.setup.players;
  while (!s.over && s.round === round && (s.turn < limit || !isTurnStart(s))) {
    const acting = actingMask(s);
    for (let q = 0; q < n; q++) if (acting & (1 << q)) play(s, q, agent.choose(s, q, random));
  }
}

/** Nobody has committed yet. */
function isTurnStart(s: SushiState): boolean {
  if (s.scalars[at.stage] !== stage.commit) return false;
  for (let q = 0; q < s.setup.players; q++) if (s.commit[q] !== phase.pick) return false;
  return true;
}

/** Points ahead of the best opponent if round and game ended now. */
export function marginNow(s: SushiState, p: number): number {
  const n = s.setup.players;
  for (let q = 0; q < n; q++) points[q] = s.score[q];
  if (!s.over) {
    addRoundPoints(s, points);
    addDessertPoints(s, points);
  }
  let best = -Infinity;
  for (let q = 0; q < n; q++) if (q !== p) best = Math.max(best, points[q]);
  return points[p] - best;
}

/** An agent that searches every decision that is none by itself. */
export function searchAgent(options: SearchOptions = {}, name = "search"): Agent {
  return {
    name,
    choose(s, p, random) {
      if (listActions(s, p, list) === 1) return list[0];
      return search(s, p, random, options).candidates[0].action;
    },
  };
}
