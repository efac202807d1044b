import type { EmbeddingModelV4 } from "@ai-sdk/provider";
import type { Model } from "../engine/index.ts";

/** The model's mean hidden states behind the AI SDK's interface. */
export function embeddingModel(model: Model): EmbeddingModelV4 {
  return {
    specificationVersion: "v4",
    provider: "draftwright",
    modelId: model.info.name,
    maxEmbeddingsPerCall: Number.POSITIVE_INFINITY,
    supportsParallelCalls: true,
    async doEmbed({ values, abortSignal: signal }) {
      const { embeddings, tokens } = await model.embed(values, { signal });
      return { embeddings: embeddings.map((vector) => [...vector]), usage: { tokens }, warnings: [] };
    },
  };
}
