import { DraftwrightError } from "../../errors.ts";
import type { ForwardBatch, ForwardResult, LanguageModel, Sequence } from "../model.ts";
import { matVec, rmsNorm, rope, silu, softmax } from "./math.ts";
import { checkBatch, RowSequence, SequencePool } from "./rows.ts";
import { defaultShape, type ToyShape, type ToyWeights, toyWeights } from "./weights.ts";

export interface ToyOptions extends Partial<ToyShape> {
  /** KV rows of all open sequences together; default 64 full contexts. */
  readonly maxRows?: number;
}

/**
 * A Llama-like transformer with random weights in f64: RMSNorm, RoPE, grouped-query attention, SwiGLU, tied head.
 * Each row is computed alone, from the rows it may see in order of their position, so results do not depend on what
 * else stands in the batch. It is the oracle for every other model, not a fast one.
 */
export function toyModel(options: ToyOptions = {}): LanguageModel {
  const shape: ToyShape = { ...defaultShape, ...options };
  if (shape.hiddenSize % (2 * shape.headCount) !== 0 || shape.headCount % shape.kvHeadCount !== 0) {
    throw new DraftwrightError(
      "bad-argument",
      "hiddenSize must be a multiple of 2 * headCount, headCount of kvHeadCount.",
    );
  }
  return new ToyModel(shape, options.maxRows ?? 64 * shape.contextLength);
}

/** Keys and values of one sequence: per layer [capacity, kvSize], keys already rotated. */
class KvSequence extends RowSequence {
  readonly keys: Float64Array[];
  readonly values: Float64Array[];
  private readonly model: ToyModel;

  constructor(id: number, rows: number, model: ToyModel) {
    super(id, rows);
    this.model = model;
    const block = () => new Float64Array(rows * model.kvSize);
    this.keys = Array.from({ length: model.layerCount }, block);
    this.values = Array.from({ length: model.layerCount }, block);
  }

  protected override copyRow(from: number, to: number): void {
    const size = this.model.kvSize;
    for (const block of [...this.keys, ...this.values]) block.copyWithin(to * size, from * size, (from + 1) * size);
  }

  protected override openLike(): KvSequence {
    return this.model.openRows(this.capacity);
  }

  protected override copyContents(from: KvSequence, rows: number): void {
    const used = rows * this.model.kvSize;
    for (let layer = 0; layer < this.keys.length; layer++) {
      this.keys[layer].set(from.keys[layer].subarray(0, used));
      this.values[layer].set(from.values[layer].subarray(0, used));
    }
  }

  protected override giveBack(rows: number): void {
    this.model.pool.giveBack(rows);
  }

  protected override release(): void {
    this.model.pool.remove(this);
  }
}

class ToyModel implements LanguageModel {
  readonly vocabSize: number;
  readonly layerCount: number;
  readonly hiddenSize: number;
  readonly contextLength: number;
  readonly numerics = "exact";
  readonly kvSize: number;
  readonly pool: SequencePool;
  private readonly shape: ToyShape;
  private readonly weights: ToyWeights;

  constructor(shape: ToyShape, maxRows: number) {
    this.shape = shape;
    this.vocabSize = shape.vocabSize;
    this.layerCount = shape.layerCount;
    this.hiddenSize = shape.hiddenSize;
    this.contextLength = shape.contextLength;
    this.kvSize = (shape.hiddenSize / shape.headCount) * shape.kvHeadCount;
    this.weights = toyWeights(shape);
    this.pool = new SequencePool(maxRows);
  }

  open(options: { rows?: number } = {}): Sequence {
    return this.openRows(options.rows ?? this.contextLength);
  }

  openRows(rows: number): KvSequence {
    return this.pool.add(rows, (id) => new KvSequence(id, rows, this));
  }

  [Symbol.dispose](): void {}

  forward(batch: ForwardBatch): ForwardResult {
    const start = performance.now();
    checkBatch(batch, this, this.pool);
    const logits = new Map<number, Float32Array>();
    const hidden = new Map<string, Float32Array>();
    for (let row = 0; row < batch.token.length; row++) {
      const sequence = this.pool.get(batch.sequence[row]) as KvSequence;
      const wanted = batch.wantHidden?.rows[row] ? batch.wantHidden.layers : [];
      const out = this.row(sequence, batch, row, (layer, x) => {
        if (wanted.includes(layer)) hidden.set(`${row}/${layer}`, Float32Array.from(x));
      });
      if (batch.wantLogits[row]) logits.set(row, this.head(out));
    }
    return {
      width: batch.token.length,
      computeMilliseconds: performance.now() - start,
      logits: (row) => found(logits.get(row), `The logits of row ${row} were not wanted.`),
      hidden: (row, layer) => found(hidden.get(`${row}/${layer}`), `Layer ${layer} of row ${row} was not wanted.`),
    };
  }

  /** Runs one row through the layers, appending its keys and values; returns the output of the last layer. */
  private row(
    sequence: KvSequence,
    batch: ForwardBatch,
    row: number,
    tap: (layer: number, x: Float64Array) => void,
  ): Float64Array {
    const { hiddenSize, kvSize, shape } = this;
    const at = sequence.append(batch.token[row], batch.parent[row]);
    const visible = sequence.path(at - sequence.length).map((index) => sequence.length + index);
    const x = this.weights.embedding.slice(batch.token[row] * hiddenSize, (batch.token[row] + 1) * hiddenSize);
    const normed = new Float64Array(hiddenSize);
    const delta = new Float64Array(hiddenSize);
    for (let layer = 0; layer < this.layerCount; layer++) {
      tap(layer, x);
      const weights = this.weights.layers[layer];
      const key = sequence.keys[layer].subarray(at * kvSize, (at + 1) * kvSize);
      const value = sequence.values[layer].subarray(at * kvSize, (at + 1) * kvSize);
      if (batch.skip?.attention.includes(layer)) {
        // A skipped layer writes no keys. NaN makes it loud when a later full forward reads the row all the same.
        key.fill(Number.NaN);
        value.fill(Number.NaN);
      } else {
        rmsNorm(x, weights.attentionNorm, shape.rmsEpsilon, normed);
        const query = new Float64Array(hiddenSize);
        matVec(weights.query, normed, query);
        matVec(weights.key, normed, key);
        matVec(weights.value, normed, value);
        rope(query, hiddenSize / shape.headCount, batch.position[row], shape.ropeBase);
        rope(key, hiddenSize / shape.headCount, batch.position[row], shape.ropeBase);
        matVec(weights.output, this.attend(sequence, layer, visible, query), delta);
        for (let i = 0; i < hiddenSize; i++) x[i] += delta[i];
      }
      if (!batch.skip?.mlp.includes(layer)) {
        rmsNorm(x, weights.mlpNorm, shape.rmsEpsilon, normed);
        const gate = new Float64Array(shape.mlpSize);
        const up = new Float64Array(shape.mlpSize);
        matVec(weights.gate, normed, gate);
        matVec(weights.up, normed, up);
        for (let i = 0; i < gate.length; i++) up[i] *= silu(gate[i]);
        matVec(weights.down, up, delta);
        for (let i = 0; i < hiddenSize; i++) x[i] += delta[i];
      }
    }
    tap(this.layerCount, x);
    rmsNorm(x, this.weights.outputNorm, shape.rmsEpsilon, normed);
    tap(this.layerCount + 1, normed);
    return x;
  }

  /** Attention of one query over all committed rows and the given pending rows, in order of position. */
  private attend(sequence: KvSequence, layer: number, pending: readonly number[], query: Float64Array): Float64Array {
    const { headCount, kvHeadCount } = this.shape;
    const headSize = this.hiddenSize / headCount;
    const keys = sequence.keys[layer];
    const values = sequence.values[layer];
    const count = sequence.length + pending.length;
    const rowOf = (i: number) => (i < sequence.length ? i : pending[i - sequence.length]);
    const scores = new Float64Array(count);
    const out = new Float64Array(this.hiddenSize);
    for (let head = 0; head < headCount; head++) {
      const kvStart = Math.floor((head * kvHeadCount) / headCount) * headSize;
      for (let i = 0; i < count; i++) {
        const base = rowOf(i) * this.kvSize + kvStart;
        let dot = 0;
        for (let d = 0; d < headSize; d++) dot += query[head * headSize + d] * keys[base + d];
        scores[i] = dot / Math.sqrt(headSize);
      }
      softmax(scores, count);
      for (let i = 0; i < count; i++) {
        const base = rowOf(i) * this.kvSize + kvStart;
        for (let d = 0; d < headSize; d++) out[head * headSize + d] += scores[i] * values[base + d];
      }
    }
    return out;
  }

  private head(x: Float64Array): Float32Array {
    const normed = new Float64Array(this.hiddenSize);
    const logits = new Float64Array(this.vocabSize);
    rmsNorm(x, this.weights.outputNorm, this.shape.rmsEpsilon, normed);
    matVec(this.weights.embedding, normed, logits);
    const scale = this.shape.logitScale / Math.sqrt(this.hiddenSize);
    return Float32Array.from(logits, (value) => value * scale);
  }
}

function found(value: Float32Array | undefined, otherwise: string): Float32Array {
  if (!value) throw new DraftwrightError("bad-argument", otherwise);
  return value;
}
