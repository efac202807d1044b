import { splitWords } from "./split.ts";

/** Different words held at most: some hundred bytes each, while merges are learned. */
const MOST_WORDS = 2_000_000;

/**
 * How often each word was seen. When there are too many different ones, the rarest are forgotten: those seen once, then those
 * seen twice, .., until half the room is free (as word2vec's vocabulary does it).
 */
export class WordCounts {
  readonly counts = new Map<string, number>();
  /** Words seen, and those among them that were forgotten. */
  seen = 0;
  forgotten = 0;
  readonly #most: number;
  #rare = 0;

  constructor(most = MOST_WORDS) {
    this.#most = most;
  }

  add(text: string): void {
    const words = splitWords(text);
    for (const word of words) {
      const count = this.counts.get(word);
      this.counts.set(count === undefined ? detached(word) : word, (count ?? 0) + 1);
    }
    this.seen += words.length;
    if (this.counts.size > this.#most) this.#forget();
  }

  #forget(): void {
    while (this.counts.size > this.#most / 2) {
      this.#rare++;
      for (const [word, count] of this.counts) {
        if (count > this.#rare) continue;
        this.counts.delete(word);
        this.forgotten += count;
      }
    }
  }
}

/** V8 keeps the whole text alive for a piece of 13 characters or more. */
function detached(word: string): string {
  return word.length < 13 ? word : Buffer.from(word, "utf16le").toString("utf16le");
}
