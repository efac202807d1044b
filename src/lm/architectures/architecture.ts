// What an architecture file says, and the operations it says it in. An op set turns those into a graph: the inference set
// (graph/inference-ops.ts) uses fused operations and KV rows; a training set may use only operations with a gradient.

/** Queries, keys and values of one layer before rotation. */
export interface Projections<T> {
  readonly query: T;
  readonly key: T;
  readonly value: T;
  /** The one product the three are parts of, when their matrices are stored as one. */
  readonly stacked?: T;
}

/** T is the op set's tensor. Rows are tokens: x is [hiddenSize, rows]. */
export interface OpSet<T> {
  /** Embedded tokens times the model's embedding scale. */
  embed(): T;
  add(a: T, b: T): T;
  /** RMS norm times its weight. */
  attentionNorm(layer: number, x: T): T;
  attentionPostNorm(layer: number, x: T): T;
  feedForwardNorm(layer: number, x: T): T;
  feedForwardPostNorm(layer: number, x: T): T;
  /** Query, key and value matrices, with their biases where the file has them. */
  project(layer: number, x: T): Projections<T>;
  /** RMS norm of each query and key head times its weight. */
  normHeads(layer: number, p: Projections<T>): Projections<T>;
  /** Rotates queries and keys, attends over the row's context, applies the output matrix: [hiddenSize, rows]. */
  attend(layer: number, p: Projections<T>): T;
  /** down(activation(gate x) * up x), with biases where the file has them. */
  feedForward(layer: number, x: T): T;
  /** Final norm and output matrix: logits [vocabSize, rows], soft-capped where the model does so. */
  logits(x: T): T;
}

/** The sublayers of one architecture. Each returns the residual stream after it. */
export interface Architecture {
  attention<T>(ops: OpSet<T>, layer: number, x: T): T;
  feedForward<T>(ops: OpSet<T>, layer: number, x: T): T;
}
