import type { EmbeddingModelV4, LanguageModelV4 } from "@ai-sdk/provider";
import type { Model } from "../engine/index.ts";
import { embeddingModel } from "./embedding-model.ts";
import { languageModel } from "./language-model.ts";

export interface DraftwrightProvider {
  /** The loaded model as the AI SDK's language model. */
  (): LanguageModelV4;
  languageModel(): LanguageModelV4;
  /** Its hidden states as vectors of texts. */
  embeddingModel(): EmbeddingModelV4;
}

/** A provider over a model that `loadModel` has loaded. Disposing of the model stays the caller's. */
export function createDraftwright(model: Model): DraftwrightProvider {
  const create = () => languageModel(model);
  return Object.assign(create, { languageModel: create, embeddingModel: () => embeddingModel(model) });
}
