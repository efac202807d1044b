// A head in use: graphs without gradients over a cache of its own, for any pattern of rows.
import { type Backend, ops, Storage, type Tensor, Type, trainingOps } from "../../ggml/index.ts";
import { type Input, matmul, plainRope, reshape, rope, selectRows, Tape, type Variable } from "../../nn/index.ts";
import type { Attend, Head } from "./head.ts";
import type { TargetParts } from "./target-parts.ts";

/** Rows of one run. Slots are rows of the cache; each row is written to its slot and sees the slots that are named. */
export interface RunRows {
  readonly features: readonly Float32Array[];
  readonly tokens: readonly number[];
  readonly positions: readonly number[];
  readonly slots: readonly number[];
  /** Slots 0 .. committed - 1 are seen by all rows, besides each row's own list. */
  readonly committed: number;
  readonly sees: readonly (readonly number[])[];
  /** Rows whose outputs are wanted. */
  readonly wanted: readonly number[];
}

export interface RunResult {
  /** [tokens drafted] of a wanted row (by its place in `wanted`) and a drafted position. Valid until the next run. */
  logits(wanted: number, position: number): Float32Array;
  /** [hiddenSize] that the logits came from. */
  output(wanted: number): Float32Array;
}

interface Graph {
  readonly tape: Tape;
  readonly feature: Input;
  readonly token: Input<Int32Array<ArrayBuffer>>;
  readonly position: Input<Int32Array<ArrayBuffer>>;
  readonly slot: Input<Int32Array<ArrayBuffer>>;
  readonly wanted: Input<Int32Array<ArrayBuffer>>;
  readonly mask: Input;
  readonly logits: { readonly array: Float32Array };
  readonly outputs: { readonly array: Float32Array };
}

const ROW_STEP = 128;
const sizes = [1, 2, 4, 8, 16, 32, 64];
export const MOST_ROWS = sizes[sizes.length - 1];
const bucket = (rows: number) => sizes.find((size) => size >= rows) as number;

/** The cache of one sequence and graphs over it. Owns native memory: dispose it. */
export class HeadRunner {
  readonly capacity: number;
  readonly #backend: Backend;
  readonly #head: Head;
  readonly #target: TargetParts;
  readonly #storage: Storage | undefined;
  readonly #caches: (readonly [Tensor, Tensor])[] = [];
  readonly #graphs = new Map<string, Graph>();

  constructor(backend: Backend, head: Head, target: TargetParts, capacity: number) {
    this.#backend = backend;
    this.#head = head;
    this.#target = target;
    // One slot more, for rows that only fill a graph up.
    this.capacity = Math.ceil((capacity + 1) / ROW_STEP) * ROW_STEP;
    if (head.layers === 0) return;
    this.#storage = new Storage(backend.bufferTypes().plain, 2 * head.layers);
    for (let i = 0; i < head.layers; i++) {
      const make = () => (this.#storage as Storage).tensor(Type.F32, head.cacheWidth, this.capacity);
      this.#caches.push([make(), make()]);
    }
    this.#storage.allocate();
  }

  /** At most `MOST_ROWS` rows. */
  run(rows: RunRows): RunResult {
    const count = rows.tokens.length;
    const size = bucket(count);
    const wanted = bucket(rows.wanted.length);
    const last = this.capacity - 1;
    const highest = Math.max(rows.committed, ...rows.slots.map((slot) => slot + 1));
    // The slot of the rows that fill up must be in sight: the last one of the cache, or none when all rows are real.
    const kv = size === count ? Math.ceil(highest / ROW_STEP) * ROW_STEP : this.capacity;
    const graph = this.#graph(size, wanted, kv);
    graph.feature.array.fill(0);
    graph.mask.array.fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < size; i++) {
      const real = i < count;
      if (real) graph.feature.array.set(rows.features[i], i * this.#target.hiddenSize);
      graph.token.array[i] = real ? rows.tokens[i] : 0;
      graph.position.array[i] = real ? rows.positions[i] : 0;
      graph.slot.array[i] = real ? rows.slots[i] : last;
      const mask = graph.mask.array.subarray(i * kv, (i + 1) * kv);
      if (!real) mask[last] = 0;
      else {
        mask.fill(0, 0, rows.committed);
        for (const slot of rows.sees[i]) mask[slot] = 0;
        mask[rows.slots[i]] = 0;
      }
    }
    for (let i = 0; i < wanted; i++) graph.wanted.array[i] = rows.wanted[Math.min(i, rows.wanted.length - 1)];
    graph.tape.run();
    const { hiddenSize, output } = this.#target;
    const { heads } = this.#head.settings;
    const classes = output.shape[1];
    return {
      logits: (row, position) => graph.logits.array.subarray((row * heads + position) * classes).subarray(0, classes),
      output: (row) => graph.outputs.array.subarray(row * heads * hiddenSize).subarray(0, hiddenSize),
    };
  }

  #graph(size: number, wanted: number, kv: number): Graph {
    const key = `${size},${wanted},${kv}`;
    const known = this.#graphs.get(key);
    if (known) return known;
    const { hiddenSize, vocabSize } = this.#target;
    const tape = new Tape(this.#backend, { nodes: 1024, gradients: false });
    const made = {
      tape,
      feature: tape.input(hiddenSize, size),
      token: tape.indices(vocabSize, size),
      position: tape.indices(2 ** 30, size),
      slot: tape.indices(this.capacity, size),
      wanted: tape.indices(size, wanted),
      mask: tape.input(kv, size),
    };
    const z = this.#head.outputs({
      feature: made.feature.variable,
      token: selectRows(tape.constant(this.#target.embedding), made.token),
      attend: this.#attend(made, kv),
    });
    const { heads } = this.#head.settings;
    const picked = selectRows(reshape(z, hiddenSize * heads, size), made.wanted);
    const outputs = reshape(picked, hiddenSize, heads * wanted);
    const graph = {
      ...made,
      outputs: tape.output(outputs),
      logits: tape.output(matmul(tape.constant(this.#target.output), outputs)),
    };
    tape.ready();
    this.#graphs.set(key, graph);
    return graph;
  }

  #attend({ tape, position, slot, mask }: Pick<Graph, "tape" | "position" | "slot" | "mask">, kv: number): Attend {
    return (layer, q, k, v) => {
      const c = tape.context;
      const [size, heads, rows] = q.shape;
      const turn = (x: Variable) => rope(x, position, plainRope(size, "pairs")).tensor;
      // Reading what the write returns orders the two.
      const written = (cache: Tensor, x: Tensor) =>
        ops.setRows(c, cache, ops.reshape(c, x, size * heads, rows), slot.variable.tensor);
      const seen = (cache: Tensor) => ops.view(c, cache, [size, kv, heads], 0, [cache.stride[1], size * 4]);
      const [keys, values] = this.#caches[layer];
      const query = trainingOps.contiguous(c, ops.permute(c, turn(q), [0, 2, 1, 3]));
      const scores = ops.mulMat(c, seen(written(keys, turn(k))), query);
      const chances = trainingOps.softMax(c, scores, mask.variable.tensor, 1 / Math.sqrt(size));
      const turned = trainingOps.contiguous(c, ops.permute(c, seen(written(values, v.tensor)), [1, 0, 2, 3]));
      const mixed = ops.mulMat(c, turned, chances);
      const back = trainingOps.contiguous(c, ops.permute(c, mixed, [0, 2, 1, 3]));
      return tape.constant(ops.reshape(c, back, size * heads, rows));
    };
  }

  [Symbol.dispose](): void {
    for (const { tape } of this.#graphs.values()) tape[Symbol.dispose]();
    this.#graphs.clear();
    this.#storage?.[Symbol.dispose]();
  }
}
