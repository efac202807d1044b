// How near a model comes to the best that could be known, on matches whose true chances are known.
import type { Split } from "./data/dataset.ts";
import { type DraftFigures, draftFigures, type Synthetic } from "./data/synthetic.ts";
import { evaluateRecommender, type Recommender } from "./evaluate.ts";
import type { MobaReport } from "./report.ts";

/** The generator itself as recommender and predictor: nothing that sees the same can rank or predict better in the long run. */
export function bayesOptimal({ data, pickChance, blueChance }: Synthetic): Recommender {
  const perMatch = pickChance.length / data.matches;
  return {
    name: "bayes",
    rank: (_, first, count, out) => out.set(pickChance.subarray(first * perMatch, (first + count) * perMatch)),
    predict: (_, first, count, out) => out.set(blueChance.subarray(first, first + count)),
  };
}

export interface BayesReport {
  readonly hr10: number;
  readonly accuracy: number;
  readonly logLoss: number;
  /** (model - popularity) / (Bayes - popularity), of HR@10. */
  readonly gapRecovered: number;
  readonly figures: DraftFigures;
}

export function compareWithBayes(synthetic: Synthetic, split: Split, report: MobaReport): BayesReport {
  const best = evaluateRecommender(bayesOptimal(synthetic), synthetic.data, split.test);
  const pop = report.baselines.pop?.hr10 ?? 0;
  const hr10 = best.hitRate?.[2] ?? 0;
  return {
    hr10,
    accuracy: best.outcome?.accuracy ?? 0,
    logLoss: best.outcome?.logLoss ?? 0,
    gapRecovered: (report.hr10 - pop) / (hr10 - pop),
    figures: draftFigures(synthetic.data),
  };
}
