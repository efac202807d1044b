import { DraftwrightError } from "../../errors.ts";
import type { ForwardBatch, ForwardResult, LanguageModel, Sequence } from "../../lm/model.ts";
import { judge } from "./judge.ts";
import type { BlockingHttp } from "./requests.ts";

export interface RemoteModelOptions {
  readonly http: BlockingHttp;
  /** Its id on the server. */
  readonly model: string;
  readonly vocabSize: number;
  /** Tokens of a request there, prompt and output. */
  readonly contextLength: number;
}

/**
 * A model on another server, for greedy decoding: a row's logits are 0 for its likeliest token and -Infinity for all others.
 * Each leaf of a draft tree is a prompt of its own, with the whole text before it; all of a forward go out together.
 */
export class RemoteModel implements LanguageModel {
  readonly vocabSize: number;
  readonly layerCount = 0;
  readonly hiddenSize = 0;
  readonly contextLength: number;
  readonly numerics = "fast";
  readonly #options: RemoteModelOptions;
  readonly #sequences = new Map<number, RemoteSequence>();

  constructor(options: RemoteModelOptions) {
    this.#options = options;
    this.vocabSize = options.vocabSize;
    // A request holds one token more than its text, and generates one.
    this.contextLength = options.contextLength - 2;
  }

  open(options: { rows?: number } = {}): Sequence {
    const rows = Math.min(options.rows ?? this.contextLength, this.contextLength);
    return new RemoteSequence(rows, this.#sequences);
  }

  forward(batch: ForwardBatch): ForwardResult {
    const { skip, adapter, wantHidden, token, wantLogits } = batch;
    if (skip || adapter || wantHidden) {
      throw new DraftwrightError(
        "bad-argument",
        "A remote model shows no hidden states and leaves out no layers: use drafters that need neither (lookup, model, " +
          "cascade, ouroboros, hierarchy), and another model for embeddings.",
      );
    }
    const started = performance.now();
    const rows = Array.from(token, (one, row) => this.#append(batch, one, row));
    const wanted = rows.filter((_, row) => wantLogits[row] && !batch.prompt);
    const leaves = wanted.filter(
      (one) => !wanted.some((other) => other.sequence === one.sequence && other.sequence.descends(other.at, one.at)),
    );
    const texts = leaves.map(({ sequence, at }) => sequence.text(at));
    const leafOf = rows.map(({ sequence, at }) =>
      leaves.findIndex((one) => one.sequence === sequence && (one.at === at || sequence.descends(one.at, at))),
    );
    const likeliest = texts.length === 0 ? [] : judge(this.#options.http, this.#options.model, texts);
    return {
      width: token.length,
      computeMilliseconds: performance.now() - started,
      logits: (row) => {
        const leaf = leafOf[row];
        if (leaf < 0) throw new DraftwrightError("bad-argument", `The logits of row ${row} were not asked for.`);
        const logits = new Float32Array(this.vocabSize).fill(Number.NEGATIVE_INFINITY);
        logits[likeliest[leaf][batch.position[row]]] = 0;
        return logits;
      },
      hidden: () => {
        throw new DraftwrightError("bad-argument", "A remote model shows no hidden states.");
      },
    };
  }

  [Symbol.dispose](): void {
    this.#sequences.clear();
    this.#options.http[Symbol.dispose]();
  }

  #append({ sequence: ids, parent }: ForwardBatch, token: number, row: number) {
    const sequence = this.#sequences.get(ids[row]);
    if (!sequence) throw new DraftwrightError("disposed", `row ${row}: sequence ${ids[row]} is closed`);
    return { sequence, at: sequence.append(token, parent[row]) };
  }
}

let lastId = 0;

/** Tokens in place of keys and values. */
class RemoteSequence implements Sequence {
  readonly id = ++lastId;
  capacity: number;
  readonly #registry: Map<number, RemoteSequence>;
  #tokens: number[] = [];
  #pending: { readonly token: number; readonly parent: number }[] = [];

  constructor(capacity: number, registry: Map<number, RemoteSequence>) {
    this.capacity = capacity;
    this.#registry = registry;
    registry.set(this.id, this);
  }

  get length(): number {
    return this.#tokens.length;
  }

  get pending(): number {
    return this.#pending.length;
  }

  /** Returns the new pending row. */
  append(token: number, parent: number): number {
    if (this.length + this.pending >= this.capacity) {
      throw new DraftwrightError("context-overflow", `A sequence of ${this.capacity} rows is full.`);
    }
    return this.#pending.push({ token, parent }) - 1;
  }

  /** Whether pending row `row` lies below `above`. */
  descends(row: number, above: number): boolean {
    for (let at = this.#pending[row].parent; at >= 0; at = this.#pending[at].parent) if (at === above) return true;
    return false;
  }

  /** Everything up to a pending row. */
  text(row: number): number[] {
    const path: number[] = [];
    for (let at = row; at >= 0; at = this.#pending[at].parent) path.push(this.#pending[at].token);
    return [...this.#tokens, ...path.reverse()];
  }

  compact(path: ArrayLike<number>): void {
    for (const row of Array.from(path)) this.#tokens.push(this.#pending[row].token);
    this.#pending = [];
  }

  truncate(length: number): void {
    this.#tokens.length = Math.min(length, this.#tokens.length);
    this.#pending = [];
  }

  fork(): Sequence {
    const copy = new RemoteSequence(this.capacity, this.#registry);
    copy.copyPrefix(this, this.length);
    return copy;
  }

  copyPrefix(from: Sequence, rows: number): void {
    this.#tokens = (from as RemoteSequence).#tokens.slice(0, rows);
  }

  shrink(): void {
    this.#pending = [];
    this.capacity = Math.max(1, this.length);
  }

  close(): void {
    this.#registry.delete(this.id);
  }
}
