// Graph operations that only training needs. Checked like those of ops.ts; which operation's gradient is which is nn's
// affair.
import { native } from "./native.ts";
import { nativeTraining } from "./native-training.ts";
import { check, fresh, rowsPacked, sameShape, tiles } from "./op-check.ts";
import type { Rope } from "./ops.ts";
import { type Context, type Shape, Tensor, Type } from "./tensor.ts";

const isF32 = (...tensors: Tensor[]) => tensors.every((t) => t.type === Type.F32);
const packed = (...tensors: Tensor[]) => tensors.every((t) => t.isContiguous);

type UnaryName =
  | "sqr"
  | "sqrt"
  | "log"
  | "exp"
  | "abs"
  | "neg"
  | "relu"
  | "step"
  | "sigmoid"
  | "silu"
  | "softplus"
  | "tanh";

/** An elementwise function. `step` is 1 above 0, else 0. */
export function unary(context: Context, name: UnaryName, a: Tensor): Tensor {
  check(isF32(a) && packed(a), name, a);
  const call = name === "tanh" ? native().tanh : nativeTraining()[name];
  return fresh(call(context.take(), a.pointer), a.type, a.shape);
}

/** a - b or a / b; b is repeated to a's shape. */
export function binary(context: Context, name: "sub" | "div", a: Tensor, b: Tensor): Tensor {
  check(tiles(b, a) && isF32(a, b) && rowsPacked(a) && rowsPacked(b), name, a, b);
  return fresh(nativeTraining()[name](context.take(), a.pointer, b.pointer), a.type, a.shape);
}

/** a * factor + bias. */
export function scaleBias(context: Context, a: Tensor, factor: number, bias: number): Tensor {
  check(isF32(a) && packed(a), "scale and bias", a);
  return fresh(nativeTraining().scaleBias(context.take(), a.pointer, factor, bias), a.type, a.shape);
}

/** Elements within low..high. */
export function clamp(context: Context, a: Tensor, low: number, high: number): Tensor {
  check(isF32(a) && packed(a), "clamp", a);
  return fresh(nativeTraining().clamp(context.take(), a.pointer, low, high), a.type, a.shape);
}

/** Sum of all elements: [1]. */
export function sum(context: Context, a: Tensor): Tensor {
  check(isF32(a) && packed(a), "sum", a);
  return fresh(nativeTraining().sum(context.take(), a.pointer), a.type, [1, 1, 1, 1]);
}

/** Sum or mean of each row: [n, rows] -> [1, rows]. */
export function reduceRows(context: Context, name: "sumRows" | "mean", a: Tensor): Tensor {
  check(isF32(a) && rowsPacked(a), name, a);
  const shape: Shape = [1, a.shape[1], a.shape[2], a.shape[3]];
  return fresh(nativeTraining()[name](context.take(), a.pointer), a.type, shape);
}

/** A contiguous copy of a view. */
export function contiguous(context: Context, a: Tensor): Tensor {
  check(a.type.blockElements === 1, "a contiguous copy", a);
  return fresh(nativeTraining().cont(context.take(), a.pointer), a.type, a.shape);
}

/** Weights of any type as F32. */
export function toF32(context: Context, a: Tensor): Tensor {
  check(a.type.weights && packed(a), "a conversion to F32", a);
  return fresh(nativeTraining().cast(context.take(), a.pointer, Type.F32.id), Type.F32, a.shape);
}

/** a repeated to a shape it tiles. */
export function repeat(context: Context, a: Tensor, shape: Shape): Tensor {
  check(isF32(a) && shape.every((n, i) => n % a.shape[i] === 0), `a repetition to [${shape}]`, a);
  return fresh(nativeTraining().repeat(context.take(), a.pointer, ...shape), a.type, shape);
}

/** Sums of what `repeat` would have copied: the opposite direction. */
export function repeatBack(context: Context, a: Tensor, shape: Shape): Tensor {
  check(isF32(a) && rowsPacked(a) && a.shape.every((n, i) => n % shape[i] === 0), `sums to [${shape}]`, a);
  const like = context.tensor(Type.F32, ...shape);
  return fresh(nativeTraining().repeatBack(context.take(), a.pointer, like.pointer), a.type, shape);
}

/** Zeros around a: [before, after] for each dimension. */
export function pad(context: Context, a: Tensor, sides: readonly (readonly [number, number])[]): Tensor {
  const all = [0, 1, 2, 3].map((i) => sides[i] ?? [0, 0]);
  check(isF32(a) && packed(a) && all.flat().every((n) => n >= 0), "padding", a);
  const shape = a.shape.map((n, i) => n + all[i][0] + all[i][1]) as unknown as Shape;
  return fresh(nativeTraining().pad(context.take(), a.pointer, ...all.flat()), a.type, shape);
}

/** a, then b along one dimension; the others are equal. */
export function concat(context: Context, a: Tensor, b: Tensor, dimension: 0 | 1 | 2 | 3): Tensor {
  const fits = a.shape.every((n, i) => i === dimension || n === b.shape[i]);
  check(fits && isF32(a, b) && packed(a, b), `joining along dimension ${dimension}`, a, b);
  const shape = a.shape.map((n, i) => (i === dimension ? n + b.shape[i] : n)) as unknown as Shape;
  return fresh(nativeTraining().concat(context.take(), a.pointer, b.pointer, dimension), a.type, shape);
}

/** Sum over rows r of a[:, r] b[:, r]^T: [k, n] x [m, n] -> [k, m]. `a` may be quantised. */
export function outProd(context: Context, a: Tensor, b: Tensor): Tensor {
  const [x, y] = [a.shape, b.shape];
  check(
    x[1] === y[1] && y[2] === x[2] && y[3] === x[3] && a.type.weights && isF32(b) && rowsPacked(a),
    "an outer product",
    a,
    b,
  );
  const pointer = nativeTraining().outProd(context.take(), a.pointer, b.pointer);
  return fresh(pointer, Type.F32, [x[0], y[0], y[2], y[3]]);
}

/** Softmax along rows of scale * a + mask; mask F32 or F16 [n, rows or more], repeated over dimensions 2 and 3. */
export function softMax(context: Context, a: Tensor, mask: Tensor | undefined, scale: number): Tensor {
  const fits =
    !mask ||
    ((mask.type === Type.F32 || mask.type === Type.F16) &&
      packed(mask) &&
      mask.shape[0] === a.shape[0] &&
      mask.shape[1] >= a.shape[1] &&
      a.shape[2] % mask.shape[2] === 0 &&
      a.shape[3] % mask.shape[3] === 0);
  check(isF32(a) && packed(a) && fits, "softmax", a, mask);
  const pointer = nativeTraining().softMax(context.take(), a.pointer, mask?.pointer ?? null, scale, 0);
  return fresh(pointer, a.type, a.shape);
}

/** Gradient of `softMax` with result y. */
export function softMaxBack(context: Context, gradient: Tensor, y: Tensor, scale: number): Tensor {
  check(sameShape(gradient, y) && isF32(gradient, y) && packed(gradient, y), "softmax gradient", gradient, y);
  return fresh(nativeTraining().softMaxBack(context.take(), gradient.pointer, y.pointer, scale, 0), y.type, y.shape);
}

/** Gradient of `rmsNorm` at x. */
export function rmsNormBack(context: Context, gradient: Tensor, x: Tensor, eps: number): Tensor {
  check(sameShape(gradient, x) && isF32(gradient, x) && packed(gradient, x), "RMS norm gradient", gradient, x);
  return fresh(nativeTraining().rmsNormBack(context.take(), gradient.pointer, x.pointer, eps), x.type, x.shape);
}

/** Gradient of `silu` at x. */
export function siluBack(context: Context, gradient: Tensor, x: Tensor): Tensor {
  check(sameShape(gradient, x) && isF32(gradient, x) && packed(gradient, x), "SiLU gradient", gradient, x);
  return fresh(nativeTraining().siluBack(context.take(), gradient.pointer, x.pointer), x.type, x.shape);
}

/** Gradient of `rope`: the rotation back. */
export function ropeBack(
  context: Context,
  gradient: Tensor,
  positions: Tensor,
  factors: Tensor | undefined,
  r: Rope,
): Tensor {
  check(
    isF32(gradient) && rowsPacked(gradient) && gradient.shape[2] === positions.shape[0],
    "rotary embedding gradient",
    gradient,
    positions,
  );
  const mode = r.layout === "halves" ? 2 : 0;
  const pointer = nativeTraining().ropeBack(
    context.take(),
    gradient.pointer,
    positions.pointer,
    factors?.pointer ?? null,
    r.dimensions,
    mode,
    r.originalContext,
    r.base,
    r.scale,
    r.extFactor,
    r.attentionFactor,
    r.betaFast,
    r.betaSlow,
  );
  return fresh(pointer, gradient.type, gradient.shape);
}

/** Gradient of `getRows` of a two-dimensional F32 table: gradient rows added up at their indices. */
export function getRowsBack(context: Context, gradient: Tensor, indices: Tensor, table: Tensor): Tensor {
  const flat = table.shape[2] === 1 && table.shape[3] === 1 && gradient.shape[2] === 1 && gradient.shape[3] === 1;
  check(
    flat && isF32(gradient, table) && packed(gradient) && gradient.shape[1] === indices.elements,
    "row look-up gradient",
    gradient,
    indices,
    table,
  );
  const pointer = nativeTraining().getRowsBack(context.take(), gradient.pointer, indices.pointer, table.pointer);
  return fresh(pointer, Type.F32, table.shape);
}

export interface Convolution {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
}

/** Patches of x [width, height, channels, n] under a kernel [kw, kh, channels, out] -> [kw * kh * channels, ow, oh, n]. */
export function im2col(context: Context, kernel: Tensor, x: Tensor, c: Convolution): Tensor {
  const out = [0, 1].map((i) => Math.floor((x.shape[i] + 2 * c.padding[i] - kernel.shape[i]) / c.stride[i]) + 1);
  check(
    isF32(kernel, x) && packed(kernel, x) && kernel.shape[2] === x.shape[2] && out[0] > 0 && out[1] > 0,
    "convolution",
    kernel,
    x,
  );
  const [k, s, p] = [kernel.shape, c.stride, c.padding];
  const pointer = nativeTraining().im2col(
    context.take(),
    kernel.pointer,
    x.pointer,
    s[0],
    s[1],
    p[0],
    p[1],
    1,
    1,
    true,
    Type.F32.id,
  );
  return fresh(pointer, Type.F32, [k[0] * k[1] * k[2], out[0], out[1], x.shape[3]]);
}

/** Gradient of `im2col` for an x of `shape`. */
export function im2colBack(context: Context, kernel: Tensor, gradient: Tensor, shape: Shape, c: Convolution): Tensor {
  check(isF32(kernel, gradient) && packed(kernel, gradient), "convolution gradient", kernel, gradient);
  const [s, p] = [c.stride, c.padding];
  const pointer = nativeTraining().im2colBack(
    context.take(),
    gradient.pointer,
    kernel.pointer,
    BigInt64Array.from(shape, BigInt),
    s[0],
    s[1],
    p[0],
    p[1],
    1,
    1,
    true,
  );
  return fresh(pointer, Type.F32, shape);
}

/** Adds b into a's memory; returns a. */
export function addInto(context: Context, a: Tensor, b: Tensor): Tensor {
  check(sameShape(a, b) && isF32(a, b) && packed(a, b), "adding in place", a, b);
  return new Tensor(nativeTraining().addInPlace(context.take(), a.pointer, b.pointer), a.type, a.shape, a.stride);
}

/** Marks a tensor as one that optimiser steps may change. It must have been declared, not computed. */
export function markParameter(tensor: Tensor): void {
  nativeTraining().setParam(tensor.pointer);
}

/**
 * One AdamW step in place. `settings` F32 [7]: rate, beta1, beta2, epsilon, weight decay, 1 / (1 - beta1^t),
 * 1 / (1 - beta2^t). Weight decay is decoupled.
 */
export function adamW(
  context: Context,
  parameter: Tensor,
  gradient: Tensor,
  moments: readonly [Tensor, Tensor],
  settings: Tensor,
): Tensor {
  const all = [gradient, ...moments];
  check(
    isF32(parameter, ...all) && all.every((t) => sameShape(t, parameter) && packed(t)) && settings.elements === 7,
    "an AdamW step",
    parameter,
    ...all,
  );
  const [m, v] = moments;
  const pointer = nativeTraining().adamW(
    context.take(),
    parameter.pointer,
    gradient.pointer,
    m.pointer,
    v.pointer,
    settings.pointer,
  );
  return new Tensor(pointer, parameter.type, parameter.shape, parameter.stride);
}

/** One step of stochastic gradient descent in place. `settings` F32 [2]: rate, weight decay. */
export function sgd(context: Context, parameter: Tensor, gradient: Tensor, settings: Tensor): Tensor {
  const fits = sameShape(gradient, parameter) && packed(gradient) && settings.elements === 2;
  check(isF32(parameter, gradient) && fits, "an SGD step", parameter, gradient);
  const pointer = nativeTraining().sgd(context.take(), parameter.pointer, gradient.pointer, settings.pointer);
  return new Tensor(pointer, parameter.type, parameter.shape, parameter.stride);
}
