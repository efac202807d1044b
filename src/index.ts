// The library. `loadModel` gives a model on a thread of its own; `generate` gives tokens as they come.

export type { DraftingReport, RoundReport } from "./drafting/index.ts";
export {
  type DraftChoice,
  type FinishReason,
  type GeneratedToken,
  type GenerateOptions,
  type GenerateResult,
  type Generating,
  generate,
  loadModel,
  type Model,
  type ModelInfo,
  type ModelOptions,
  type ProfileOptions,
  type ProfileReport,
  type Prompt,
  type Timings,
} from "./engine/index.ts";
export { DraftwrightError, type ErrorCode } from "./errors.ts";
export type { ChatMessage } from "./lm/chat-template.ts";
