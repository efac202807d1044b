import { DraftwrightError } from "../../errors.ts";
import type { ForwardBatch, LanguageModel, Sequence } from "../model.ts";

/**
 * Row bookkeeping of one sequence: which token stands in each row and which row it follows. Committed rows come first,
 * pending rows after them. What a row carries beside its token (keys and values) is the subclass's affair.
 */
export abstract class RowSequence implements Sequence {
  readonly id: number;
  capacity: number;
  length = 0;
  pending = 0;
  closed = false;
  /** Token of each row, committed and pending: [capacity]. */
  readonly token: Int32Array;
  /** For pending rows only: the pending index of the parent, -1 = the committed context. Indexed by pending index. */
  private readonly parent: Int32Array;

  constructor(id: number, capacity: number) {
    this.id = id;
    this.capacity = capacity;
    this.token = new Int32Array(capacity);
    this.parent = new Int32Array(capacity);
  }

  protected abstract copyRow(from: number, to: number): void;
  protected abstract openLike(): RowSequence;
  /** Copies what the first `rows` rows carry beside their tokens. */
  protected abstract copyContents(from: RowSequence, rows: number): void;
  protected abstract giveBack(rows: number): void;
  protected abstract release(): void;

  /** Appends a pending row and returns its row number. The batch was checked before. */
  append(token: number, parent: number): number {
    const row = this.length + this.pending;
    this.token[row] = token;
    this.parent[this.pending] = parent;
    this.pending++;
    return row;
  }

  /** Pending indices from the root of the tree down to `pendingIndex`, that one included. */
  path(pendingIndex: number): number[] {
    const path: number[] = [];
    for (let i = pendingIndex; i >= 0; i = this.parent[i]) path.push(i);
    return path.reverse();
  }

  compact(path: ArrayLike<number>): void {
    this.assertOpen();
    for (let s = 0; s < path.length; s++) {
      const index = path[s];
      if (!(index >= 0 && index < this.pending)) {
        throw new DraftwrightError("bad-argument", `compact: ${index} is not one of ${this.pending} pending rows.`);
      }
      if (this.parent[index] !== (s === 0 ? -1 : path[s - 1])) {
        throw new DraftwrightError(
          "bad-argument",
          `compact: row ${index} does not follow its predecessor in the path.`,
        );
      }
    }
    for (let s = 0; s < path.length; s++) {
      const from = this.length + path[s];
      const to = this.length + s;
      if (from === to) continue;
      this.token[to] = this.token[from];
      this.copyRow(from, to);
    }
    this.length += path.length;
    this.pending = 0;
  }

  truncate(length: number): void {
    this.assertOpen();
    if (!Number.isInteger(length) || length < 0 || length > this.length) {
      throw new DraftwrightError("bad-argument", `truncate: ${length} is outside 0..${this.length}.`);
    }
    this.length = length;
    this.pending = 0;
  }

  fork(): Sequence {
    this.assertOpen();
    const copy = this.openLike();
    copy.copyPrefix(this, this.length);
    return copy;
  }

  copyPrefix(from: Sequence, rows: number): void {
    this.assertOpen();
    if (!(from instanceof RowSequence)) {
      throw new DraftwrightError("bad-argument", "Rows can be copied between sequences of one model only.");
    }
    from.assertOpen();
    if (this.length + this.pending > 0 || !Number.isInteger(rows) || rows < 0 || rows > from.length) {
      throw new DraftwrightError(
        "bad-argument",
        `Cannot copy ${rows} rows: ${from.length} are there, ours must be none.`,
      );
    }
    if (rows > this.capacity) {
      throw new DraftwrightError("context-overflow", `${rows} rows do not fit into a sequence of ${this.capacity}.`);
    }
    this.token.set(from.token.subarray(0, rows));
    this.copyContents(from, rows);
    this.length = rows;
  }

  shrink(): void {
    this.assertOpen();
    this.pending = 0;
    const kept = Math.max(1, this.length);
    this.giveBack(this.capacity - kept);
    this.capacity = kept;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.release();
  }

  assertOpen(): void {
    if (this.closed) throw new DraftwrightError("disposed", `Sequence ${this.id} is closed. Open another.`);
  }

  parentAt(pendingIndex: number): number {
    return this.parent[pendingIndex];
  }
}

/** The open sequences of one model and the rows they may hold together. */
export class SequencePool {
  private readonly open = new Map<number, RowSequence>();
  private nextId = 0;
  private freeRows: number;

  constructor(maxRows: number) {
    this.freeRows = maxRows;
  }

  /** Reserves rows for a sequence that `make` builds. Throws `out-of-memory` when too few are left. */
  add<S extends RowSequence>(rows: number, make: (id: number, rows: number) => S): S {
    if (!Number.isInteger(rows) || rows < 1) {
      throw new DraftwrightError("bad-argument", `A sequence needs at least one row, not ${rows}.`);
    }
    if (rows > this.freeRows) {
      throw new DraftwrightError("out-of-memory", `${rows} KV rows wanted, ${this.freeRows} left. Close a sequence.`);
    }
    this.freeRows -= rows;
    const sequence = make(this.nextId++, rows);
    this.open.set(sequence.id, sequence);
    return sequence;
  }

  remove(sequence: RowSequence): void {
    if (this.open.delete(sequence.id)) this.freeRows += sequence.capacity;
  }

  giveBack(rows: number): void {
    this.freeRows += rows;
  }

  /** Rows that may still be taken. */
  get left(): number {
    return this.freeRows;
  }

  get(id: number): RowSequence {
    const sequence = this.open.get(id);
    if (!sequence) throw new DraftwrightError("disposed", `Sequence ${id} is closed or was never opened.`);
    return sequence;
  }
}

/** Checks every row of a batch before anything is computed, so that a refused batch leaves no trace. */
export function checkBatch(batch: ForwardBatch, model: LanguageModel, pool: SequencePool): void {
  const width = batch.token.length;
  if (width === 0) throw new DraftwrightError("bad-argument", "A forward needs at least one row.");
  for (const column of [batch.sequence, batch.parent, batch.position, batch.wantLogits, batch.wantHidden?.rows]) {
    if (column && column.length !== width) {
      throw new DraftwrightError("bad-shape", `Columns of one batch differ in length: ${column.length} and ${width}.`);
    }
  }
  for (const layer of batch.wantHidden?.layers ?? []) checkLayer(layer, model.layerCount + 1, "wantHidden");
  for (const layer of batch.skip?.attention ?? []) checkLayer(layer, model.layerCount - 1, "skip.attention");
  for (const layer of batch.skip?.mlp ?? []) checkLayer(layer, model.layerCount - 1, "skip.mlp");
  if (batch.adapter) throw new DraftwrightError("bad-argument", "This model has no adapters.");

  // Depth in the tree of each pending row, old and new: known before the rows exist, for the position check.
  const depths = new Map<number, number[]>();
  for (let row = 0; row < width; row++) {
    const sequence = pool.get(batch.sequence[row]);
    const token = batch.token[row];
    if (token < 0 || token >= model.vocabSize) {
      throw new DraftwrightError("bad-argument", `Row ${row}: token ${token} is outside 0..${model.vocabSize - 1}.`);
    }
    let depth = depths.get(sequence.id);
    if (!depth) {
      depth = [];
      for (let i = 0; i < sequence.pending; i++) {
        const parent = sequence.parentAt(i);
        depth.push(parent < 0 ? 0 : depth[parent] + 1);
      }
      depths.set(sequence.id, depth);
    }
    const parent = batch.parent[row];
    if (parent < -1 || parent >= depth.length) {
      throw new DraftwrightError("bad-argument", `Row ${row}: parent ${parent} is not an earlier pending row.`);
    }
    depth.push(parent < 0 ? 0 : depth[parent] + 1);
    const position = sequence.length + depth[depth.length - 1];
    if (batch.position[row] !== position) {
      throw new DraftwrightError("bad-argument", `Row ${row}: position ${batch.position[row]} should be ${position}.`);
    }
    if (position >= model.contextLength) {
      throw new DraftwrightError(
        "context-overflow",
        `Row ${row}: position ${position} is past the context of ${model.contextLength} tokens.`,
      );
    }
    if (sequence.length + depth.length > sequence.capacity) {
      throw new DraftwrightError(
        "context-overflow",
        `Sequence ${sequence.id} holds ${sequence.capacity} rows. Open it with more, or commit a shorter path.`,
      );
    }
  }
}

function checkLayer(layer: number, last: number, what: string): void {
  if (!Number.isInteger(layer) || layer < 0 || layer > last) {
    throw new DraftwrightError("bad-argument", `${what}: layer ${layer} is outside 0..${last}.`);
  }
}
