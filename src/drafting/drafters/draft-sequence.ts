import { chainBatch, type ForwardResult, type LanguageModel, type Sequence } from "../../lm/model.ts";
import type { CostCurve } from "../cost-curve.ts";
import type { DraftTree } from "../tree.ts";

/** Prompt tokens per forward when a draft model reads what it has missed. */
const chunkRows = 256;

/**
 * A draft model's own cache, in step with a text that grows and whose drafted end may be rewritten at any time. It knows
 * which tokens its rows hold, so whoever uses it just names a text: rows of another text are dropped, missing ones run.
 */
export class DraftSequence {
  private readonly model: LanguageModel;
  private readonly curve: CostCurve;
  private readonly clock: () => number;
  private readonly sequence: Sequence;
  /** Tokens of the rows in the cache. */
  private readonly held: Int32Array;
  /** Rows known to hold the committed text, which never changes again. */
  private agreed = 0;

  /** `curve` is told what forwards took. */
  constructor(model: LanguageModel, rows: number, curve: CostCurve, clock: () => number) {
    this.model = model;
    this.curve = curve;
    this.clock = clock;
    this.sequence = model.open({ rows: Math.min(model.contextLength, rows) });
    this.held = new Int32Array(this.sequence.capacity);
  }

  get capacity(): number {
    return this.sequence.capacity;
  }

  /** Rows in the cache; after `follow`, tokens of the committed text that need not be run again. */
  get length(): number {
    return this.sequence.length;
  }

  /**
   * Drops the rows that do not hold the committed text `tokens[0, length)`, and that of its last token, the root: it must be
   * run again for its logits. Later texts must begin with this one.
   */
  follow(tokens: Int32Array, length: number): void {
    this.agreed = this.common(tokens, length - 1);
    this.keep(this.agreed);
  }

  /**
   * Runs what the cache lacks of `tokens[0, length)`, and at least the last `wanted` of them. Returns the logits [vocab] of
   * those, counted from the first; valid until the next forward. Throws when the text does not fit.
   */
  run(tokens: Int32Array, length: number, wanted = 1): (row: number) => Float32Array {
    this.keep(Math.min(this.common(tokens, length), length - wanted));
    while (length - this.length > chunkRows + wanted) this.feed(tokens, this.length + chunkRows, 0);
    const first = length - wanted - this.length;
    const result = this.feed(tokens, length, wanted);
    return (row) => result.logits(first + row);
  }

  /** Appends one token to the text that was run last, and returns the logits [vocab] after it. */
  extend(token: number): Float32Array {
    const at = this.length;
    this.held[at] = token;
    return this.feed(this.held, at + 1, 1).logits(0);
  }

  /**
   * Runs what the cache lacks of `tokens[0, length)`, at least its last token, and a tree after it in one forward. `choose`
   * is given the logits [vocab] after the text (-1) and after each node, and returns the path whose rows are to stay.
   */
  runTree(
    tokens: Int32Array,
    length: number,
    tree: Pick<DraftTree, "token" | "parent">,
    choose: (logits: (node: number) => Float32Array) => readonly number[],
  ): void {
    const { sequence } = this;
    this.keep(Math.min(this.common(tokens, length), length - 1));
    while (length - this.length > chunkRows + 1) this.feed(tokens, this.length + chunkRows, 0);
    const from = sequence.length;
    const chain = length - from;
    const batch = chainBatch(sequence, [...tokens.subarray(from, length), ...tree.token], "none");
    batch.wantLogits.fill(1, chain - 1);
    const parent = Int32Array.from(tree.parent, (node) => chain + node);
    batch.parent.set(parent, chain);
    parent.forEach((row, node) => {
      (batch.position as Int32Array)[chain + node] = batch.position[row] + 1;
    });
    const start = this.clock();
    const result = this.model.forward(batch);
    this.curve.observe(batch.token.length, from, this.clock() - start);
    const path = choose((node) => result.logits(chain + node));
    sequence.compact([...Array(chain).keys(), ...path.map((node) => chain + node)]);
    this.held.set(tokens.subarray(from, length), from);
    path.forEach((node, i) => {
      this.held[length + i] = tree.token[node];
    });
  }

  close(): void {
    this.sequence.close();
  }

  private common(tokens: Int32Array, most: number): number {
    const end = Math.min(this.length, most);
    let rows = Math.min(this.agreed, end);
    while (rows < end && this.held[rows] === tokens[rows]) rows++;
    return rows;
  }

  private keep(rows: number): void {
    if (rows < this.length) this.sequence.truncate(rows);
  }

  /** Appends the rows of `tokens[this.length, length)`, with logits of the last `wanted`. */
  private feed(tokens: Int32Array, length: number, wanted: number): ForwardResult {
    const { sequence } = this;
    const from = sequence.length;
    const rows = length - from;
    const batch = chainBatch(sequence, tokens.subarray(from, length), "none");
    batch.wantLogits.fill(1, rows - wanted);
    const start = this.clock();
    const result = this.model.forward(batch);
    this.curve.observe(rows, from, this.clock() - start);
    sequence.compact(Int32Array.from({ length: rows }, (_, i) => i));
    this.held.set(tokens.subarray(from, length), from);
    return result;
  }
}
