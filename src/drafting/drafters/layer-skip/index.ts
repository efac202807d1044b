// Draft & Verify: the target drafts for itself with sublayers left out, over one set of weights and one KV cache.
// drafter.ts drafts, threshold.ts says when to stop, saved.ts is what is kept between runs. Which sublayers to leave out is
// found by search.ts on the machine at hand. Files are the affair of the rooms above.

export { CalibrationTexts } from "./calibration-texts.ts";
export { measureStepCost, type StepCost } from "./draft-step.ts";
export {
  type LayerSkipDrafter,
  type LayerSkipOptions,
  type LayerSkipReport,
  layerSkipDrafter,
} from "./drafter.ts";
export {
  parseSkipSet,
  requireSameWeights,
  type SavedSkipSet,
  type SkipSetKey,
  skipSetText,
  timesApply,
} from "./saved.ts";
export { type Evaluation, LayerSkipSearch, type Objective, type SearchResult } from "./search.ts";
export { measureStepCosts, type StepCosts } from "./step-costs.ts";
export type { ThresholdOptions, ThresholdState } from "./threshold.ts";
