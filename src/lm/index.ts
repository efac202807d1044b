// Language models without drafting: load a GGUF file, run forwards over sequences and trees, tokenize, sample.
// The interface is model.ts; graph/ implements it on ggml, toy/ in readable TypeScript. One file per architecture. Knows
// nothing of drafting.
export { byteAlphabet } from "./byte-alphabet.ts";
export { type ChatMessage, type ChatTemplate, createChatTemplate } from "./chat-template.ts";
export type { ModelConfig } from "./config.ts";
export { type LoadedModel, type LoadOptions, loadLanguageModel } from "./load.ts";
export {
  type Adapter,
  chainBatch,
  type ForwardBatch,
  type ForwardResult,
  type LanguageModel,
  type Numerics,
  type Sequence,
  type SkipSet,
} from "./model.ts";
export { type NumericsProof, type ProofOptions, proveNumerics } from "./numerics.ts";
export * from "./sampling/index.ts";
export type { Tokenizer } from "./tokenizer.ts";
