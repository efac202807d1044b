// An OpenAI-compatible HTTP server over one loaded model: endpoints (openai/, anthropic/), what surrounds them (http/), tools in
// prompts and answers (tools/). Generating, batching and drafting are the engine's; nothing here touches a tensor.
export { readApiKeys } from "./http/api-keys.ts";
export type { LogOptions, ServerLimits, ServerOptions } from "./options.ts";
export { type RunningServer, serve } from "./serve.ts";
