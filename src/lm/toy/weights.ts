import type { SkipSet } from "../model.ts";
import { fillNormal, seededRandom } from "./random.ts";

/** Shape and seed of a toy transformer. Every field has a default small enough for thousands of forwards a second. */
export interface ToyShape {
  readonly seed: number;
  readonly vocabSize: number;
  readonly layerCount: number;
  readonly hiddenSize: number;
  readonly headCount: number;
  /** Key/value heads; query heads share them in equal groups (GQA). */
  readonly kvHeadCount: number;
  readonly mlpSize: number;
  readonly contextLength: number;
  readonly ropeBase: number;
  readonly rmsEpsilon: number;
  /** Logits are multiplied by this: larger is a surer model. */
  readonly logitScale: number;
  /** Sublayers whose output projection is zero, so that they change nothing: the oracle for skip sets. */
  readonly zeroed: SkipSet;
}

export const defaultShape: ToyShape = {
  seed: 1,
  vocabSize: 40,
  layerCount: 2,
  hiddenSize: 16,
  headCount: 4,
  kvHeadCount: 2,
  mlpSize: 32,
  contextLength: 128,
  ropeBase: 10000,
  rmsEpsilon: 1e-5,
  logitScale: 2,
  zeroed: { attention: [], mlp: [] },
};

export interface ToyLayer {
  readonly attentionNorm: Float64Array;
  readonly query: Float64Array;
  readonly key: Float64Array;
  readonly value: Float64Array;
  readonly output: Float64Array;
  readonly mlpNorm: Float64Array;
  readonly gate: Float64Array;
  readonly up: Float64Array;
  readonly down: Float64Array;
}

export interface ToyWeights {
  /** [vocabSize, hiddenSize], also the output head (tied). */
  readonly embedding: Float64Array;
  readonly layers: readonly ToyLayer[];
  readonly outputNorm: Float64Array;
}

/** Random weights. The same seed gives the same weights whatever is zeroed. */
export function toyWeights(shape: ToyShape): ToyWeights {
  const { hiddenSize, mlpSize } = shape;
  const kvSize = (hiddenSize / shape.headCount) * shape.kvHeadCount;
  const random = seededRandom(shape.seed);
  const matrix = (rows: number, columns: number) =>
    fillNormal(new Float64Array(rows * columns), 1 / Math.sqrt(columns), random);
  const norm = () => fillNormal(new Float64Array(hiddenSize), 0.1, random).map((value) => 1 + value);
  const embedding = fillNormal(new Float64Array(shape.vocabSize * hiddenSize), 1, random);
  const layers: ToyLayer[] = [];
  for (let i = 0; i < shape.layerCount; i++) {
    const layer = {
      attentionNorm: norm(),
      query: matrix(hiddenSize, hiddenSize),
      key: matrix(kvSize, hiddenSize),
      value: matrix(kvSize, hiddenSize),
      output: matrix(hiddenSize, hiddenSize),
      mlpNorm: norm(),
      gate: matrix(mlpSize, hiddenSize),
      up: matrix(mlpSize, hiddenSize),
      down: matrix(hiddenSize, mlpSize),
    };
    if (shape.zeroed.attention.includes(i)) layer.output.fill(0);
    if (shape.zeroed.mlp.includes(i)) layer.down.fill(0);
    layers.push(layer);
  }
  return { embedding, layers, outputNorm: norm() };
}
