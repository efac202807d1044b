// One forward's graph for one pattern of rows: built once, then reused with new inputs.
import { type Backend, Graph, type Port, Type } from "../../ggml/index.ts";
import { architectures } from "../architectures/index.ts";
import type { ModelConfig } from "../config.ts";
import type { SkipSet } from "../model.ts";
import { InferenceOps, type LowRank, type Slice, type SliceMasks } from "./inference-ops.ts";
import type { KvRows } from "./kv-rows.ts";
import type { Weights } from "./weights.ts";

/** Everything a graph depends on but the weights: equal patterns share a graph. */
export interface Pattern {
  readonly slices: readonly Slice[];
  /** Rows whose logits are wanted. */
  readonly outputs: number;
  readonly hiddenLayers: readonly number[];
  readonly skip: SkipSet | undefined;
  readonly low: LowRank;
}

export function patternKey(pattern: Pattern): string {
  let key = `${pattern.outputs}`;
  for (const { start, rows, kv } of pattern.slices) key += `|${start},${rows},${kv}`;
  if (pattern.hiddenLayers.length) key += `|h${pattern.hiddenLayers}`;
  if (pattern.skip) key += `|a${pattern.skip.attention}|m${pattern.skip.mlp}`;
  for (const { adapter, scale } of pattern.low.additions) key += `|l${adapter.name}=${scale}`;
  return key;
}

/** Owns a graph: dispose it. */
export class CompiledForward {
  readonly ops: InferenceOps;
  readonly slices: readonly Slice[];
  /** Rows of the forward whose logits are computed; undefined when all or none are. */
  readonly outputRows: Port<Int32Array<ArrayBuffer>> | undefined;
  /** [vocabSize, outputs], absent when none are wanted. */
  readonly logits: Port<Float32Array<ArrayBuffer>> | undefined;
  /** Input of each wanted layer: [hiddenSize, rows]. */
  readonly hidden: ReadonlyMap<number, Port<Float32Array<ArrayBuffer>>>;
  readonly #graph: Graph;

  constructor(backend: Backend, config: ModelConfig, weights: Weights, kv: KvRows, pattern: Pattern) {
    const layers = config.layerCount;
    const rows = pattern.slices.reduce((sum, slice) => sum + slice.rows, 0);
    const { slices, low } = pattern;
    const nodes = layers * (40 + 8 * slices.length + 42 * low.additions.length) + 64 + 4 * slices.length;
    this.#graph = new Graph(backend, nodes + 6 * low.additions.length);
    const skipAttention = new Set(pattern.skip?.attention);
    const skipMlp = new Set(pattern.skip?.mlp);
    const ops = new InferenceOps(this.#graph, config, weights, kv, slices, skipAttention.size < layers, low);
    this.ops = ops;
    this.slices = slices;
    this.outputRows =
      pattern.outputs > 0 && pattern.outputs < rows ? this.#graph.input(Type.I32, pattern.outputs) : undefined;

    const wanted = new Set(pattern.hiddenLayers);
    const keepsRows = wanted.has(layers) || wanted.has(layers + 1);
    const hidden = new Map<number, Port<Float32Array<ArrayBuffer>>>();
    const architecture = architectures[config.architecture];
    let x = ops.embed();
    for (let layer = 0; layer < layers; layer++) {
      if (wanted.has(layer)) hidden.set(layer, this.#graph.output(x));
      if (!skipAttention.has(layer)) x = architecture.attention(ops, layer, x);
      // After the last attention only rows with wanted logits matter, unless their hidden states are wanted too.
      const isLast = layer === layers - 1 && !keepsRows;
      if (isLast && this.outputRows) x = ops.select(x, this.outputRows.tensor);
      if (isLast && pattern.outputs === 0) break;
      if (!skipMlp.has(layer)) x = architecture.feedForward(ops, layer, x);
    }
    if (wanted.has(layers)) hidden.set(layers, this.#graph.output(x));
    if (wanted.has(layers + 1)) hidden.set(layers + 1, this.#graph.output(ops.outputNorm(x)));
    if (keepsRows && this.outputRows) x = ops.select(x, this.outputRows.tensor);
    this.hidden = hidden;
    this.logits = pattern.outputs > 0 ? this.#graph.output(ops.logits(x)) : undefined;
    this.#graph.allocate();
  }

  get bytes(): number {
    return this.#graph.bytes;
  }

  compute(): void {
    this.#graph.compute();
  }

  [Symbol.dispose](): void {
    this.#graph[Symbol.dispose]();
  }
}

const ZERO = 0;
const MINUS_INFINITY = 0xfc00;

/** The rows of one sequence as mask filling sees them. */
export interface MaskRows {
  readonly rows: number;
  readonly kv: number;
  /** Committed rows, all visible (within the window). */
  readonly committed: number;
  /** Pending-row index of the slice's first row. */
  readonly firstPending: number;
  /** Pending-row index each pending row follows. */
  readonly parents: Int32Array;
  /** Position of each row of the slice. */
  readonly positions: Int32Array;
}

/** Fills a sequence's masks: row i sees committed rows, its ancestors and itself; a window counts back in positions. */
export function fillMasks(masks: SliceMasks, r: MaskRows, window: number): void {
  if (masks.full) fillMask(masks.full.array, r, Number.POSITIVE_INFINITY);
  if (masks.window) fillMask(masks.window.array, r, window);
}

function fillMask(mask: Uint16Array, r: MaskRows, window: number): void {
  for (let i = 0; i < r.rows; i++) {
    const at = i * r.kv;
    const position = r.positions[i];
    const first = Math.max(0, Math.min(r.committed, position - window + 1));
    const parent = r.parents[r.firstPending + i];
    const sibling = parent - r.firstPending;
    if (sibling >= 0 && window === Number.POSITIVE_INFINITY) {
      // A row sees what its parent sees, and itself.
      mask.copyWithin(at, sibling * r.kv, (sibling + 1) * r.kv);
    } else {
      mask.fill(MINUS_INFINITY, at, at + r.kv);
      mask.fill(ZERO, at + first, at + r.committed);
      let distance = 1;
      for (let p = parent; p >= 0 && distance < window; p = r.parents[p], distance++) mask[at + r.committed + p] = ZERO;
    }
    mask[at + r.committed + r.firstPending + i] = ZERO;
  }
}
