// Champion drafts of MOBA games: matches from files or drawn, recommenders that count, DraftRec (player network and match
// network on src/nn), measurement on newer matches, and advice for a draft in progress. No terminal here.
export {
  type AdviseDraftOptions,
  adviseDraft,
  type Counted,
  type DraftAdvice,
  type DraftPick,
} from "./advise.ts";
export { personal, pickShares, popularity } from "./baselines/counting.ts";
export { dmf, ncf } from "./baselines/factors.ts";
export { winnerModel } from "./baselines/winners.ts";
export {
  type Champion,
  dataOf,
  type MatchRecord,
  type MobaData,
  type Range,
  type Split,
  splitByTime,
} from "./data/dataset.ts";
export { readDraftRec } from "./data/draftrec-files.ts";
export { readKaggle } from "./data/kaggle.ts";
export { readOpenDota } from "./data/opendota.ts";
export { mobaFormats, readMatches } from "./data/read.ts";
export {
  type DraftFigures,
  draftFigures,
  type Synthetic,
  type SyntheticOptions,
  synthesise,
} from "./data/synthetic.ts";
export type { DraftPlayer, DraftState } from "./draft-state.ts";
export { type DraftRecCheckpoint, loadDraftRec, saveDraftRec } from "./draftrec/checkpoint.ts";
export { type DraftRecConfig, type DraftRecOptions, paperQuirks, type Quirks } from "./draftrec/config.ts";
export { DraftRecModel } from "./draftrec/model.ts";
export { Situations } from "./draftrec/situation.ts";
export { type EpochReport, type TrainDraftRecOptions, trainDraftRec } from "./draftrec/train.ts";
export { type Evaluated, evaluateRecommender, type Recommender } from "./evaluate.ts";
export { counterOf, countRatings, type Rating, type Ratings, strengthOf, synergyOf } from "./ratings.ts";
export { type BaselineFigures, type Difference, type MeasureOptions, type MobaReport, measure } from "./report.ts";
export { type BayesReport, bayesOptimal, compareWithBayes } from "./synthetic-report.ts";
