// Matches of a data set as the networks see them: histories strictly before the match, statistics scaled by the training
// part, and what was popular in the matches just before.
import { championAt, championIds, type MobaData, pad, type Range, turns } from "../data/dataset.ts";
import type { DraftSituation, PlayerPast, Scaling } from "./batch.ts";

export function scalingOf(data: MobaData, { from, to }: Range): Scaling {
  const width = data.statNames.length;
  const sum = new Float64Array(width);
  const squares = new Float64Array(width);
  for (let i = from * turns; i < to * turns; i++) {
    const row = data.appearance[i];
    for (let s = 0; s < width; s++) {
      const x = data.stats[row * width + s];
      sum[s] += x;
      squares[s] += x * x;
    }
  }
  const n = (to - from) * turns;
  const mean = Array.from(sum, (x) => x / n);
  const deviation = Array.from(squares, (x, s) => Math.sqrt(Math.max(0, x / n - mean[s] ** 2)) || 1);
  return { mean, deviation };
}

/** Matches that count as lately. */
export const trendMatches = 300;

/** Situations of a data set's matches, by index. */
export class Situations {
  readonly data: MobaData;
  readonly #scaling: Scaling;
  /** [matches / step + 1, champion ids] running counts, so that any window is one subtraction. */
  readonly #counts: Uint32Array[];

  constructor(data: MobaData, scaling: Scaling) {
    this.data = data;
    this.#scaling = scaling;
    this.#counts = runningCounts(data);
  }

  at(match: number): DraftSituation {
    const { data } = this;
    const slots = Array.from({ length: turns }, (_, t) => match * turns + t);
    const rows = slots.map((slot) => data.appearance[slot]);
    return {
      players: slots.map((slot, t) => this.#past(data.firstAppearance[slot], rows[t])),
      champions: rows.map((row) => data.champion[row]),
      roles: rows.map((row) => data.role[row]),
      bans: data.bans.subarray(match * 10, match * 10 + 10),
      trend: this.trend(match),
      scaling: this.#scaling,
    };
  }

  /** Shares of picks in the matches before `match`; even shares before the first block. */
  trend(match: number): Float64Array {
    const ids = championIds(this.data);
    const end = Math.floor(match / step);
    const begin = Math.max(0, end - trendMatches / step);
    const shares = new Float64Array(ids).fill(1 / ids);
    if (end === begin) return shares;
    const picks = (end - begin) * step * turns;
    for (let c = 0; c < ids; c++) shares[c] = (this.#counts[end][c] - this.#counts[begin][c]) / picks;
    return shares;
  }

  #past(first: number, row: number): PlayerPast {
    const { data } = this;
    const width = data.statNames.length;
    return {
      champion: data.champion.subarray(first, row),
      role: data.role.subarray(first, row),
      outcome: data.outcome.subarray(first, row),
      stats: data.stats.subarray(first * width, row * width),
    };
  }
}

const step = 50;

function runningCounts(data: MobaData): Uint32Array[] {
  const ids = championIds(data);
  const counts = [new Uint32Array(ids)];
  const running = new Uint32Array(ids);
  for (let m = 0; m < data.matches; m++) {
    for (let t = 0; t < turns; t++) running[championAt(data, m, t)]++;
    if ((m + 1) % step === 0) counts.push(running.slice());
  }
  return counts;
}

/** A situation without anything: for places of a batch that are not used. */
export function emptySituation(ids: number): DraftSituation {
  const nothing = { champion: [], role: [], outcome: [], stats: [] };
  return {
    players: Array.from({ length: turns }, () => nothing),
    champions: Array(turns).fill(pad),
    roles: Array(turns).fill(pad),
    bans: [],
    trend: new Float64Array(ids).fill(1 / ids),
  };
}
