// The heart: a drafter proposes a tree of tokens, the target verifies it in one forward, and the output is the target's.
// `Generation` is the decoding loop; drafters/ holds one file per drafter, conformance.ts the suite that each must pass.
// A round: the market collects bids and buys what pays under the cost curve, the drafters draft it, `verifyMatch` keeps
// what the target would have said itself, or `verifyRatio` what it may have said. Nothing here knows of files, HTTP, workers or text: tokens in, tokens out.

export { buy, byExpectedTokens, verifiable } from "./budget.ts";
export { AcceptanceTable, Calibration } from "./calibration.ts";
export { type CostCurve, type CurveGrid, MeasuredCurve, unmeasuredCurve } from "./cost-curve.ts";
export * from "./databases/index.ts";
export type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "./drafter.ts";
export { bigramTable } from "./drafters/bigram.ts";
export * from "./drafters/cascade/index.ts";
export { type ForeseeingConstraint, grammarDrafter } from "./drafters/grammar.ts";
export {
  type DatabaseCounts,
  type DatabaseName,
  type HierarchyDrafter,
  type HierarchyOptions,
  hierarchyDrafter,
} from "./drafters/hierarchy/index.ts";
export * from "./drafters/layer-skip/index.ts";
export * from "./drafters/lookahead/index.ts";
export { type LookupOptions, lookupDrafter } from "./drafters/lookup.ts";
export { type ModelDrafterOptions, modelDrafter } from "./drafters/model.ts";
export * from "./drafters/ouroboros/index.ts";
export { predictionDrafter } from "./drafters/prediction/index.ts";
export { type PickFrom, type SampledDrafts, seededPick } from "./drafters/sampled-draft.ts";
export { type DraftedRound, Generation } from "./generation.ts";
export type { GenerationOptions } from "./generation-options.ts";
export { Guard } from "./guard.ts";
export type { Logprobs } from "./logprobs.ts";
export type { Decision, Policy } from "./market.ts";
export { type MeasureOptions, measureCurve } from "./measure-curve.ts";
export { type Prices, soloPrices } from "./prices.ts";
export type { RecordedOffer, RecordedTree, RoundRecord } from "./recording.ts";
export type { EmittedToken, FinishReason, RoundReport, RoundTrace } from "./round-report.ts";
export { type RoundOutcome, type SharedRoundOptions, sharedCurve, sharedRound } from "./shared-round.ts";
export { type DraftingReport, Stats } from "./stats.ts";
export {
  cutTree,
  type DraftTree,
  type Draw,
  exclusiveSiblings,
  mergeTrees,
  pathChances,
  Role,
  TreeBuilder,
} from "./tree.ts";
export {
  type CrossVocabularyOptions,
  crossVocabularyDrafter,
  type Intersection,
  intersect,
  translatingReviewer,
  type Vocabulary,
} from "./vocabulary/index.ts";
