// What the networks see of some matches, as plain arrays: the one place where a leak could happen. A match is seen
// through views: views 0..9 are the draft before pick 1..10 by the team whose turn it is, views 10 and 11 the finished
// draft by blue and by red (the authors' turns 11 and 12).
import { blue, pad, red, specials, teamOfTurn, turns, unknown } from "../data/dataset.ts";
import type { DraftRecConfig } from "./config.ts";

export const views = 12;
export const habitChannels = 3;
const never = -1e9;

/** Ten players and what is known of the draft. Champion and ban ids; `pad` where nothing is known yet. */
export interface DraftSituation {
  readonly players: readonly PlayerPast[];
  /** [10] */
  readonly champions: ArrayLike<number>;
  readonly roles: ArrayLike<number>;
  readonly bans: ArrayLike<number>;
  /** [champion ids] how often each was picked lately by anybody, as shares. */
  readonly trend: ArrayLike<number>;
  /** Of the statistics of `players`; without it they are scaled already. */
  readonly scaling?: Scaling;
}

/** Mean and deviation of each statistic over the appearances of the training matches. */
export interface Scaling {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** A player's earlier matches, oldest first; arrays of one length. */
export interface PlayerPast {
  readonly champion: ArrayLike<number>;
  readonly role: ArrayLike<number>;
  readonly outcome: ArrayLike<number>;
  /** [matches, stats] */
  readonly stats: ArrayLike<number>;
}

export interface DraftBatch {
  readonly matches: number;
  readonly viewsPerMatch: number;
  /** [S, 10, matches] fastest first, as all below. */
  readonly pastChampion: Int32Array;
  readonly pastRole: Int32Array;
  readonly pastOutcome: Int32Array;
  /** [stats, S, 10, matches] */
  readonly pastStats: Float32Array;
  /** [S, 10, matches] 0, or -Infinity for padding that must not be attended. */
  readonly keyMask: Float32Array;
  /** [10, views, matches] */
  readonly champion: Int32Array;
  readonly championShown: Float32Array;
  readonly role: Int32Array;
  readonly userShown: Float32Array;
  /** [10, matches] row of [10, views, matches] that each pick is ranked from. */
  readonly policyRow: Int32Array;
  /** [champion ids, 10, matches] 0, or -1e9 where a champion cannot be picked. */
  readonly unavailable: Float32Array;
  /** [channels, champion ids, 10, matches] log shares. */
  readonly habits: Float32Array;
}

/** One way of looking at a situation. */
export interface View {
  readonly team: typeof blue | typeof red;
  /** Picks that are seen. */
  readonly shows: (turn: number) => boolean;
}

const matchViews: readonly View[] = Array.from({ length: views }, (_, v) => ({
  team: v < turns ? (teamOfTurn[v] as View["team"]) : v === turns ? blue : red,
  shows: (turn) => turn < v,
}));

export function newBatch(config: DraftRecConfig, matches: number, viewsPerMatch = views): DraftBatch {
  const players = turns * matches;
  const slots = players * config.history;
  const rows = players * viewsPerMatch;
  return {
    matches,
    viewsPerMatch,
    pastChampion: new Int32Array(slots),
    pastRole: new Int32Array(slots),
    pastOutcome: new Int32Array(slots),
    pastStats: new Float32Array(slots * config.stats),
    keyMask: new Float32Array(slots),
    champion: new Int32Array(rows),
    championShown: new Float32Array(rows),
    role: new Int32Array(rows),
    userShown: new Float32Array(rows),
    policyRow: new Int32Array(players),
    unavailable: new Float32Array(players * config.championIds),
    habits: new Float32Array(config.habits ? habitChannels * players * config.championIds : 0),
  };
}

/** Puts a situation at place `m` of a batch. Pick t is ranked from view t, or from view 0 when there are fewer. */
export function fillMatch(
  config: DraftRecConfig,
  batch: DraftBatch,
  m: number,
  situation: DraftSituation,
  looks: readonly View[] = matchViews,
): void {
  for (let t = 0; t < turns; t++) fillPast(config, batch, m * turns + t, situation.players[t], situation.scaling);
  looks.forEach((view, v) => {
    for (let t = 0; t < turns; t++) {
      const at = (m * batch.viewsPerMatch + v) * turns + t;
      const own = teamOfTurn[t] === view.team;
      const shown = view.shows(t);
      batch.champion[at] = shown ? situation.champions[t] : pad;
      batch.championShown[at] = Number(shown);
      batch.role[at] = own || config.quirks.seeAllRoles ? situation.roles[t] : unknown;
      batch.userShown[at] = Number(own);
    }
  });
  for (let t = 0; t < turns; t++) {
    const v = t < looks.length ? t : 0;
    batch.policyRow[m * turns + t] = (m * batch.viewsPerMatch + v) * turns + t;
    fillUnavailable(config, batch, m, t, situation, looks[v]);
    if (config.habits) fillHabits(config, batch, m * turns + t, situation.players[t], situation.trend);
  }
}

function fillPast(
  config: DraftRecConfig,
  batch: DraftBatch,
  player: number,
  past: PlayerPast,
  scaling: Scaling | undefined,
): void {
  const { history, stats, quirks } = config;
  const known = past.champion.length;
  const used = Math.min(history, known);
  for (let s = 0; s < history; s++) {
    const at = player * history + s;
    const from = known - history + s;
    const has = s >= history - used;
    batch.pastChampion[at] = has ? past.champion[from] : pad;
    batch.pastRole[at] = has ? past.role[from] : pad;
    batch.pastOutcome[at] = has ? past.outcome[from] : pad;
    for (let i = 0; i < stats; i++) {
      const x = has ? past.stats[from * stats + i] : 0;
      batch.pastStats[at * stats + i] = has && scaling ? (x - scaling.mean[i]) / scaling.deviation[i] : x;
    }
    // The newest place is always seen, so that a player without history has something to attend to.
    batch.keyMask[at] = has || quirks.attendPadding || s === history - 1 ? 0 : Number.NEGATIVE_INFINITY;
  }
}

function fillUnavailable(
  config: DraftRecConfig,
  batch: DraftBatch,
  m: number,
  t: number,
  { champions, bans }: DraftSituation,
  view: View,
): void {
  const everything = config.quirks.rankEverything;
  const at = (m * turns + t) * config.championIds;
  const row = batch.unavailable.subarray(at, at + config.championIds);
  row.fill(0);
  if (!everything) row.fill(never, 0, specials);
  for (let i = 0; i < bans.length; i++) if (everything || bans[i] !== pad) row[bans[i]] = never;
  if (everything) return;
  for (let o = 0; o < turns; o++) if (o !== t && view.shows(o)) row[champions[o]] = never;
}

/** A latest match weighs as much as this many matches later e times less. */
const memory = 8;
const smoothing = 8;

function fillHabits(
  config: DraftRecConfig,
  batch: DraftBatch,
  player: number,
  past: PlayerPast,
  trend: ArrayLike<number>,
): void {
  const ids = config.championIds;
  const whole = new Float64Array(ids);
  const latest = new Float64Array(ids);
  const n = past.champion.length;
  let weight = 0;
  for (let i = 0; i < n; i++) {
    const w = Math.exp(-(n - 1 - i) / memory);
    whole[past.champion[i]]++;
    latest[past.champion[i]] += w;
    weight += w;
  }
  for (let c = 0; c < ids; c++) {
    const at = (player * ids + c) * habitChannels;
    const base = trend[c] + 1e-4;
    batch.habits[at] = Math.log((whole[c] + smoothing * base) / (n + smoothing));
    batch.habits[at + 1] = Math.log((latest[c] + 2 * base) / (weight + 2));
    batch.habits[at + 2] = Math.log(base);
  }
}
