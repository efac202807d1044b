import type { PhrasePool } from "./phrase-pool.ts";

/** Reads a growing text into a pool: every run of phraseLength + 1 committed tokens becomes a phrase under its first. */
export class Harvest {
  private readonly pool: PhrasePool;
  private read = 0;

  constructor(pool: PhrasePool) {
    this.pool = pool;
  }

  /** Inserts what the text got since the last call; `tokens[0, length)` begins with what was read before. */
  take(tokens: Int32Array, length: number): void {
    const { phraseLength } = this.pool;
    for (let key = Math.max(0, this.read - phraseLength); key + phraseLength < length; key++) {
      this.pool.insert(tokens[key], Array.from(tokens.subarray(key + 1, key + 1 + phraseLength)), "text");
    }
    this.read = length;
  }
}
