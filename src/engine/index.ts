// One loaded model as a service inside the process: `loadModel` puts it on a thread of its own, where requests take turns
// round by round (scheduler, host, worker); `Model` is the caller's end (requests, streaming-result).
// Here tokens become text, and what was measured is kept between runs. Nothing here decides what to draft (drafting/) or
// knows of a terminal (cli/) or HTTP.

export type { Constraint } from "./constraint.ts";
export * from "./databases/index.ts";
export { findModel, modelStore } from "./find-model.ts";
export { loadModel, type ModelOptions } from "./load-model.ts";
export { type MemoryPlan, planMemory, planTable } from "./memory-plan.ts";
export { generate, Model, type ProfileOptions } from "./model.ts";
export type { Embedded, ModelInfo, ProfileReport } from "./protocol.ts";
export { isRemote } from "./remote/place.ts";
export type { DraftChoice, GenerateOptions, Prompt } from "./request.ts";
export type { FinishReason, GeneratedToken, GenerateResult, Timings } from "./result.ts";
export type { Generating } from "./streaming-result.ts";
export type { TokenLogprobs, TokenProbability } from "./token-logprobs.ts";
