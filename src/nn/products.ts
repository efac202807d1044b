// Matrix products, attention and convolution.
import { DraftwrightError } from "../errors.ts";
import { trainingOps as more, ops, type Tensor } from "../ggml/index.ts";
import { mul, scale, tanh } from "./elementwise.ts";
import { permute, reshape } from "./shapes.ts";
import type { Input, Variable } from "./tape.ts";

/**
 * [k, m] x [k, n] -> [m, n]; further dimensions are equal, or a matrix meets an x of any rank. A quantised `weights` is
 * frozen. Gradients are products with transposed operands: 1.3 to 3 times faster than ggml's outer product (bench).
 */
export function matmul(weights: Variable, x: Variable): Variable {
  const { tape } = x;
  const c = tape.context;
  const [w, s] = [weights.shape, x.shape];
  if (w[2] === 1 && w[3] === 1 && (s[2] > 1 || s[3] > 1)) {
    return reshape(matmul(weights, reshape(x, s[0], x.rows)), w[1], s[1], s[2], s[3]);
  }
  if (w[2] !== s[2] || w[3] !== s[3]) {
    throw new DraftwrightError(
      "bad-shape",
      `a product of ${weights.tensor} and ${x.tensor} has no gradient; repeat first`,
    );
  }
  return tape.record(
    ops.mulMat(c, weights.tensor, x.tensor),
    [weights, (g) => ops.mulMat(c, tape.transposed(x.tensor), tape.transposed(g))],
    [x, (g) => ops.mulMat(c, tape.transposed(weights.tensor), g)],
  );
}

/** Softmax of each row of factor * a + mask. */
export function softmax(a: Variable, mask?: Variable, factor = 1): Variable {
  const c = a.tape.context;
  const y = more.softMax(c, a.tensor, mask?.tensor, factor);
  return a.tape.record(y, [a, (g) => more.softMaxBack(c, g, y, factor)]);
}

/** Rotary embedding of x [head, heads, rows, batch] by positions [rows]. */
export function rope(
  x: Variable,
  positions: Input<Int32Array<ArrayBuffer>>,
  settings: ops.Rope,
  factors?: Tensor,
): Variable {
  const c = x.tape.context;
  const p = positions.variable.tensor;
  return x.tape.record(ops.rope(c, x.tensor, p, factors, settings), [
    x,
    (g) => more.ropeBack(c, g, p, factors, settings),
  ]);
}

/** The settings of plain rotary embedding. */
export function plainRope(dimensions: number, layout: "pairs" | "halves", base = 10000): ops.Rope {
  const yarn = { originalContext: 0, extFactor: 0, attentionFactor: 1, betaFast: 32, betaSlow: 1 };
  return { dimensions, layout, base, scale: 1, ...yarn };
}

export interface AttentionOptions {
  /** [kv, rows] or [kv, rows, 1, batch]: added to the scores, 0 or -Infinity. Absent: everything is seen. */
  readonly mask?: Variable;
  /** Default 1 / sqrt(head size). */
  readonly scale?: number;
  /** Scores become cap * tanh(score / cap). */
  readonly softCap?: number;
}

/**
 * softmax(q k + mask) v. q [head, heads, rows, batch]; k, v [head, kvHeads, kv, batch], each shared by heads / kvHeads
 * consecutive heads -> [head * heads, rows, batch].
 */
export function attention(q: Variable, k: Variable, v: Variable, options: AttentionOptions = {}): Variable {
  const [size, heads, rows, batch] = q.shape;
  const [, kvHeads, kv] = k.shape;
  const group = heads / kvHeads;
  const factor = options.scale ?? 1 / Math.sqrt(size);
  // The heads of a group become more rows of one product, so that no operand is repeated.
  const grouped = reshape(permute(q, [0, 2, 1, 3]), size, rows * group, kvHeads, batch);
  const products = matmul(permute(k, [0, 2, 1, 3]), grouped);
  let scores = reshape(products, kv, rows, heads, batch);
  if (options.softCap) scores = scale(tanh(scale(scores, factor / options.softCap)), options.softCap);
  const chances = softmax(scores, options.mask, options.softCap ? 1 : factor);
  const mixed = matmul(permute(v, [1, 2, 0, 3]), reshape(chances, kv, rows * group, kvHeads, batch));
  return reshape(permute(reshape(mixed, size, rows, heads, batch), [0, 2, 1, 3]), size * heads, rows, batch);
}

/** Convolution of x [width, height, channels, n] with a kernel [kw, kh, channels, out] -> [ow, oh, out, n], by im2col. */
export function conv2d(kernel: Variable, x: Variable, settings: more.Convolution): Variable {
  const { tape } = x;
  const c = tape.context;
  const patches = tape.record(more.im2col(c, kernel.tensor, x.tensor, settings), [
    x,
    (g) => more.im2colBack(c, kernel.tensor, g, x.shape, settings),
  ]);
  const [patch, width, height, n] = patches.shape;
  const out = kernel.shape[3];
  const y = matmul(reshape(kernel, patch, out), reshape(patches, patch, width * height * n));
  return permute(reshape(y, out, width, height, n), [2, 0, 1, 3]);
}

/** RMS norm of each row times a weight [n]. */
export function rmsNorm(x: Variable, weight: Variable | undefined, epsilon = 1e-5): Variable {
  const c = x.tape.context;
  const y = x.tape.record(ops.rmsNorm(c, x.tensor, epsilon), [x, (g) => more.rmsNormBack(c, g, x.tensor, epsilon)]);
  return weight ? mul(y, weight) : y;
}

/** Each row minus its mean, divided by its deviation. */
export function normalise(x: Variable, epsilon = 1e-5): Variable {
  const c = x.tape.context;
  const centred = more.binary(c, "sub", x.tensor, more.reduceRows(c, "mean", x.tensor));
  const variance = more.reduceRows(c, "mean", more.unary(c, "sqr", centred));
  const deviation = more.unary(c, "sqrt", more.scaleBias(c, variance, 1, epsilon));
  const y = more.binary(c, "div", centred, deviation);
  return x.tape.record(y, [
    x,
    (g) => {
      const offset = more.binary(c, "sub", g, more.reduceRows(c, "mean", g));
      const along = ops.mul(c, y, more.reduceRows(c, "mean", ops.mul(c, g, y)));
      return more.binary(c, "div", more.binary(c, "sub", offset, along), deviation);
    },
  ]);
}
