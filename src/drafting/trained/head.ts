// What a drafting head is: a small network over the target's features, one row a position. Row i reads the feature f_i and
// the token t_(i+1) that the target said after it; its outputs, put through the target's output matrix, say t_(i+2), ...
import type { Parameters, Variable } from "../../nn/index.ts";

export type HeadKind = "medusa" | "amphista" | "eagle" | "falcon";

export interface HeadSettings {
  readonly kind: HeadKind;
  readonly hiddenSize: number;
  /** Positions drafted at once; 1 for eagle and falcon, whose outputs are their next inputs. */
  readonly heads: number;
  /** Decoder layers of each of Amphista's two stages; 0: no staged adaptation. */
  readonly adaptation: number;
  /** Whether Amphista's heads attend to each other; false: each stands for itself. */
  readonly bidirectional: boolean;
  /** Falcon: positions drafted in a pass, k. Row i then estimates f_(i+k), and the rows of a block see each other. */
  readonly block?: number;
  /** Falcon: where blocks begin. tail (default): the newest rows are always one; chunk: at the first row fed, as published. */
  readonly align?: "tail" | "chunk";
  /** Falcon: how feature and token are joined. */
  readonly fuser?: Fuser;
  /** Tokens that are drafted; absent: all of the target's. */
  readonly tokens?: readonly number[];
  /** Of held-out rows: the share in which the target's token at a position was the head's choice of each rank; for static trees. */
  readonly rankShares?: readonly (readonly number[])[];
}

/**
 * linear (of files that do not say): a sum, as EAGLE; gate: two LSTM layers without a state, which is what the published code computes; lstm: two
 * that keep their state from row to row; newest (ours): a sum with those of the newest row of the block too.
 */
export type Fuser = "linear" | "gate" | "lstm" | "newest";
export const fusers: readonly Fuser[] = ["linear", "gate", "lstm", "newest"];

/** Whether what a row says is fed back to draft further: such trees are grown by confidence. */
export const feedsItself = ({ kind }: HeadSettings): boolean => kind === "eagle" || kind === "falcon";

/** Positions that one pass of a head with one output a row drafts; 1 for all but Falcon. */
export const blockSize = (settings: HeadSettings): number => settings.block ?? 1;

/**
 * One past the last row that row `row` of `rows` sees: the end of its block of `k` (relaxed causal mask: Falcon, section
 * 3.2). `lead`: rows that the first block lacks; by default the last block is whole.
 */
export function blockEnd(row: number, rows: number, k: number, lead = (k - (rows % k)) % k): number {
  return Math.min(rows, row + k - ((row + lead) % k));
}

/** How a decoder layer's rows see each other: texts side by side in training, a cache in use. */
export type Attend = (layer: number, q: Variable, k: Variable, v: Variable) => Variable;

/**
 * How a recurrence goes along the rows, each from the state of the row before it; arguments and result as those of `lstm` of
 * src/nn, all rows in one dimension.
 */
export type Recur = (layer: number, gates: Variable, recurrent: Variable) => Variable;

export interface HeadRows {
  /** [hiddenSize, rows] */
  readonly feature: Variable;
  /** Embeddings of the tokens that follow: [hiddenSize, rows]. */
  readonly token: Variable;
  readonly attend: Attend;
  readonly recur: Recur;
  /** [size, rows] -> [size, rows]: in place of each row the last one of its block. */
  newest(rows: Variable): Variable;
}

export interface Head {
  readonly settings: HeadSettings;
  readonly parameters: Parameters;
  /** Decoder layers that need a cache. */
  readonly layers: number;
  /** Recurrences, whose states are kept for each row. */
  readonly recurrences?: number;
  /** Width of a cached key or value row, and of a state. */
  readonly cacheWidth: number;
  /** [hiddenSize, heads, rows]: inputs of the target's output matrix. */
  outputs(rows: HeadRows): Variable;
}

/** Attention heads of a head's own layers. */
export function attentionHeads(hiddenSize: number): number {
  return hiddenSize % 64 === 0 ? hiddenSize / 64 : 1;
}
