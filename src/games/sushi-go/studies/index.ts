// The three studies on trained agents: what memory is worth, how agents play menus they were not trained on, and what they
// prefer. Each takes networks and gives plain data; training them and drawing the report is the caller's.
export {
  type Generalisation,
  type GeneralisationOptions,
  generalise,
  type MenuResult,
  menuDistance,
} from "./generalisation.ts";
export { type Interpretation, interpret, type RankComparison, type Rule } from "./interpretation.ts";
export { compareMemory, type MemoryRow, type MemoryTask, probe } from "./memory.ts";
export { type Specialist, type Transfer, transfer } from "./transfer.ts";
