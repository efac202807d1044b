// Where parallel drafting gets its cores and its thread: drafting/parallel knows neither.

export type { DraftThread } from "./draft-thread.ts";
export { startBeside } from "./start.ts";
