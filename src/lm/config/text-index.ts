// A hash index over the texts of a string array, by bytes. A Set of 150,000 strings costs 150 ms at every load; this
// costs a tenth and makes no strings.

import type { StringArray } from "../../ggml/gguf/index.ts";

export class TextIndex {
  readonly #texts: StringArray;
  /** Ends of the texts, cut at their first zero byte as C does. */
  readonly #ends: Float64Array;
  /** Open addressing; entry + 1, 0 where free. */
  readonly #slots: Int32Array;
  /** First entry whose text an earlier entry has; -1: all are distinct. Empty texts are left out. */
  readonly duplicate: number;
  /** Entries without text. */
  readonly empty: readonly number[];

  constructor(texts: StringArray) {
    this.#texts = texts;
    this.#ends = new Float64Array(texts.length);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(texts.length * 2 + 1)));
    const empty: number[] = [];
    let duplicate = -1;
    for (let i = 0; i < texts.length && duplicate < 0; i++) {
      const start = texts.start(i);
      const zero = firstZero(texts.encoded, start, texts.end(i));
      this.#ends[i] = zero;
      if (zero === start) {
        empty.push(i);
        continue;
      }
      const slot = this.#slot(texts.encoded, start, zero);
      if (this.#slots[slot] !== 0) duplicate = i;
      this.#slots[slot] = i + 1;
    }
    this.duplicate = duplicate;
    this.empty = empty;
  }

  /** Whether an entry has this text; `text` holds one character a byte. */
  has(text: string): boolean {
    const bytes = Buffer.from(text, "latin1");
    return this.#slots[this.#slot(bytes, 0, bytes.length)] !== 0;
  }

  /** Slot that holds the text, or the free one where it belongs. */
  #slot(bytes: Uint8Array, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    let hash = 0x811c9dc5; // FNV-1a
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (this.#slots[slot] !== 0 && !this.#equal(this.#slots[slot] - 1, bytes, start, end)) slot = (slot + 1) & mask;
    return slot;
  }

  #equal(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { encoded } = this.#texts;
    const from = this.#texts.start(entry);
    if (this.#ends[entry] - from !== end - start) return false;
    for (let i = start, j = from; i < end; i++, j++) if (bytes[i] !== encoded[j]) return false;
    return true;
  }
}

function firstZero(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== 0) at++;
  return at;
}
