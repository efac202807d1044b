// A draft model that runs at the same time as the target, on cores or a device of its own. The target's side is a drafter
// like any other (drafter.ts); the drafter's side is draft-side.ts. Between them go integers through shared memory. Who
// starts the thread, and where its cores are, is the engine's affair.

export { DraftAhead } from "./draft-ahead.ts";
export { DraftSide } from "./draft-side.ts";
export { type ParallelDrafter, type ParallelDrafterOptions, parallelDrafter } from "./drafter.ts";
export { type DraftLink, MailboxLink } from "./link.ts";
export { Mailbox } from "./mailbox.ts";
export { decodeToDraftSide, encodeFromDraftSide } from "./messages.ts";
export {
  type Comparison,
  compareParallel,
  type ParallelPolicy,
  type SimulatedPair,
  type SimulatedRun,
  serialRate,
  simulateParallel,
} from "./simulate.ts";
export type { ParallelStats } from "./stats.ts";
