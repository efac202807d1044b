import { DraftwrightError } from "../../../errors.ts";

export interface MaxGramOptions {
  /** Most tokens of one block. Default 10, the paper's. */
  readonly block?: number;
  /** Which occurrence of the longest suffix is continued when there are several. Default "latest". */
  readonly tie?: "earliest" | "latest";
  /** Shortest suffix, in tokens, whose earlier occurrence counts. Default 1. */
  readonly minMatch?: number;
  /** Most likely follower of each token, -1 = unknown; used when nothing matches. Build one with `bigramTable`. */
  readonly bigram?: Int32Array;
}

export interface Match {
  /** Tokens in common. */
  readonly length: number;
  /** Position of the first token after the earlier occurrence. */
  readonly next: number;
}

export const defaultBlock = 10;

/**
 * Max-Gram over a text whose end is a draft and may be rewritten: unlike the suffix automaton of `lookup`, which only grows,
 * it searches anew every time, in linear time (about a nanosecond a token).
 * Source: Chen et al. 2024, "Cascade Speculative Drafting", section on Max-Gram.
 */
export class MaxGram {
  readonly block: number;
  private readonly latest: boolean;
  private readonly minMatch: number;
  private readonly bigram: Int32Array | undefined;
  /** Z function of the reversed text. */
  private z = new Int32Array(256);

  /** Throws "bad-argument" for counts under 1, "vocabulary-mismatch" for a bigram table of another vocabulary. */
  constructor(options: MaxGramOptions, vocabSize: number) {
    checkMaxGram(options);
    const { bigram } = options;
    if (bigram && (bigram.length !== vocabSize || bigram.some((token) => token >= vocabSize))) {
      throw new DraftwrightError(
        "vocabulary-mismatch",
        `cascade: the bigram table is for ${bigram.length} tokens, the target has ${vocabSize}.`,
      );
    }
    this.block = options.block ?? defaultBlock;
    this.latest = options.tie !== "earliest";
    this.minMatch = options.minMatch ?? 1;
    this.bigram = bigram;
  }

  /** The longest suffix of `text[0, length)` that also ends before its last token. */
  match(text: Int32Array, length: number): Match | null {
    if (length < 2 || text.lastIndexOf(text[length - 1], length - 2) < 0) return null;
    if (this.z.length < length) this.z = new Int32Array(Math.max(length, 2 * this.z.length));
    const { z } = this;
    const last = length - 1;
    // z[i]: how far the text read backwards from its end agrees with itself read backwards from i tokens earlier. [left,
    // right) is the agreement that reaches furthest; inside it earlier values can be copied.
    let best = 0;
    let at = 0;
    for (let i = 1, left = 0, right = 0; i < length; i++) {
      let agree = i < right ? Math.min(right - i, z[i - left]) : 0;
      while (i + agree < length && text[last - agree] === text[last - i - agree]) agree++;
      z[i] = agree;
      if (i + agree > right) {
        left = i;
        right = i + agree;
      }
      if (agree > best || (agree === best && !this.latest)) {
        best = agree;
        at = i;
      }
    }
    return best >= this.minMatch ? { length: best, next: length - at } : null;
  }

  /**
   * Writes up to `most` tokens behind `text[0, length)` and returns how many: what followed the match, read on over what it
   * has written itself, else the most likely followers, as far as they are known.
   */
  propose(text: Int32Array, length: number, most: number, match: Match | null): number {
    const count = Math.min(most, this.block);
    if (match) {
      for (let i = 0; i < count; i++) text[length + i] = text[match.next + i];
      return count;
    }
    if (!this.bigram) return 0;
    for (let i = 0; i < count; i++) {
      const next = this.bigram[text[length + i - 1]];
      if (next < 0) return i;
      text[length + i] = next;
    }
    return count;
  }
}

export function checkMaxGram({ block = defaultBlock, minMatch = 1 }: MaxGramOptions): void {
  for (const [name, value] of Object.entries({ block, minMatch })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new DraftwrightError("bad-argument", `cascade: maxGram.${name} is ${value}; it must be an integer >= 1.`);
    }
  }
}
