// A model whose next token is a function of all tokens before it, found in a microsecond: what a row says is carried by a
// hash in its cache, so that a row of the wrong text, a lost one or one too many shows in the next token.
import type { ForwardBatch, ForwardResult, LanguageModel } from "../../lm/model.ts";
import { checkBatch, RowSequence, SequencePool } from "../../lm/toy/rows.ts";

class HashSequence extends RowSequence {
  readonly hash: Int32Array;
  readonly #model: HashModel;

  constructor(id: number, rows: number, model: HashModel) {
    super(id, rows);
    this.hash = new Int32Array(rows);
    this.#model = model;
  }

  protected override copyRow(from: number, to: number): void {
    this.hash[to] = this.hash[from];
  }

  protected override openLike(): HashSequence {
    return this.#model.open({ rows: this.capacity });
  }

  protected override copyContents(from: HashSequence, rows: number): void {
    this.hash.set(from.hash.subarray(0, rows));
  }

  protected override giveBack(rows: number): void {
    this.#model.pool.giveBack(rows);
  }

  protected override release(): void {
    this.#model.pool.remove(this);
  }
}

export interface HashModelOptions {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly maxRows: number;
  /** Called after the rows of a forward were taken; may throw, may advance a clock. */
  readonly onForward: (batch: ForwardBatch) => void;
}

export class HashModel implements LanguageModel {
  readonly vocabSize: number;
  readonly layerCount = 0;
  readonly hiddenSize = 0;
  readonly contextLength: number;
  readonly numerics = "exact";
  readonly pool: SequencePool;
  readonly #onForward: HashModelOptions["onForward"];

  constructor({ vocabSize, contextLength, maxRows, onForward }: HashModelOptions) {
    this.vocabSize = vocabSize;
    this.contextLength = contextLength;
    this.pool = new SequencePool(maxRows);
    this.#onForward = onForward;
  }

  open({ rows = this.contextLength } = {}): HashSequence {
    return this.pool.add(rows, (id, capacity) => new HashSequence(id, capacity, this)) as HashSequence;
  }

  forward(batch: ForwardBatch): ForwardResult {
    checkBatch(batch, this, this.pool);
    const width = batch.token.length;
    const hashes = new Int32Array(width);
    for (let row = 0; row < width; row++) {
      const sequence = this.pool.get(batch.sequence[row]) as HashSequence;
      const parent = batch.parent[row];
      const before = parent >= 0 ? sequence.length + parent : sequence.length - 1;
      const at = sequence.append(batch.token[row], parent);
      hashes[row] = nextHash(before < 0 ? 0 : sequence.hash[before], batch.token[row]);
      sequence.hash[at] = hashes[row];
    }
    this.#onForward(batch);
    return {
      width,
      computeMilliseconds: 0,
      logits: (row) => {
        const logits = new Float32Array(this.vocabSize);
        logits[nextToken(hashes[row], batch.token[row], this.vocabSize)] = 10;
        return logits;
      },
      hidden() {
        throw new Error("no layers");
      },
    };
  }

  [Symbol.dispose](): void {}
}

/** What the model says after these tokens, `count` times. */
export function continuation(prompt: ArrayLike<number>, count: number, vocabSize: number): number[] {
  const tokens: number[] = [];
  let hash = 0;
  for (let i = 0; i < prompt.length; i++) hash = nextHash(hash, prompt[i]);
  let last = prompt[prompt.length - 1];
  while (tokens.length < count) {
    last = nextToken(hash, last, vocabSize);
    tokens.push(last);
    hash = nextHash(hash, last);
  }
  return tokens;
}

function nextHash(hash: number, token: number): number {
  let mixed = Math.imul(hash ^ (token + 0x9e3779b9), 0x85ebca6b);
  mixed ^= mixed >>> 13;
  return Math.imul(mixed, 0xc2b2ae35) ^ (mixed >>> 16);
}

/** Mostly a function of the last token, so that texts repeat and drafts succeed; at times of all of them. */
function nextToken(hash: number, token: number, vocabSize: number): number {
  return (hash & 7) === 0 ? (hash >>> 3) % vocabSize : (token * 5 + 1) % Math.min(vocabSize, 24);
}
