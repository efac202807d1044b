// The language model interface: what drafting needs from a model, and nothing else.
// Two implementations exist: the f64 toy (toy/), readable and batch-invariant by construction, and ggml graphs (graph/).

/** Sublayers left out of a forward: the residual stream passes unchanged (the sublayer's norm is skipped too). Layer indices. */
export interface SkipSet {
  readonly attention: readonly number[];
  readonly mlp: readonly number[];
}

/** A low-rank change of the weights, loaded beside the model under a name. */
export interface Adapter {
  readonly name: string;
  readonly scale: number;
}

/**
 * One forward over rows of one or several sequences. Structure of arrays, one entry a row.
 * The rows of one sequence keep their order; rows of different sequences may alternate.
 *
 * Each row is appended to its sequence as a *pending* row. Pending rows of a sequence are numbered 0, 1, .. since its
 * last `compact` or `truncate`, across forwards, so that a drafter can grow a tree level by level. A row attends to all
 * committed rows, to its ancestors along `parent`, and to itself.
 */
export interface ForwardBatch {
  /** `Sequence.id` of each row. */
  readonly sequence: Int32Array;
  readonly token: Int32Array;
  /** Pending-row index (in the same sequence) this row follows; -1 = follows the committed context. */
  readonly parent: Int32Array;
  /** Absolute position, 0-based: committed length + depth in the tree. Siblings share a position. */
  readonly position: Int32Array;
  /** 1 where the logits of the row are wanted. */
  readonly wantLogits: Uint8Array;
  /**
   * Hidden states: the input of the given layers; layerCount is the output of the last one before the final norm,
   * layerCount + 1 that after it.
   */
  readonly wantHidden?: { readonly layers: readonly number[]; readonly rows: Uint8Array };
  readonly skip?: SkipSet;
  /** The one adapter of this forward; null: none. Absent: all that the model was loaded with, at their own scales. */
  readonly adapter?: Adapter | null;
  /** A chunk of a prompt: its rows are computed as if no logits were wanted, whichever are. */
  readonly prompt?: boolean;
}

/**
 * A chain of so many rows that wants at most one row's logits, or is a chunk of a prompt, may be computed by other kernels
 * than shorter ones. Between the chunks of a prompt that are this long, rows have the same bits wherever they are cut.
 */
export const PREFILL_ROWS = 64;

export interface ForwardResult {
  /** Rows of this forward. */
  readonly width: number;
  /** Milliseconds the computation took, without the preparation of its inputs. */
  readonly computeMilliseconds: number;
  /**
   * Logits of one row: Float32Array [vocabSize]. A view into the model's memory: valid until the next forward, and the
   * caller may overwrite it. Throws when the row's logits were not wanted.
   */
  logits(row: number): Float32Array;
  /** Hidden state [hiddenSize] of a wanted row and layer; valid until the next forward. */
  hidden(row: number, layer: number): Float32Array;
}

/** The KV rows of one sequence: `length` committed rows, then `pending` rows that a `compact` keeps or drops. */
export interface Sequence {
  readonly id: number;
  readonly length: number;
  readonly pending: number;
  /** Rows this sequence may hold, committed and pending together. */
  readonly capacity: number;
  /**
   * Commits pending rows along one path and drops the others. `path` holds pending-row indices, strictly increasing,
   * each the parent of the next, the first a child of the committed context. An empty path drops all pending rows.
   */
  compact(path: ArrayLike<number>): void;
  /** Drops pending rows and all committed rows from `length` on. */
  truncate(length: number): void;
  /** A new sequence holding a copy of the committed rows. */
  fork(): Sequence;
  /** Copies the first `rows` committed rows of another sequence of this model into this one, which must be empty. */
  copyPrefix(from: Sequence, rows: number): void;
  /** Gives back the room behind the committed rows; it holds no more than these from now on. Drops pending rows. */
  shrink(): void;
  close(): void;
}

export type Numerics = "exact" | "fast";

export interface LanguageModel {
  readonly vocabSize: number;
  readonly layerCount: number;
  readonly hiddenSize: number;
  /** Longest context in tokens that the weights were made for (or the user's smaller limit). */
  readonly contextLength: number;
  /**
   * `exact`: row i of a forward is bit-identical whatever rows stand beside it (as far as it has been proven for this
   * model on this machine). `fast`: equal up to rounding.
   */
  readonly numerics: Numerics;
  /** Adapters that were loaded with it, at the scales they have in a forward that names none. */
  readonly adapters?: readonly Adapter[];
  /** Throws RangeError-like LmError on bad input, before any native call. */
  forward(batch: ForwardBatch): ForwardResult;
  /** Opens an empty sequence with room for `rows` (default: contextLength). Throws when no room is left. */
  open(options?: { rows?: number }): Sequence;
  [Symbol.dispose](): void;
}

/** A batch over one sequence in which every row follows the one before (prefill, plain decoding, a chain draft). */
export function chainBatch(
  sequence: Sequence,
  tokens: ArrayLike<number>,
  logits: "all" | "last" | "none",
): ForwardBatch {
  const width = tokens.length;
  const start = sequence.pending;
  const batch = {
    sequence: new Int32Array(width).fill(sequence.id),
    token: Int32Array.from(tokens),
    parent: new Int32Array(width),
    position: new Int32Array(width),
    wantLogits: new Uint8Array(width),
  };
  for (let i = 0; i < width; i++) {
    batch.parent[i] = start + i - 1;
    batch.position[i] = sequence.length + start + i;
    batch.wantLogits[i] = logits === "all" || (logits === "last" && i === width - 1) ? 1 : 0;
  }
  return batch;
}
