// A target's parts and heads of random weights, for tests.
import { Backend, Storage, Type } from "../../../ggml/index.ts";
import { normal, Parameters, Random } from "../../../nn/index.ts";
import { toHalf } from "../data.ts";
import { feedsItself } from "../head.ts";
import { type Head, type HeadData, type HeadKind, type HeadSettings, makeHead, type TargetParts } from "../index.ts";

export const backend = new Backend(undefined, { threads: 1 });

/** Embeddings and an output matrix for a toy target. Not its own ones: heads learn from whatever they are given. */
export function toyParts(vocabSize: number, hiddenSize = 16, draftTokens?: Int32Array): TargetParts {
  const storage = new Storage(backend.bufferTypes().plain, 2);
  const make = (seed: number, rows: number) => {
    const tensor = storage.tensor(Type.F32, hiddenSize, rows);
    const random = new Random(seed);
    return { tensor, values: Float32Array.from({ length: hiddenSize * rows }, () => random.normal()) };
  };
  const [embedding, output] = [make(1, vocabSize), make(2, draftTokens?.length ?? vocabSize)];
  storage.allocate();
  for (const { tensor, values } of [embedding, output]) tensor.write(values);
  return {
    hash: `toy ${vocabSize}`,
    hiddenSize,
    layerCount: 2,
    vocabSize,
    embedding: embedding.tensor,
    output: output.tensor,
    draftTokens,
    outputNorm: new Float32Array(hiddenSize).fill(1),
    normEpsilon: 1e-5,
    [Symbol.dispose]: () => storage[Symbol.dispose](),
  };
}

export function randomHead(kind: HeadKind, { hiddenSize = 16, heads = 3, ...more }: Partial<HeadSettings> = {}): Head {
  const parameters = new Parameters(backend, 7);
  const block = kind === "falcon" ? 2 : undefined;
  const defaults = { kind, hiddenSize, heads, adaptation: 1, bidirectional: true, block };
  const settings = { ...defaults, ...more };
  const head = makeHead(parameters, feedsItself(settings) ? { ...settings, heads: 1 } : settings);
  for (const p of parameters.all) {
    const values = p.read();
    normal(0.2)(values, p.shape, parameters.random);
    p.write(values);
  }
  return head;
}

/** Two texts of 40 rows, for heads of width 16 and targets of 30 tokens. */
export function randomData(target: TargetParts): HeadData {
  const random = new Random(9);
  const rows = 80;
  return {
    targetHash: target.hash,
    hiddenSize: 16,
    tokens: Int32Array.from({ length: rows }, () => random.integer(30)),
    starts: Int32Array.of(0, 40),
    features: toHalf(Float32Array.from({ length: rows * 16 }, () => random.normal())) as Uint16Array<ArrayBuffer>,
    top: Int32Array.from({ length: rows * 8 }, (_, i) => (i % 8) + 3),
    chances: Float32Array.from({ length: rows * 8 }, () => random.uniform()),
  };
}
