// The language model on ggml graphs.
import { DraftwrightError } from "../../errors.ts";
import { type Backend, type GgufFile, tensorType } from "../../ggml/index.ts";
import type { ModelConfig } from "../config.ts";
import {
  type Adapter,
  type ForwardBatch,
  type ForwardResult,
  type LanguageModel,
  type Numerics,
  PREFILL_ROWS,
} from "../model.ts";
import { type AdapterFile, type Addition, type LoadedAdapter, loadAdapters } from "./adapter.ts";
import { checkBatch, groupRows, type RowGroup } from "./batch.ts";
import { CompiledForward, fillMasks, type Pattern, patternKey } from "./compiled.ts";
import type { LowRank } from "./inference-ops.ts";
import { KvRows, ROW_STEP } from "./kv-rows.ts";
import { GraphSequence, nextId } from "./sequence.ts";
import { loadWeights, type Weights } from "./weights.ts";

export interface GraphModelOptions {
  readonly numerics: Numerics;
  /** Tokens of one sequence; at most the model's own. */
  readonly contextLength: number;
  /** KV rows of all sequences together. */
  readonly kvRows: number;
  readonly kvType: "f16" | "q8_0";
  readonly adapters?: readonly AdapterFile[];
}

/** Memory that graphs kept for reuse may hold. */
const GRAPH_CACHE_BYTES = 48 * 2 ** 20;

/** Owns native memory: dispose it. The backend stays the caller's. */
export class GraphModel implements LanguageModel {
  readonly vocabSize: number;
  readonly layerCount: number;
  readonly hiddenSize: number;
  readonly contextLength: number;
  readonly numerics: Numerics;
  readonly #backend: Backend;
  readonly #config: ModelConfig;
  readonly #weights: Weights;
  readonly #adapters: ReadonlyMap<string, LoadedAdapter>;
  readonly #kv: KvRows;
  readonly #window: number;
  readonly #sequences = new Map<number, GraphSequence>();
  /** Least recently used first. */
  readonly #graphs = new Map<string, CompiledForward>();
  #graphBytes = 0;
  #disposed = false;

  constructor(gguf: GgufFile, config: ModelConfig, backend: Backend, options: GraphModelOptions) {
    this.vocabSize = config.vocabSize;
    this.layerCount = config.layerCount;
    this.hiddenSize = config.hiddenSize;
    this.contextLength = options.contextLength;
    this.numerics = options.numerics;
    this.#backend = backend;
    this.#config = config;
    this.#window = Math.max(0, ...config.layers.map((layer) => layer.window));
    this.#weights = loadWeights(gguf, config, backend, options.numerics, options.contextLength);
    let adapters: ReadonlyMap<string, LoadedAdapter> = new Map();
    try {
      adapters = loadAdapters(options.adapters ?? [], config, this.#weights, backend);
      this.#adapters = adapters;
      this.#kv = new KvRows(backend, config, options.kvRows, tensorType(options.kvType));
    } catch (error) {
      for (const adapter of adapters.values()) adapter[Symbol.dispose]();
      this.#weights[Symbol.dispose]();
      throw error;
    }
  }

  /** Device memory in bytes. */
  get memory(): { weights: number; kv: number; graphs: number } {
    const adapters = [...this.#adapters.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    return { weights: this.#weights.bytes + adapters, kv: this.#kv.bytes, graphs: this.#graphBytes };
  }

  get adapters(): readonly Adapter[] {
    return [...this.#adapters.values()].map(({ name, scale }) => ({ name, scale }));
  }

  open(options: { rows?: number } = {}): GraphSequence {
    this.#checkAlive();
    const rows = options.rows ?? this.contextLength;
    if (!Number.isInteger(rows) || rows < 1 || rows > this.contextLength) {
      throw new DraftwrightError("bad-argument", `a sequence holds 1 to ${this.contextLength} rows, not ${rows}`);
    }
    return new GraphSequence(this.#kv, this.#sequences, nextId(), rows);
  }

  forward(batch: ForwardBatch): ForwardResult {
    this.#checkAlive();
    checkBatch(batch, this.#sequences, this);
    const groups = groupRows(batch, this.#sequences);
    const pattern = patternOf(batch, groups, { additions: this.#additions(batch), apart: this.numerics === "exact" });
    const compiled = this.#compiled(pattern);
    for (const group of groups) for (const row of group.rows) group.sequence.append(batch.parent[row]);
    const order = fillInputs(compiled, batch, groups, this.#window);
    this.#backend.useReference(this.numerics === "exact" && !isPrefill(batch, pattern));
    const computing = performance.now();
    compiled.compute();
    return new Result(batch, compiled, order, this, performance.now() - computing);
  }

  #compiled(pattern: Pattern): CompiledForward {
    const key = patternKey(pattern);
    const known = this.#graphs.get(key);
    if (known) {
      this.#graphs.delete(key);
      this.#graphs.set(key, known);
      return known;
    }
    const compiled = new CompiledForward(this.#backend, this.#config, this.#weights, this.#kv, pattern);
    this.#graphBytes += compiled.bytes;
    for (const [oldKey, old] of this.#graphs) {
      if (this.#graphBytes <= GRAPH_CACHE_BYTES && this.#graphs.size < 64) break;
      this.#graphs.delete(oldKey);
      this.#graphBytes -= old.bytes;
      old[Symbol.dispose]();
    }
    this.#graphs.set(key, compiled);
    return compiled;
  }

  #additions({ adapter }: ForwardBatch): Addition[] {
    if (adapter === null) return [];
    const all = adapter ? [adapter] : this.adapters;
    return all
      .filter(({ scale }) => scale !== 0)
      .map(({ name, scale }) => ({ adapter: this.#adapters.get(name) as LoadedAdapter, scale }));
  }

  #checkAlive(): void {
    if (this.#disposed) throw new DraftwrightError("disposed", "this model was disposed; load it again");
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const sequence of [...this.#sequences.values()]) sequence.close();
    for (const graph of this.#graphs.values()) graph[Symbol.dispose]();
    this.#graphs.clear();
    this.#kv[Symbol.dispose]();
    for (const adapter of this.#adapters.values()) adapter[Symbol.dispose]();
    this.#weights[Symbol.dispose]();
  }
}

function patternOf(batch: ForwardBatch, groups: readonly RowGroup[], low: LowRank): Pattern {
  let outputs = 0;
  for (const wanted of batch.wantLogits) outputs += wanted ? 1 : 0;
  return {
    slices: groups.map(({ sequence, rows }) => {
      const end = sequence.length + sequence.pending + rows.length;
      return { start: sequence.start, rows: rows.length, kv: Math.ceil(end / ROW_STEP) * ROW_STEP };
    }),
    outputs,
    hiddenLayers: batch.wantHidden ? [...new Set(batch.wantHidden.layers)].sort((a, b) => a - b) : [],
    skip: batch.skip,
    low,
  };
}

/** Writes tokens, positions, KV rows and masks; returns the graph row of each batch row. */
function fillInputs(
  compiled: CompiledForward,
  batch: ForwardBatch,
  groups: readonly RowGroup[],
  window: number,
): Int32Array {
  const { tokens, positions, targets, masks } = compiled.ops;
  const order = new Int32Array(batch.token.length);
  let at = 0;
  for (const [i, { sequence, rows }] of groups.entries()) {
    const first = at;
    const firstPending = sequence.pending - rows.length;
    for (const row of rows) {
      order[row] = at;
      tokens.array[at] = batch.token[row];
      positions.array[at] = batch.position[row];
      targets.array[at] = BigInt(sequence.start + sequence.length + firstPending + at - first);
      at++;
    }
    fillMasks(
      masks[i],
      {
        rows: rows.length,
        kv: compiled.slices[i].kv,
        committed: sequence.length,
        firstPending,
        parents: sequence.parents,
        positions: positions.array.subarray(first, at),
      },
      window,
    );
  }
  if (compiled.outputRows) {
    let output = 0;
    for (let row = 0; row < order.length; row++)
      if (batch.wantLogits[row]) compiled.outputRows.array[output++] = order[row];
  }
  return order;
}

/** Long chains at the end of which one row is wanted: their attention needs no bitwise equality with single rows. */
function isPrefill(batch: ForwardBatch, pattern: Pattern): boolean {
  const few = pattern.outputs <= 1 || batch.prompt === true;
  return few && pattern.slices.length === 1 && batch.token.length >= PREFILL_ROWS;
}

class Result implements ForwardResult {
  readonly width: number;
  readonly computeMilliseconds: number;
  readonly #batch: ForwardBatch;
  readonly #compiled: CompiledForward;
  readonly #order: Int32Array;
  readonly #vocabSize: number;
  readonly #hiddenSize: number;

  constructor(
    batch: ForwardBatch,
    compiled: CompiledForward,
    order: Int32Array,
    sizes: Pick<LanguageModel, "vocabSize" | "hiddenSize">,
    computeMilliseconds: number,
  ) {
    this.#batch = batch;
    this.#compiled = compiled;
    this.#order = order;
    this.#vocabSize = sizes.vocabSize;
    this.#hiddenSize = sizes.hiddenSize;
    this.width = order.length;
    this.computeMilliseconds = computeMilliseconds;
  }

  logits(row: number): Float32Array {
    if (!this.#batch.wantLogits[row])
      throw new DraftwrightError("bad-argument", `the logits of row ${row} were not asked for`);
    // Without a selection the graph's rows are all wanted, in graph order; with one, in batch order.
    let index = this.#order[row];
    if (this.#compiled.outputRows) {
      index = 0;
      for (let i = 0; i < row; i++) index += this.#batch.wantLogits[i] ? 1 : 0;
    }
    const { array } = this.#compiled.logits as { array: Float32Array };
    return array.subarray(index * this.#vocabSize, (index + 1) * this.#vocabSize);
  }

  hidden(row: number, layer: number): Float32Array {
    const port = this.#compiled.hidden.get(layer);
    if (!port || !this.#batch.wantHidden?.rows[row]) {
      throw new DraftwrightError("bad-argument", `the hidden state of row ${row}, layer ${layer} was not asked for`);
    }
    const index = this.#order[row];
    return port.array.subarray(index * this.#hiddenSize, (index + 1) * this.#hiddenSize);
  }
}
