/** A growing text and the hash of each of its prefixes, so that two sides can tell whether they mean the same one. */
export class HashedText {
  readonly tokens: Int32Array;
  readonly #hashes: Int32Array;
  #length = 0;

  constructor(rows: number) {
    this.tokens = new Int32Array(rows);
    this.#hashes = new Int32Array(rows + 1);
  }

  get length(): number {
    return this.#length;
  }

  /** Hash of the first `length` tokens; NaN for more than there are. */
  hash(length = this.#length): number {
    return length >= 0 && length <= this.#length ? this.#hashes[length] : Number.NaN;
  }

  /** The text is what it was up to `from`, then `tokens`. What does not fit, or leaves a gap, is left out. */
  write(from: number, tokens: ArrayLike<number>): void {
    if (from > this.#length) return;
    const end = Math.min(this.tokens.length, from + tokens.length);
    for (let i = from; i < end; i++) {
      const token = tokens[i - from];
      this.tokens[i] = token;
      const mixed = Math.imul(this.#hashes[i] ^ token, 0x9e3779b1);
      this.#hashes[i + 1] = mixed ^ (mixed >>> 15);
    }
    this.#length = end;
  }
}
