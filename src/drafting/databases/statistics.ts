import { DraftwrightError } from "../../errors.ts";
import type { SortedSequences, Span } from "./sorted-sequences.ts";
import { suffixArray } from "./suffix-array.ts";

/**
 * A corpus as its tokens and the order of all its suffixes: any key is found by binary search, and the counts of what
 * followed it are lengths of spans. Source: He et al. 2024 (REST), which drafts from a suffix array.
 */
export class StatisticsDatabase implements SortedSequences {
  readonly kind = "statistics";
  readonly vocabSize: number;
  /** Tokens of all documents, each followed by `end`. */
  readonly tokens: Int32Array;
  /** Start of every suffix, in the order of the suffixes. */
  readonly suffixes: Int32Array;
  readonly end: number;
  /** Sequences that begin with a lower token, by token. */
  private readonly before: Int32Array;

  /** Throws "bad-argument" when the arrays cannot belong together. The order of the suffixes is believed. */
  constructor(vocabSize: number, tokens: Int32Array, suffixes: Int32Array) {
    this.vocabSize = vocabSize;
    this.tokens = tokens;
    this.suffixes = suffixes;
    this.end = vocabSize;
    this.before = new Int32Array(vocabSize + 2);
    if (tokens.length === 0 || tokens[tokens.length - 1] !== vocabSize) refuse("its last document does not end");
    if (suffixes.length !== tokens.length) refuse(`it has ${tokens.length} tokens and ${suffixes.length} suffixes`);
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i];
      if (!(token >= 0 && token <= vocabSize)) refuse(`token ${i} is ${token}, outside of the vocabulary`);
      const suffix = suffixes[i];
      if (!(suffix >= 0 && suffix < tokens.length)) refuse(`suffix ${i} begins at ${suffix}, outside of the text`);
      this.before[token + 1]++;
    }
    for (let token = 0; token <= vocabSize; token++) this.before[token + 1] += this.before[token];
  }

  get size(): number {
    return this.suffixes.length;
  }

  get documents(): number {
    return this.size - this.before[this.end];
  }

  /** `depth` must not reach beyond the end of the document. */
  token(index: number, depth: number): number {
    const at = this.suffixes[index] + depth;
    return at < this.tokens.length ? this.tokens[at] : this.end;
  }

  weightBefore(index: number): number {
    return index;
  }

  indexAt(weight: number): number {
    return weight;
  }

  startingWith(token: number): Span {
    if (!(token >= 0 && token < this.end)) return { from: 0, to: 0 };
    return { from: this.before[token], to: this.before[token + 1] };
  }
}

/** Throws "bad-argument" for token ids outside of the vocabulary, and when there is no text at all. */
export function buildStatistics(documents: Iterable<ArrayLike<number>>, vocabSize: number): StatisticsDatabase {
  let tokens = new Int32Array(1 << 16);
  let length = 0;
  for (const document of documents) {
    if (document.length === 0) continue;
    for (let i = 0; i < document.length; i++) {
      if (!(document[i] >= 0 && document[i] < vocabSize))
        refuse(`token ${document[i]} is outside of 0..${vocabSize - 1}`);
    }
    if (length + document.length + 1 > tokens.length) {
      const larger = new Int32Array(Math.max(length + document.length + 1, Math.ceil(tokens.length * 1.5)));
      larger.set(tokens.subarray(0, length));
      tokens = larger;
    }
    tokens.set(document, length);
    length += document.length;
    tokens[length++] = vocabSize;
  }
  if (length === 0) refuse("it has no text");
  tokens = tokens.slice(0, length);
  return new StatisticsDatabase(vocabSize, tokens, suffixArray(tokens, vocabSize + 1));
}

function refuse(why: string): never {
  throw new DraftwrightError("bad-argument", `This is no statistics database: ${why}. Build it again.`);
}
