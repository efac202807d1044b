// The forward pass of DraftRec in plain loops and double precision, written to be read: the oracle of network.ts, and of
// its gradients by finite differences. No dropout.
import { teamOfTurn, turns } from "../data/dataset.ts";
import { type DraftBatch, habitChannels } from "./batch.ts";
import type { DraftRecConfig } from "./config.ts";
import { reverseRows, sinusoid, teamWeights } from "./network.ts";

type Row = number[];
/** Values of a parameter by name. */
export type Weights = (name: string) => ArrayLike<number>;

const dot = (a: ArrayLike<number>, at: number, x: Row) => x.reduce((sum, value, i) => sum + a[at + i] * value, 0);
const plus = (a: Row, b: ArrayLike<number>, at = 0): Row => a.map((x, i) => x + b[at + i]);
const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

function linear(weights: Weights, name: string, x: Row): Row {
  const matrix = weights(`${name}.weight`);
  return Array.from(weights(`${name}.bias`), (bias, o) => bias + dot(matrix, o * x.length, x));
}

function layerNorm(weights: Weights, name: string, x: Row): Row {
  const [gain, bias] = [weights(`${name}.weight`), weights(`${name}.bias`)];
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  return x.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-12)) * gain[i] + bias[i]);
}

/** Pre-norm transformer block. `seen[j]`: row j may be attended. */
function block(weights: Weights, name: string, heads: number, rows: Row[], seen: (row: number) => boolean): Row[] {
  const size = rows[0].length / heads;
  const normed = rows.map((row) => layerNorm(weights, `${name}.norm`, row));
  const [q, k, v] = ["query", "key", "value"].map((part) =>
    normed.map((row) => linear(weights, `${name}.${part}`, row)),
  );
  return rows.map((row, i) => {
    const mixed: Row = Array(row.length).fill(0);
    for (let h = 0; h < heads; h++) {
      const part = (x: Row) => x.slice(h * size, (h + 1) * size);
      const scores = rows.map((_, j) =>
        seen(j) ? dot(part(k[j]), 0, part(q[i])) / Math.sqrt(size) : Number.NEGATIVE_INFINITY,
      );
      const most = Math.max(...scores);
      const sum = scores.reduce((total, s) => total + Math.exp(s - most), 0);
      scores.forEach((s, j) => {
        const chance = Math.exp(s - most) / sum;
        for (let d = 0; chance > 0 && d < size; d++) mixed[h * size + d] += chance * v[j][h * size + d];
      });
    }
    const attended = plus(row, linear(weights, `${name}.output`, mixed));
    const hidden = linear(weights, `${name}.up`, layerNorm(weights, `${name}.feedNorm`, attended)).map(gelu);
    return plus(attended, linear(weights, `${name}.down`, hidden));
  });
}

const entry = (weights: Weights, table: string, id: number, size: number): Row =>
  Array.from({ length: size }, (_, i) => weights(`${table}.weight`)[id * size + i]);

/** Summary of each player's past: [10 * matches][H]. */
export function playerRows(config: DraftRecConfig, weights: Weights, batch: DraftBatch): Row[] {
  const { hidden, history, stats, heads, blocks, quirks } = config;
  const positions = sinusoid(history, hidden);
  if (!quirks.attendPadding) reverseRows(positions, hidden);
  return Array.from({ length: turns * batch.matches }, (_, player) => {
    let rows = Array.from({ length: history }, (_, s) => {
      const at = player * history + s;
      let row = entry(weights, "champion", batch.pastChampion[at], hidden);
      row = plus(row, entry(weights, "role", batch.pastRole[at], hidden));
      row = plus(row, entry(weights, "outcome", batch.pastOutcome[at], hidden));
      if (stats > 0) {
        row = plus(row, linear(weights, "stat", Array.from(batch.pastStats.subarray(at * stats, (at + 1) * stats))));
      }
      return plus(row, positions, s * hidden);
    });
    const seen = (s: number) => batch.keyMask[player * history + s] === 0;
    for (let i = 0; i < blocks; i++) rows = block(weights, `player.${i}`, heads, rows, seen);
    return layerNorm(weights, "player.norm", rows[history - 1]);
  });
}

export interface Outputs {
  /** [10 * matches][champion ids] */
  readonly logits: readonly Row[];
  /** [views * matches] log odds that blue wins; empty without the match network. */
  readonly value: readonly number[];
}

export function referenceForward(config: DraftRecConfig, weights: Weights, batch: DraftBatch): Outputs {
  const { hidden, heads, blocks, championIds } = config;
  const players = config.playerNetwork ? playerRows(config, weights, batch) : [];
  const positions = sinusoid(turns, hidden);
  const rows: Row[] = [];
  const value: number[] = [];
  for (let view = 0; config.matchNetwork && view < batch.matches * batch.viewsPerMatch; view++) {
    const match = Math.floor(view / batch.viewsPerMatch);
    let picks = Array.from({ length: turns }, (_, t) => {
      const at = view * turns + t;
      let row = entry(weights, "champion", batch.champion[at], hidden).map((x) => x * batch.championShown[at]);
      row = plus(row, entry(weights, "role", batch.role[at], hidden));
      row = plus(row, entry(weights, "team", teamOfTurn[t], hidden));
      if (config.playerNetwork)
        row = plus(
          row,
          players[match * turns + t].map((x) => x * batch.userShown[at]),
        );
      return plus(row, positions, t * hidden);
    });
    for (let i = 0; i < blocks; i++) picks = block(weights, `match.${i}`, heads, picks, () => true);
    picks = picks.map((row) => layerNorm(weights, "match.norm", row));
    rows.push(...picks);
    const share = teamWeights(config);
    const difference = Array.from({ length: hidden }, (_, d) =>
      picks.reduce((sum, row, t) => sum + share[t] * row[d], 0),
    );
    const head = (x: Row) => linear(weights, "value.1", linear(weights, "value.0", x).map(gelu))[0];
    value.push(config.quirks.freeValue ? head(difference) : head(difference) - head(difference.map((x) => -x)));
  }
  const table = weights("champion.weight");
  const bias = weights("policy.championBias");
  const habits = config.habits ? weights("habits.weight") : [];
  const logits = Array.from({ length: turns * batch.matches }, (_, pick) => {
    const row = config.matchNetwork ? rows[batch.policyRow[pick]] : players[pick];
    const h = linear(weights, "policy", row).map(gelu);
    return Array.from({ length: championIds }, (_, c) => {
      const at = pick * championIds + c;
      let score = bias[c] + dot(table, c * hidden, h) + batch.unavailable[at];
      for (let i = 0; i < habits.length; i++) score += habits[i] * batch.habits[at * habitChannels + i];
      return score;
    });
  });
  return { logits, value };
}

/** What training minimises: lambda x cross-entropy of the picks + (1 - lambda) x cross-entropy of the winner, over all views. */
export function referenceLoss(
  outputs: Outputs,
  { targets, blueWin, lambda }: { targets: ArrayLike<number>; blueWin: ArrayLike<number>; lambda: number },
): number {
  const picks = outputs.logits.map((row, i) => {
    const most = Math.max(...row);
    return most + Math.log(row.reduce((sum, x) => sum + Math.exp(x - most), 0)) - row[targets[i]];
  });
  const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;
  if (outputs.value.length === 0) return mean(picks);
  const perMatch = outputs.value.length / blueWin.length;
  const wins = outputs.value.map(
    (v, i) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))) - v * blueWin[Math.floor(i / perMatch)],
  );
  return lambda * mean(picks) + (1 - lambda) * mean(wins);
}
