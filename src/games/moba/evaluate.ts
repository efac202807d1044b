// Measures recommenders and predictors of winners on matches they were not trained on.
import { fillAllowed, newAllowed } from "./candidates.ts";
import { championAt, championIds, type MobaData, type Range, turns } from "./data/dataset.ts";
import { addPick, cutoffs, newSums, type OutcomeFigures, outcomeFigures, rightness } from "./metrics.ts";

/** Something that ranks champions and may say who wins. */
export interface Recommender {
  readonly name: string;
  /** Fills `out` [count, turns, champion ids] with scores, higher is better, for matches from `first` on. */
  rank?(data: MobaData, first: number, count: number, out: Float32Array): void;
  /** Fills `out` [count] with the chance that blue wins the finished draft. */
  predict?(data: MobaData, first: number, count: number, out: Float64Array): void;
}

export interface Evaluated {
  readonly name: string;
  readonly matches: number;
  /** By `cutoffs`; undefined for a predictor only. */
  readonly hitRate?: readonly number[];
  readonly ndcg?: readonly number[];
  /** Mean hit at 10 of each match. */
  readonly hr10PerMatch?: readonly number[];
  readonly outcome?: OutcomeFigures;
  readonly rightPerMatch?: readonly number[];
  readonly chance?: Float64Array;
}

export interface EvaluateDraftsOptions {
  /** Rank among all ids, as DraftRec's own code does, special ids and picked champions included. */
  readonly everything?: boolean;
  readonly batch?: number;
}

/** Ranks are among the champions that can still be picked. */
export function evaluateRecommender(
  recommender: Recommender,
  data: MobaData,
  { from, to }: Range,
  { everything = false, batch = 32 }: EvaluateDraftsOptions = {},
): Evaluated {
  const ids = championIds(data);
  const sums = newSums();
  const perMatch: number[] = [];
  const ten = cutoffs.indexOf(10);
  const scores = new Float32Array(batch * turns * ids);
  const chance = new Float64Array(to - from);
  const allowed = newAllowed(data);
  for (let first = from; first < to; first += batch) {
    const count = Math.min(batch, to - first);
    recommender.predict?.(data, first, count, chance.subarray(first - from, first - from + count));
    if (!recommender.rank) continue;
    recommender.rank(data, first, count, scores);
    for (let m = 0; m < count; m++) {
      const before = sums.hits[ten];
      for (let t = 0; t < turns; t++) {
        fillAllowed(data, first + m, t, allowed, everything);
        const at = (m * turns + t) * ids;
        addPick(sums, scores.subarray(at, at + ids), allowed, championAt(data, first + m, t));
      }
      perMatch.push((sums.hits[ten] - before) / turns);
    }
  }
  const blueWin = data.blueWin.subarray(from, to);
  return {
    name: recommender.name,
    matches: to - from,
    ...(recommender.rank && {
      hitRate: Array.from(sums.hits, (hits) => hits / sums.picks),
      ndcg: Array.from(sums.gains, (gains) => gains / sums.picks),
      hr10PerMatch: perMatch,
    }),
    ...(recommender.predict && {
      outcome: outcomeFigures(chance, blueWin),
      rightPerMatch: rightness(chance, blueWin),
      chance,
    }),
  };
}
