// A head in use: graphs without gradients over a cache of its own, for any pattern of rows.
import { type Backend, ops, Storage, type Tensor, Type, trainingOps } from "../../ggml/index.ts";
import { type Input, lstm, matmul, plainRope, reshape, rope, selectRows, Tape, type Variable } from "../../nn/index.ts";
import type { Attend, Head, Recur } from "./head.ts";
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
  /**
   * The slot before each of the equal stretches of rows that follow each other, -1: none. For heads with a recurrence. Default:
   * all rows follow the committed ones.
   */
  readonly after?: readonly number[];
  /** Falcon: the place in this run of the last row of each row's block. Default: its own. */
  readonly newest?: readonly number[];
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
  /** Of each stretch of rows, where its first state is. */
  readonly state: Input<Int32Array<ArrayBuffer>>;
  readonly newest: Input<Int32Array<ArrayBuffer>>;
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
  /** Hidden state and cell of each slot, and zeros at the end. */
  readonly #states: Tensor[] = [];
  readonly #graphs = new Map<string, Graph>();

  constructor(backend: Backend, head: Head, target: TargetParts, capacity: number) {
    this.#backend = backend;
    this.#head = head;
    this.#target = target;
    // One slot more, for rows that only fill a graph up.
    this.capacity = Math.ceil((capacity + 1) / ROW_STEP) * ROW_STEP;
    if (head.layers === 0) return;
    const recurrences = head.recurrences ?? 0;
    this.#storage = new Storage(backend.bufferTypes().plain, 2 * head.layers + recurrences);
    for (let i = 0; i < head.layers; i++) {
      const make = () => (this.#storage as Storage).tensor(Type.F32, head.cacheWidth, this.capacity);
      this.#caches.push([make(), make()]);
    }
    for (let i = 0; i < recurrences; i++) {
      this.#states.push(this.#storage.tensor(Type.F32, 2 * head.cacheWidth, this.capacity + 1));
    }
    this.#storage.allocate();
  }

  /** At most `MOST_ROWS` rows. */
  run(rows: RunRows): RunResult {
    const count = rows.tokens.length;
    const after = rows.after ?? [rows.committed - 1];
    // One stretch is filled up at its end, several by more of them.
    const stretches = this.#states.length > 0 ? bucket(after.length) : 1;
    const size = stretches === 1 ? bucket(count) : (stretches * count) / after.length;
    const wanted = bucket(rows.wanted.length);
    const highest = Math.max(rows.committed, ...rows.slots.map((slot) => slot + 1));
    // Rows that fill up write to a slot that is not in use.
    const kv = Math.ceil((size === count ? highest : highest + 1) / ROW_STEP) * ROW_STEP;
    const last = kv - 1;
    const graph = this.#graph(size, wanted, kv, stretches);
    for (let i = 0; i < stretches; i++) graph.state.array[i] = (after[i] ?? -1) < 0 ? this.capacity : after[i];
    graph.feature.array.fill(0);
    graph.mask.array.fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < size; i++) {
      const real = i < count;
      if (real) graph.feature.array.set(rows.features[i], i * this.#target.hiddenSize);
      graph.token.array[i] = real ? rows.tokens[i] : 0;
      graph.position.array[i] = real ? rows.positions[i] : 0;
      graph.slot.array[i] = real ? rows.slots[i] : last;
      graph.newest.array[i] = rows.newest?.[i] ?? i;
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

  #graph(size: number, wanted: number, kv: number, stretches: number): Graph {
    const key = `${size},${wanted},${kv},${stretches}`;
    const known = this.#graphs.get(key);
    if (known) return known;
    const { hiddenSize, vocabSize } = this.#target;
    const nodes = 1024 + 20 * this.#states.length * (size / stretches);
    const tape = new Tape(this.#backend, { nodes, gradients: false });
    const made = {
      tape,
      feature: tape.input(hiddenSize, size),
      token: tape.indices(vocabSize, size),
      position: tape.indices(2 ** 30, size),
      slot: tape.indices(this.capacity, size),
      wanted: tape.indices(size, wanted),
      mask: tape.input(kv, size),
      state: tape.indices(this.capacity + 1, stretches),
      newest: tape.indices(size, size),
    };
    const z = this.#head.outputs({
      feature: made.feature.variable,
      token: selectRows(tape.constant(this.#target.embedding), made.token),
      attend: this.#attend(made, kv),
      recur: this.#recur(made),
      newest: (x) => selectRows(x, made.newest),
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

  /** States are written to their rows' slots and read back, which orders the two. */
  #recur({ tape, slot, state }: Pick<Graph, "tape" | "slot" | "state">): Recur {
    return (layer, gates, recurrent) => {
      const c = tape.context;
      const [states, stretches] = [this.#states[layer], state.variable.shape[0]];
      const [size, rows] = [states.shape[0] / 2, gates.shape[1]];
      const part = (x: Tensor, index: 0 | 1) =>
        trainingOps.contiguous(c, ops.view(c, x, [size, x.shape[1]], 4 * index * size));
      const known = ops.getRows(c, states, state.variable.tensor);
      const first = { hidden: part(known, 0), cell: part(known, 1) };
      const made = lstm(reshape(gates, 4 * size, rows / stretches, stretches), recurrent, first);
      const both = [made.hidden, made.cell].map(({ tensor }) => ops.reshape(c, tensor, size, rows));
      const written = ops.setRows(c, states, trainingOps.concat(c, both[0], both[1], 0), slot.variable.tensor);
      return tape.constant(part(ops.getRows(c, written, slot.variable.tensor), 0));
    };
  }

  [Symbol.dispose](): void {
    for (const { tape } of this.#graphs.values()) tape[Symbol.dispose]();
    this.#graphs.clear();
    this.#storage?.[Symbol.dispose]();
  }
}
