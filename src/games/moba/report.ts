// The measurement of the command `game moba eval`: a model beside every baseline, on matches newer than all training.

import type { Interval } from "../intervals.ts";
import { form, personal, popularity } from "./baselines/counting.ts";
import { dmf, ncf } from "./baselines/factors.ts";
import { winnerModel } from "./baselines/winners.ts";
import type { MobaData, Split } from "./data/dataset.ts";
import { type TrainDraftRecOptions, trainDraftRec } from "./draftrec/train.ts";
import { type Evaluated, evaluateRecommender, type Recommender } from "./evaluate.ts";
import { calibrationError, matchInterval, pairedDifference } from "./metrics.ts";

export interface BaselineFigures {
  readonly hr10: number | null;
  readonly ndcg10: number | null;
  readonly accuracy: number | null;
}

export type Difference = Interval & { readonly hr10Diff: number };

/** Fractions. `n` matches were tested; intervals of 95 % by bootstrap over matches. */
export interface MobaReport {
  readonly n: number;
  readonly hr1: number;
  readonly hr5: number;
  readonly hr10: number;
  readonly ndcg10: number;
  readonly accuracy: number | null;
  readonly mae: number | null;
  readonly logLoss: number | null;
  readonly calibrationError: number | null;
  readonly intervals: { readonly hr10: Interval; readonly accuracy: Interval | null };
  readonly baselines: Readonly<Record<string, BaselineFigures>>;
  readonly versus: Readonly<Record<string, Difference>>;
  /** Against the baseline with the best HR@10. */
  readonly versusBest: Difference & { readonly baseline: string };
}

/** The baselines that count, and those that plain TypeScript trains in seconds. */
export function plainBaselines(data: MobaData, split: Split, seed = 1): Recommender[] {
  return [
    popularity(data, split.train),
    personal(data, split.train),
    personal(data, split.train, 20),
    ncf(data, split, seed),
    dmf(data, split, seed),
    winnerModel(data, split, 0, seed),
    winnerModel(data, split, 64, seed),
    form(data, split.train),
  ];
}

/** SASRec-like (Kang and McAuley 2018): the player network alone, as wide and deep as DraftRec's, without the match. */
export const sasrecOptions = (options: TrainDraftRecOptions): TrainDraftRecOptions => ({
  ...options,
  runFile: options.runFile && `${options.runFile}.sasrec`,
  network: { ...options.network, matchNetwork: false, playerNetwork: true, habits: false },
});

export interface MeasureOptions {
  readonly seed?: number;
  readonly everything?: boolean;
  /** Trains the SASRec-like baseline with these; absent: it is left out. */
  readonly sasrec?: TrainDraftRecOptions;
}

export function measure(
  recommender: Recommender,
  data: MobaData,
  split: Split,
  options: MeasureOptions = {},
): MobaReport {
  const { seed = 1, everything = false } = options;
  const test = (one: Recommender) => evaluateRecommender(one, data, split.test, { everything });
  const own = test(recommender);
  const others = plainBaselines(data, split, seed).map(test);
  if (options.sasrec) {
    using model = trainDraftRec(data, split, sasrecOptions(options.sasrec));
    others.push(test(model.recommender(data, "sasrec")));
  }
  return reportOf(own, others, data.blueWin.subarray(split.test.from, split.test.to), seed);
}

function reportOf(own: Evaluated, others: readonly Evaluated[], blueWin: Uint8Array, seed: number): MobaReport {
  const hits = own.hr10PerMatch ?? [];
  const rankers = others.filter((other) => other.hr10PerMatch);
  const versus = Object.fromEntries(
    rankers.map((other) => {
      const { difference, lo, hi } = pairedDifference(hits, other.hr10PerMatch ?? [], seed);
      return [other.name, { hr10Diff: difference, lo, hi }];
    }),
  );
  const best = rankers.reduce((a, b) => ((b.hitRate?.[2] ?? 0) > (a.hitRate?.[2] ?? 0) ? b : a));
  return {
    n: own.matches,
    hr1: own.hitRate?.[0] ?? 0,
    hr5: own.hitRate?.[1] ?? 0,
    hr10: own.hitRate?.[2] ?? 0,
    ndcg10: own.ndcg?.[2] ?? 0,
    accuracy: own.outcome?.accuracy ?? null,
    mae: own.outcome?.mae ?? null,
    logLoss: own.outcome?.logLoss ?? null,
    calibrationError: own.chance ? calibrationError(own.chance, blueWin) : null,
    intervals: {
      hr10: matchInterval(hits, seed),
      accuracy: own.rightPerMatch ? matchInterval(own.rightPerMatch, seed) : null,
    },
    baselines: Object.fromEntries(
      others.map(({ name, hitRate, ndcg, outcome }) => [
        name,
        { hr10: hitRate?.[2] ?? null, ndcg10: ndcg?.[2] ?? null, accuracy: outcome?.accuracy ?? null },
      ]),
    ),
    versus,
    versusBest: { baseline: best.name, ...versus[best.name] },
  };
}
