// A sequence of the graph model: which KV rows it owns, how many are committed, and the tree of pending ones.
import { DraftwrightError } from "../../errors.ts";
import type { Sequence } from "../model.ts";
import { type KvRows, roundRows } from "./kv-rows.ts";

export class GraphSequence implements Sequence {
  readonly id: number;
  capacity: number;
  /** First KV row of the range. */
  start: number;
  /** Pending-row index each pending row follows, -1 = the committed context. */
  readonly parents: Int32Array;
  #kv: KvRows;
  #length = 0;
  #pending = 0;
  #registry: Map<number, GraphSequence>;

  constructor(kv: KvRows, registry: Map<number, GraphSequence>, id: number, capacity: number) {
    this.#kv = kv;
    this.#registry = registry;
    this.id = id;
    this.capacity = capacity;
    this.start = kv.take(roundRows(capacity));
    this.parents = new Int32Array(capacity);
    registry.set(id, this);
  }

  get length(): number {
    return this.#length;
  }

  get pending(): number {
    return this.#pending;
  }

  /** Rows of the range, a multiple of the attention step. */
  get rangeRows(): number {
    return roundRows(this.capacity);
  }

  /** Appends a pending row; the model has checked that there is room. */
  append(parent: number): void {
    this.parents[this.#pending++] = parent;
  }

  compact(path: ArrayLike<number>): void {
    this.#checkOpen();
    let parent = -1;
    for (let i = 0; i < path.length; i++) {
      const row = path[i];
      if (!Number.isInteger(row) || row <= parent || row >= this.#pending || this.parents[row] !== parent) {
        throw new DraftwrightError(
          "bad-argument",
          `pending rows ${Array.from(path)} are no path of the draft tree: row ${row} does not follow row ${parent}`,
        );
      }
      parent = row;
    }
    // Ascending order: a row only moves to a place whose own row was moved or dropped.
    for (let i = 0; i < path.length; ) {
      let run = 1;
      while (i + run < path.length && path[i + run] === path[i] + run) run++;
      this.#kv.copy(this.start + this.#length + path[i], this.start + this.#length + i, run);
      i += run;
    }
    this.#length += path.length;
    this.#pending = 0;
  }

  truncate(length: number): void {
    this.#checkOpen();
    if (!Number.isInteger(length) || length < 0 || length > this.#length) {
      throw new DraftwrightError("bad-argument", `cannot truncate to ${length} rows: ${this.#length} are committed`);
    }
    this.#length = length;
    this.#pending = 0;
  }

  fork(): GraphSequence {
    this.#checkOpen();
    const copy = new GraphSequence(this.#kv, this.#registry, nextId(), this.capacity);
    copy.copyPrefix(this, this.#length);
    return copy;
  }

  copyPrefix(from: Sequence, rows: number): void {
    this.#checkOpen();
    if (!(from instanceof GraphSequence) || from.#kv !== this.#kv) {
      throw new DraftwrightError("bad-argument", "rows can be copied between sequences of one model only");
    }
    from.#checkOpen();
    if (this.#length + this.#pending > 0 || !Number.isInteger(rows) || rows < 0 || rows > from.#length) {
      throw new DraftwrightError(
        "bad-argument",
        `cannot copy ${rows} of ${from.#length} committed rows into a sequence of ${this.#length + this.#pending}`,
      );
    }
    if (rows > this.capacity) {
      throw new DraftwrightError("context-overflow", `${rows} rows do not fit into a sequence of ${this.capacity}`);
    }
    // The copy may lie before or behind: whole rows of disjoint ranges, so order does not matter.
    this.#kv.copy(from.start, this.start, rows);
    this.#length = rows;
  }

  shrink(): void {
    this.#checkOpen();
    this.#pending = 0;
    this.capacity = Math.max(1, this.#length);
    this.#kv.shrink(this.start, this.rangeRows);
    this.start = this.#kv.moveBack(this.start, this.#length);
  }

  close(): void {
    if (this.#registry.get(this.id) !== this) return;
    this.#registry.delete(this.id);
    this.#kv.release(this.start);
  }

  #checkOpen(): void {
    if (this.#registry.get(this.id) !== this) throw new DraftwrightError("disposed", `sequence ${this.id} is closed`);
  }
}

let lastId = 0;

/** Sequence ids are unique in the process, so that a sequence of another model is never mistaken for one's own. */
export function nextId(): number {
  lastId = (lastId + 1) & 0x7fffffff;
  return lastId;
}
