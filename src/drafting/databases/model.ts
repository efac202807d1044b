import { DraftwrightError } from "../../errors.ts";
import type { SortedSequences, Span } from "./sorted-sequences.ts";
import { buildStatistics, type StatisticsDatabase } from "./statistics.ts";

/**
 * The n-grams that a model says most often, with the number of answers that hold each.
 * Source: Cho et al. 2025 (Hierarchy Drafting), the model-dependent database.
 */
export class ModelDatabase implements SortedSequences {
  readonly kind = "model";
  readonly vocabSize: number;
  /** Tokens of an n-gram. */
  readonly order: number;
  /** [size, order]: n-grams in ascending order. */
  readonly rows: Int32Array;
  /** [size]: answers that hold each n-gram. */
  readonly counts: Int32Array;
  readonly end: number;
  private readonly weights: Float64Array;

  /** Throws "bad-argument" for unsorted or repeated n-grams, counts under 1, and token ids outside of the vocabulary. */
  constructor(vocabSize: number, order: number, rows: Int32Array, counts: Int32Array) {
    this.vocabSize = vocabSize;
    this.order = order;
    this.rows = rows;
    this.counts = counts;
    this.end = vocabSize;
    if (!(order >= 2)) refuse(`its n-grams have ${order} tokens`);
    if (rows.length !== counts.length * order) refuse(`it has ${rows.length} tokens for ${counts.length} n-grams`);
    for (const token of rows) if (!(token >= 0 && token < vocabSize)) refuse(`it holds token ${token}`);
    this.weights = new Float64Array(counts.length + 1);
    for (let row = 0; row < counts.length; row++) {
      if (!(counts[row] >= 1)) refuse(`n-gram ${row} has the count ${counts[row]}`);
      if (row > 0 && this.compare(row - 1, row) >= 0) refuse(`n-gram ${row} is out of order`);
      this.weights[row + 1] = this.weights[row] + counts[row];
    }
  }

  get size(): number {
    return this.counts.length;
  }

  token(index: number, depth: number): number {
    return depth < this.order ? this.rows[index * this.order + depth] : this.end;
  }

  weightBefore(index: number): number {
    return this.weights[index];
  }

  indexAt(weight: number): number {
    return this.firstRow((row) => this.weights[row + 1] > weight);
  }

  startingWith(token: number): Span {
    const from = this.firstRow((row) => this.rows[row * this.order] >= token);
    return { from, to: this.firstRow((row) => this.rows[row * this.order] > token, from) };
  }

  private firstRow(holds: (row: number) => boolean, from = 0): number {
    let to = this.size;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (holds(middle)) to = middle;
      else from = middle + 1;
    }
    return from;
  }

  private compare(a: number, b: number): number {
    for (let i = 0; i < this.order; i++) {
      const difference = this.rows[a * this.order + i] - this.rows[b * this.order + i];
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

/**
 * The `most` n-grams that occur in the most answers; of equally frequent ones those with the lower token ids. Throws
 * "bad-argument" when no answer is as long as an n-gram.
 */
export function buildModelDatabase(
  answers: Iterable<ArrayLike<number>>,
  vocabSize: number,
  order: number,
  most: number,
): ModelDatabase {
  // Equal n-grams stand together in the order of all suffixes.
  const corpus = buildStatistics(answers, vocabSize);
  const { starts, counts } = countNgrams(corpus, order);
  if (starts.length === 0) refuse(`no answer has ${order} tokens`);
  const chosen = starts
    .map((_, i) => i)
    .sort((a, b) => counts[b] - counts[a] || a - b)
    .slice(0, most)
    .sort((a, b) => a - b);
  const rows = new Int32Array(chosen.length * order);
  chosen.forEach((i, row) => {
    rows.set(corpus.tokens.subarray(starts[i], starts[i] + order), row * order);
  });
  return new ModelDatabase(
    vocabSize,
    order,
    rows,
    Int32Array.from(chosen, (i) => counts[i]),
  );
}

/** A place of every different n-gram, ascending by tokens, and the number of documents that hold it. */
function countNgrams(corpus: StatisticsDatabase, order: number): { starts: number[]; counts: number[] } {
  const { tokens, suffixes, end } = corpus;
  const document = new Int32Array(tokens.length);
  for (let i = 1; i < tokens.length; i++) document[i] = document[i - 1] + (tokens[i - 1] === end ? 1 : 0);
  const lastSeen = new Int32Array(corpus.documents).fill(-1);
  const starts: number[] = [];
  const counts: number[] = [];
  for (const at of suffixes) {
    if (!isWhole(tokens, at, order, end)) continue;
    const before = starts[starts.length - 1];
    if (before === undefined || !sameTokens(tokens, before, at, order)) {
      starts.push(at);
      counts.push(0);
    }
    const ngram = starts.length - 1;
    if (lastSeen[document[at]] === ngram) continue;
    lastSeen[document[at]] = ngram;
    counts[ngram]++;
  }
  return { starts, counts };
}

function isWhole(tokens: Int32Array, at: number, order: number, end: number): boolean {
  if (at + order > tokens.length) return false;
  for (let i = 0; i < order; i++) if (tokens[at + i] === end) return false;
  return true;
}

function sameTokens(tokens: Int32Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (tokens[a + i] !== tokens[b + i]) return false;
  return true;
}

function refuse(why: string): never {
  throw new DraftwrightError("bad-argument", `This is no model database: ${why}. Build it again.`);
}
