// Trained drafters: heads over the target's features, their data, their training, and their use. What they share with
// other drafters (trees, verification, chances) is in drafting/; networks are nn/'s.
export {
  draftTokensOf,
  headKinds,
  loadHead,
  makeHead,
  readHeadSettings,
  saveHead,
  writeRankShares,
} from "./artefact.ts";
export { type CollectOptions, collect, commonTokens, type HeadData, loadHeadData, saveHeadData } from "./data.ts";
export { type HeadDrafterOptions, headDrafter } from "./drafter.ts";
export { type Glancing, glancings } from "./glancing.ts";
export { type Fuser, fusers, type Head, type HeadKind, type HeadSettings } from "./head.ts";
export { type OpenedHead, openHeadDrafter } from "./open.ts";
export { readTargetParts, type TargetParts } from "./target-parts.ts";
export { HeadTask, type HeadTaskOptions } from "./task.ts";
