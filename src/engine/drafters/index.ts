// The drafters of a loaded model: made from its options, chosen by name for each request.

export { DrafterSet } from "./drafter-set.ts";
export { checkDraftingOptions, type DraftingOptions, type PoolPlace } from "./options.ts";
