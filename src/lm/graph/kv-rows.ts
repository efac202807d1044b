// Keys and values of all sequences: one tensor per layer and kind, in which each sequence owns a contiguous range of rows.
import { DraftwrightError } from "../../errors.ts";
import { type Backend, Storage, type Tensor, type TensorType } from "../../ggml/index.ts";
import type { ModelConfig } from "../config.ts";

/** Attention reads keys and values in steps of this many rows; ranges are multiples of it. */
export const ROW_STEP = 256;

export const roundRows = (rows: number): number => Math.ceil(rows / ROW_STEP) * ROW_STEP;

export class KvRows {
  readonly rows: number;
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  #storage: Storage;
  /** Taken ranges, by first row. */
  #taken: { start: number; rows: number }[] = [];
  /** Host memory of keys and values, where rows can be moved in place. */
  #memory: { bytes: Uint8Array; rowBytes: number }[] = [];

  constructor(backend: Backend, config: ModelConfig, rows: number, type: TensorType) {
    const width = config.kvHeadCount * config.headSize;
    this.rows = roundRows(rows);
    this.#storage = new Storage(backend.bufferTypes().plain, config.layerCount * 2);
    const make = () => Array.from({ length: config.layerCount }, () => this.#storage.tensor(type, width, this.rows));
    this.keys = make();
    this.values = make();
    try {
      this.#storage.allocate();
    } catch (error) {
      this.#storage[Symbol.dispose]();
      throw error;
    }
    if (!this.#storage.bufferType.isHost) return;
    for (const tensor of [...this.keys, ...this.values]) {
      this.#memory.push({ bytes: new Uint8Array(tensor.map()), rowBytes: tensor.stride[1] });
    }
  }

  get bytes(): number {
    return this.#storage.bytes;
  }

  get freeRows(): number {
    return this.rows - this.#taken.reduce((sum, range) => sum + range.rows, 0);
  }

  /** Takes a contiguous range; returns its first row. Throws `out-of-memory`. */
  take(rows: number): number {
    let start = 0;
    let at = 0;
    for (; at < this.#taken.length; at++) {
      const range = this.#taken[at];
      if (range.start - start >= rows) break;
      start = range.start + range.rows;
    }
    if (start + rows > this.rows) {
      throw new DraftwrightError(
        "out-of-memory",
        `no room for a sequence of ${rows} rows: ${this.freeRows} of ${this.rows} KV rows are free. ` +
          "Close a sequence, ask for fewer rows, or load the model with more KV rows.",
      );
    }
    this.#taken.splice(at, 0, { start, rows });
    return start;
  }

  release(start: number): void {
    const at = this.#taken.findIndex((range) => range.start === start);
    if (at >= 0) this.#taken.splice(at, 1);
  }

  /** Gives back all but the first `rows` rows of a range. */
  shrink(start: number, rows: number): void {
    const range = this.#taken.find((one) => one.start === start);
    if (range) range.rows = rows;
  }

  /**
   * Moves a range, `used` rows of it, into the last gap that holds it, so that those which will be longer find room in one
   * piece, at the places that graphs are known for. Returns its first row.
   */
  moveBack(start: number, used: number): number {
    const from = this.#taken.findIndex((range) => range.start === start);
    if (from < 0 || this.#memory.length === 0) return start;
    const range = this.#taken[from];
    let end = this.rows;
    for (let at = this.#taken.length - 1; at >= from; at--) {
      const before = this.#taken[at];
      if (end - before.start - before.rows >= range.rows) {
        const to = end - range.rows;
        this.copy(start, to, used);
        this.#taken.splice(at + 1, 0, { start: to, rows: range.rows });
        this.#taken.splice(from, 1);
        return to;
      }
      end = before.start;
    }
    return start;
  }

  /** Copies `count` rows in every layer. Overlap is safe when moving towards lower rows. */
  copy(from: number, to: number, count = 1): void {
    if (count === 0 || from === to) return;
    if (this.#memory.length) {
      for (const { bytes, rowBytes } of this.#memory)
        bytes.copyWithin(to * rowBytes, from * rowBytes, (from + count) * rowBytes);
      return;
    }
    for (const tensor of [...this.keys, ...this.values]) {
      const rows = new Uint8Array(tensor.stride[1] * count);
      tensor.read(rows, from * tensor.stride[1]);
      tensor.write(rows, to * tensor.stride[1]);
    }
  }

  [Symbol.dispose](): void {
    this.#memory = [];
    this.#storage[Symbol.dispose]();
  }
}
