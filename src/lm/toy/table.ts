import { DraftwrightError } from "../../errors.ts";
import type { ForwardBatch, ForwardResult, LanguageModel, Sequence } from "../model.ts";
import { checkBatch, RowSequence, SequencePool } from "./rows.ts";

export interface TableOptions {
  readonly vocabSize: number;
  readonly contextLength?: number;
  /** Distribution of the token after `prefix` (the whole path from position 0): fills or returns [vocabSize]. */
  readonly probabilities: (prefix: readonly number[]) => ArrayLike<number>;
  /** KV rows of all open sequences together; default 64 full contexts. */
  readonly maxRows?: number;
}

/**
 * A model whose next-token distribution is any function of the prefix: for exact enumeration and for planted behaviour
 * (a model that repeats its prompt). It has no layers; logits are the natural logarithms of the probabilities.
 */
export function tableModel(options: TableOptions): LanguageModel {
  return new TableModel(options);
}

class TableSequence extends RowSequence {
  private readonly model: TableModel;

  constructor(id: number, rows: number, model: TableModel) {
    super(id, rows);
    this.model = model;
  }

  protected override copyRow(): void {}

  protected override openLike(): TableSequence {
    return this.model.openRows(this.capacity);
  }

  protected override copyContents(): void {}

  protected override giveBack(rows: number): void {
    this.model.pool.giveBack(rows);
  }

  protected override release(): void {
    this.model.pool.remove(this);
  }
}

class TableModel implements LanguageModel {
  readonly vocabSize: number;
  readonly layerCount = 0;
  readonly hiddenSize = 0;
  readonly contextLength: number;
  readonly numerics = "exact";
  readonly pool: SequencePool;
  private readonly probabilities: TableOptions["probabilities"];

  constructor(options: TableOptions) {
    this.vocabSize = options.vocabSize;
    this.contextLength = options.contextLength ?? 128;
    this.probabilities = options.probabilities;
    this.pool = new SequencePool(options.maxRows ?? 64 * this.contextLength);
  }

  open(options: { rows?: number } = {}): Sequence {
    return this.openRows(options.rows ?? this.contextLength);
  }

  openRows(rows: number): TableSequence {
    return this.pool.add(rows, (id) => new TableSequence(id, rows, this));
  }

  [Symbol.dispose](): void {}

  forward(batch: ForwardBatch): ForwardResult {
    const start = performance.now();
    if (batch.wantHidden) throw new DraftwrightError("bad-argument", "A table model has no hidden states.");
    checkBatch(batch, this, this.pool);
    const logits = new Map<number, Float32Array>();
    for (let row = 0; row < batch.token.length; row++) {
      const sequence = this.pool.get(batch.sequence[row]);
      const at = sequence.append(batch.token[row], batch.parent[row]);
      if (!batch.wantLogits[row]) continue;
      const prefix = Array.from(sequence.token.subarray(0, sequence.length));
      for (const index of sequence.path(at - sequence.length)) prefix.push(sequence.token[sequence.length + index]);
      logits.set(row, Float32Array.from(this.probabilities(prefix), Math.log));
    }
    return {
      width: batch.token.length,
      computeMilliseconds: performance.now() - start,
      logits(row) {
        const values = logits.get(row);
        if (!values) throw new DraftwrightError("bad-argument", `The logits of row ${row} were not wanted.`);
        return values;
      },
      hidden() {
        throw new DraftwrightError("bad-argument", "A table model has no hidden states.");
      },
    };
  }
}
