// What trained heads share with their target: its embeddings, its output matrix or the rows of it that they draft from, and
// the feature they read, the hidden state after the final norm.
import { DraftwrightError } from "../../errors.ts";
import { type Backend, Storage, type Tensor } from "../../ggml/index.ts";
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
  /** [hiddenSize, tokens that are drafted] */
  readonly output: Tensor;
  /** Which token each row of `output` is for. Absent: all, in order. */
  readonly draftTokens?: Int32Array;
  /** [hiddenSize] */
  readonly outputNorm: Float32Array;
  readonly normEpsilon: number;
  [Symbol.dispose](): void;
}

/**
 * Reads them from the target's file. `draftTokens`: only these are drafted; the matrix, most of a small head's work, has
 * only their rows then (reduced vocabulary: EAGLE-3, FR-Spec). Throws like `loadLanguageModel`, and `bad-argument` for a
 * token that the target has not.
 */
export function readTargetParts(path: string, backend: Backend, draftTokens?: Int32Array): TargetParts {
  const wanted = new Set(["token_embd.weight", "output.weight", "output_norm.weight"]);
  const frozen = new FrozenModel(path, backend, (name) => wanted.has(name));
  const { config } = frozen;
  const outputNorm = new Float32Array(config.hiddenSize);
  frozen.tensor("output_norm.weight").read(outputNorm);
  const whole = frozen.tensor(config.weights.output.name);
  let rows: Storage | undefined;
  let output = whole;
  if (draftTokens) {
    rows = new Storage(backend.bufferTypes().plain, 1);
    output = rows.tensor(whole.type, config.hiddenSize, draftTokens.length);
    try {
      copyRows(whole, draftTokens, rows, output);
    } catch (error) {
      rows[Symbol.dispose]();
      frozen[Symbol.dispose]();
      throw error;
    }
  }
  return {
    hash: frozen.hash,
    hiddenSize: config.hiddenSize,
    layerCount: config.layerCount,
    vocabSize: config.vocabSize,
    embedding: frozen.tensor(config.weights.tokenEmbedding.name),
    output,
    draftTokens,
    outputNorm,
    normEpsilon: config.normEpsilon,
    [Symbol.dispose]() {
      rows?.[Symbol.dispose]();
      frozen[Symbol.dispose]();
    },
  };
}

function copyRows(from: Tensor, rows: Int32Array, storage: Storage, to: Tensor): void {
  storage.allocate("weights");
  const bytes = new Uint8Array(from.bytes / from.shape[1]);
  for (const [i, row] of rows.entries()) {
    if (!(row >= 0 && row < from.shape[1])) {
      throw new DraftwrightError("bad-argument", `there is no token ${row} to draft; the target has ${from.shape[1]}`);
    }
    from.read(bytes, row * bytes.length);
    to.write(bytes, i * bytes.length);
  }
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
