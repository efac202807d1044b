// What trained heads share with their target: its embeddings, its output matrix, and the feature they read, the hidden
// state after the final norm.
import type { Backend, Tensor } from "../../ggml/index.ts";
import { FrozenModel } from "../../lm/training/index.ts";

/** Owns device memory: dispose it. */
export interface TargetParts {
  /** As `LoadedModel.hash`: heads work for no other weights. */
  readonly hash: string;
  readonly hiddenSize: number;
  readonly layerCount: number;
  readonly vocabSize: number;
  /** [hiddenSize, vocabSize], of any type. */
  readonly embedding: Tensor;
  readonly output: Tensor;
  /** [hiddenSize] */
  readonly outputNorm: Float32Array;
  readonly normEpsilon: number;
  [Symbol.dispose](): void;
}

/** Reads them from the target's file. Throws like `loadLanguageModel`. */
export function readTargetParts(path: string, backend: Backend): TargetParts {
  const wanted = new Set(["token_embd.weight", "output.weight", "output_norm.weight"]);
  const frozen = new FrozenModel(path, backend, (name) => wanted.has(name));
  const { config } = frozen;
  const outputNorm = new Float32Array(config.hiddenSize);
  frozen.tensor("output_norm.weight").read(outputNorm);
  return {
    hash: frozen.hash,
    hiddenSize: config.hiddenSize,
    layerCount: config.layerCount,
    vocabSize: config.vocabSize,
    embedding: frozen.tensor(config.weights.tokenEmbedding.name),
    output: frozen.tensor(config.weights.output.name),
    outputNorm,
    normEpsilon: config.normEpsilon,
    [Symbol.dispose]: () => frozen[Symbol.dispose](),
  };
}

/** The feature of a row: RMS norm of the last layer's output, times the norm's weight. */
export function featureOf(
  hidden: ArrayLike<number>,
  { outputNorm, normEpsilon }: Pick<TargetParts, "outputNorm" | "normEpsilon">,
): Float32Array<ArrayBuffer> {
  const feature = new Float32Array(outputNorm.length);
  let squares = 0;
  for (let i = 0; i < feature.length; i++) squares += hidden[i] * hidden[i];
  const factor = 1 / Math.sqrt(squares / feature.length + normEpsilon);
  for (let i = 0; i < feature.length; i++) feature[i] = hidden[i] * factor * outputNorm[i];
  return feature;
}
