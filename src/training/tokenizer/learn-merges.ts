// Byte-pair encoding (Sennrich et al. 2016) over counted words: again and again the most frequent pair of adjacent symbols
// becomes a symbol of its own. Counts are kept up to date by looking only at the words that hold the pair.
import { byteAlphabet } from "../../lm/index.ts";
import { PairQueue } from "./pair-queue.ts";
import { PairTable } from "./pair-table.ts";

/** Longer tokens are not made: a rule of dashes would become one. In bytes. */
const LONGEST_TOKEN = 512;

export interface MergeOptions {
  /** Merges at most. */
  readonly merges: number;
  /** Pairs seen less often are not merged. */
  readonly minFrequency: number;
  /** Spellings that no merge may give: those of special tokens. */
  readonly taken?: ReadonlySet<string>;
}

/** The 256 bytes in the order of their characters, as GPT-2 numbers them. */
export const byteTokens: readonly string[] = [...byteAlphabet].sort();
const symbolOfByte = Int32Array.from(byteAlphabet, (character) => byteTokens.indexOf(character));

/**
 * Yields merges, the most frequent first; of equally frequent ones the one with the lower left symbol, then right symbol.
 * Symbols are numbered: the bytes as in `byteTokens`, then one for each merge. Fewer come when no pair is frequent enough. No
 * text is made twice: the same bytes between two ends of symbols are always merged in the same way, as merges go from left to
 * right. Returns the number of symbols that the counted words consist of at the end.
 */
export function* learnMerges(
  counts: ReadonlyMap<string, number>,
  { merges, minFrequency, taken = new Set() }: MergeOptions,
): Generator<readonly [left: string, right: string], number> {
  const words = new Words(counts);
  const pairs = new PairTable();
  for (let word = 0; word < words.size; word++) words.countPairs(word, pairs);
  const queue = new PairQueue(pairs);
  const spelled = [...byteTokens];
  for (let from = 0; spelled.length < byteTokens.length + merges; ) {
    for (; from < pairs.size; from++) if (pairs.counts[from] >= minFrequency) queue.push(from);
    const pair = queue.pop(minFrequency);
    if (pair < 0) break;
    const [left, right] = [pairs.left[pair], pairs.right[pair]];
    const text = spelled[left] + spelled[right];
    if (text.length > LONGEST_TOKEN || taken.has(text)) continue;
    for (const word of pairs.takeWords(pair)) words.merge(word, left, right, spelled.length, pairs);
    pairs.counts[pair] = 0;
    spelled.push(text);
    yield [spelled[left], spelled[right]];
  }
  return words.symbolCount();
}

/** Words as rows of symbols that become shorter. */
class Words {
  readonly size: number;
  readonly #symbols: Int32Array;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #counts: Float64Array;

  constructor(counts: ReadonlyMap<string, number>) {
    this.size = counts.size;
    this.#starts = new Float64Array(this.size);
    this.#ends = new Float64Array(this.size);
    this.#counts = Float64Array.from(counts.values());
    let at = 0;
    for (const word of counts.keys()) at += Buffer.byteLength(word);
    this.#symbols = new Int32Array(at);
    at = 0;
    let word = 0;
    for (const text of counts.keys()) {
      this.#starts[word] = at;
      for (const byte of Buffer.from(text)) this.#symbols[at++] = symbolOfByte[byte];
      this.#ends[word++] = at;
    }
  }

  countPairs(word: number, pairs: PairTable): void {
    const end = this.#ends[word];
    for (let i = this.#starts[word] + 1; i < end; i++) {
      pairs.add(this.#symbols[i - 1], this.#symbols[i], this.#counts[word], word);
    }
  }

  /** Replaces a pair, from left to right; the counts of the pair itself are left as they were or fall. */
  merge(word: number, left: number, right: number, merged: number, pairs: PairTable): void {
    const symbols = this.#symbols;
    const [start, end, count] = [this.#starts[word], this.#ends[word], this.#counts[word]];
    let out = start;
    for (let i = start; i < end; i++) {
      if (symbols[i] !== left || i + 1 === end || symbols[i + 1] !== right) {
        symbols[out++] = symbols[i];
        continue;
      }
      if (out > start) {
        pairs.add(symbols[out - 1], left, -count, word);
        pairs.add(symbols[out - 1], merged, count, word);
      }
      if (i + 2 < end) {
        pairs.add(right, symbols[i + 2], -count, word);
        pairs.add(merged, symbols[i + 2], count, word);
      }
      symbols[out++] = merged;
      i++;
    }
    this.#ends[word] = out;
  }

  symbolCount(): number {
    let total = 0;
    for (let word = 0; word < this.size; word++) total += (this.#ends[word] - this.#starts[word]) * this.#counts[word];
    return total;
  }
}
