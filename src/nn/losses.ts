// Losses. Each is one number: a weighted sum over rows whose weights the caller's labels carry.

import { DraftwrightError } from "../errors.ts";
import { trainingOps as more, ops } from "../ggml/index.ts";
import { add, mean, mul, relu, scale, softplus, square, sub } from "./elementwise.ts";
import { dimensions, reshape } from "./shapes.ts";
import type { Input, Tape, Variable } from "./tape.ts";

/**
 * What rows of logits [classes, rows] should say: `most` labelled classes a row with their probabilities; classes not
 * named have none. Rows without labels have no loss and push no gradient.
 */
export class Labels {
  readonly classes: number;
  readonly rows: number;
  readonly most: number;
  /** @internal Place of each label in the flat logits. */
  readonly places: Input<Int32Array<ArrayBuffer>>;
  /** @internal [1, most * rows] and [1, rows]: probabilities times row weight; row weights. */
  readonly weights: Input;
  /** @internal */
  readonly rowWeights: Input;

  constructor(tape: Tape, classes: number, rows: number, most = 1) {
    this.classes = classes;
    this.rows = rows;
    this.most = most;
    this.places = tape.indices(classes * rows, most * rows);
    this.weights = tape.input(1, most * rows);
    this.rowWeights = tape.input(1, rows);
  }

  /** Forgets all labels. */
  clear(): void {
    const { places, most } = this;
    this.weights.array.fill(0);
    this.rowWeights.array.fill(0);
    // Unused labels of a row name different classes: they are written back with a probability of 0.
    for (let i = 0; i < places.array.length; i++) {
      places.array[i] = Math.floor(i / most) * this.classes + (i % most);
    }
  }

  /** One row's distinct classes and their probabilities, which need not sum to 1; `weight` multiplies the row's loss. */
  soft(row: number, classes: ArrayLike<number>, probabilities: ArrayLike<number>, weight: number): void {
    if (classes.length > this.most) {
      throw new DraftwrightError("bad-argument", `${classes.length} labels for a row, room for ${this.most}`);
    }
    let total = 0;
    const first = row * this.most;
    for (let i = 0; i < classes.length; i++) {
      if (!(classes[i] >= 0 && classes[i] < this.classes)) {
        throw new DraftwrightError("bad-argument", `label ${classes[i]} is not in 0..${this.classes - 1}`);
      }
      this.places.array[first + i] = row * this.classes + classes[i];
      this.weights.array[first + i] = probabilities[i] * weight;
      total += probabilities[i] * weight;
    }
    this.#fillUp(row, classes);
    this.rowWeights.array[row] = total;
  }

  /** Unused places must not name a labelled class again: the later write would undo the gradient of the first. */
  #fillUp(row: number, classes: ArrayLike<number>): void {
    const first = row * this.most;
    if (classes.length === this.most) return;
    const used = new Set(Array.from(classes));
    let next = 0;
    for (let i = classes.length; i < this.most; i++) {
      while (used.has(next)) next++;
      this.places.array[first + i] = row * this.classes + next++;
      this.weights.array[first + i] = 0;
    }
  }

  /** One class a row, -1 = none; the loss is the mean over labelled rows, weighted by `weights` when given. */
  hard(classes: ArrayLike<number>, weights?: ArrayLike<number>): void {
    this.clear();
    let total = 0;
    for (let i = 0; i < this.rows; i++) if (classes[i] >= 0) total += weights?.[i] ?? 1;
    for (let i = 0; i < this.rows; i++) {
      if (classes[i] >= 0) this.soft(i, [classes[i]], [1], (weights?.[i] ?? 1) / total);
    }
  }
}

/**
 * - sum of weight * log softmax(logits)[label]. Its gradient, softmax minus labels, is written in place of the softmax:
 * labels never become a dense matrix, and one pass over the vocabulary is saved each way.
 */
export function crossEntropy(logits: Variable, labels: Labels): Variable {
  const { tape } = logits;
  const c = tape.context;
  const { classes, rows, most } = labels;
  if (logits.shape[0] !== classes || logits.rows !== rows) {
    throw new DraftwrightError(
      "bad-shape",
      `logits ${logits.tensor} for labels of ${classes} classes and ${rows} rows`,
    );
  }
  const chances = more.softMax(c, logits.tensor, undefined, 1);
  const places = labels.places.variable.tensor;
  const weights = labels.weights.variable.tensor;
  const flat = ops.reshape(c, chances, 1, classes * rows);
  const picked = ops.getRows(c, flat, places);
  // The smallest normal float keeps the logarithm finite; the gradient does not pass through it.
  const logs = more.unary(c, "log", more.clamp(c, picked, 1.2e-38, 1));
  const loss = ops.scale(c, more.sum(c, ops.mul(c, logs, weights)), -1);
  return tape.record(loss, [
    logits,
    (g) => {
      const rowWeights = ops.mul(c, labels.rowWeights.variable.tensor, g);
      const spread = ops.mul(c, ops.reshape(c, chances, classes, rows), rowWeights);
      // Each label's row weight, in the layout of the labels.
      const repeated = more.repeat(c, rowWeights, [most, rows, 1, 1]);
      const each = ops.reshape(c, repeated, 1, most * rows);
      const change = more.binary(c, "sub", ops.mul(c, each, picked), ops.mul(c, weights, g));
      const written = ops.setRows(c, ops.reshape(c, spread, 1, classes * rows), change, places);
      return ops.reshape(c, written, ...dimensions(logits.shape));
    },
  ]);
}

/** |d| - 1/2 beyond 1, d^2 / 2 within; the mean over elements. */
export function smoothL1(a: Variable, b: Variable): Variable {
  return mean(smoothL1Elements(a, b));
}

/** SmoothL1 of each element, for losses that weigh rows. */
export function smoothL1Elements(a: Variable, b: Variable): Variable {
  const difference = sub(a, b);
  const over = relu(scale(absolute(difference), 1, -1));
  const within = sub(absolute(difference), over);
  return add(scale(square(within), 0.5), over);
}

function absolute(a: Variable): Variable {
  return add(relu(a), relu(scale(a, -1)));
}

/** Mean of squared differences. */
export const meanSquared = (a: Variable, b: Variable): Variable => mean(square(sub(a, b)));

/** Binary cross-entropy of logits against targets 0..1, the mean over elements: softplus(x) - x y. */
export function binaryCrossEntropy(logits: Variable, targets: Variable): Variable {
  return mean(sub(softplus(logits), mul(logits, targets)));
}

/** Weighted sum of losses. */
export function mixed(...parts: readonly (readonly [weight: number, loss: Variable])[]): Variable {
  return parts.map(([weight, loss]) => scale(reshape(loss, 1), weight)).reduce((a, b) => add(a, b));
}
