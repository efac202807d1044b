// Graph operations. Each checks what ggml would assert (an assertion aborts the process) and mirrors the result's shape.
import { native } from "./native.ts";
import { check, fresh, rowsPacked, sameShape, tiles } from "./op-check.ts";
import { type Context, type Shape, Tensor, Type, toShape } from "./tensor.ts";
import { rowBytes } from "./types.ts";

/** [k, m] x [k, n] -> [m, n]: every row of `weights` with every column of `x`. */
export function mulMat(context: Context, weights: Tensor, x: Tensor): Tensor {
  const [a, b] = [weights.shape, x.shape];
  check(
    a[0] === b[0] &&
      b[2] % a[2] === 0 &&
      b[3] % a[3] === 0 &&
      rowsPacked(weights) &&
      weights.stride[0] <= weights.stride[1] &&
      x.type === Type.F32 &&
      rowsPacked(x),
    "a matrix product",
    weights,
    x,
  );
  return fresh(native().mulMat(context.take(), weights.pointer, x.pointer), Type.F32, [a[1], b[1], b[2], b[3]]);
}

function binary(name: "add" | "mul", context: Context, a: Tensor, b: Tensor): Tensor {
  check(tiles(b, a) && a.type === Type.F32 && b.type === Type.F32 && rowsPacked(a) && rowsPacked(b), name, a, b);
  return fresh(native()[name](context.take(), a.pointer, b.pointer), a.type, a.shape);
}

/** a + b; b is repeated to a's shape. */
export const add = (context: Context, a: Tensor, b: Tensor): Tensor => binary("add", context, a, b);
/** a * b elementwise; b is repeated to a's shape. */
export const mul = (context: Context, a: Tensor, b: Tensor): Tensor => binary("mul", context, a, b);

export function scale(context: Context, a: Tensor, factor: number): Tensor {
  check(a.type === Type.F32 && a.isContiguous, "scale", a);
  return fresh(native().scale(context.take(), a.pointer, factor), a.type, a.shape);
}

export function tanh(context: Context, a: Tensor): Tensor {
  check(a.type === Type.F32 && a.isContiguous, "tanh", a);
  return fresh(native().tanh(context.take(), a.pointer), a.type, a.shape);
}

/** Each row divided by its root mean square; eps is added to the mean square. */
export function rmsNorm(context: Context, a: Tensor, eps: number): Tensor {
  check(a.type === Type.F32 && rowsPacked(a) && eps >= 0, "RMS norm", a);
  return fresh(native().rmsNorm(context.take(), a.pointer, eps), a.type, a.shape);
}

/** Rows of `table` [n, rows] picked by `indices` I32 [k] -> F32 [n, k]. The caller keeps indices in range. */
export function getRows(context: Context, table: Tensor, indices: Tensor): Tensor {
  const [a, b] = [table.shape, indices.shape];
  check(
    indices.type === Type.I32 && a[2] === b[1] && a[3] === b[2] && b[3] === 1 && rowsPacked(table),
    "row look-up",
    table,
    indices,
  );
  return fresh(native().getRows(context.take(), table.pointer, indices.pointer), Type.F32, [a[0], b[0], b[1], b[2]]);
}

/** Writes rows of `source` F32 [n, k] to `indices` I64 or I32 [k] of `target` [n, rows]; returns the target. */
export function setRows(context: Context, target: Tensor, source: Tensor, indices: Tensor): Tensor {
  const [a, b, c] = [target.shape, source.shape, indices.shape];
  check(
    a[0] === b[0] &&
      a[2] === b[2] &&
      a[3] === b[3] &&
      b[1] === c[0] &&
      b[2] % c[1] === 0 &&
      b[3] % c[2] === 0 &&
      c[3] === 1 &&
      source.type === Type.F32 &&
      (indices.type === Type.I64 || indices.type === Type.I32) &&
      rowsPacked(target) &&
      rowsPacked(source),
    "row write",
    target,
    source,
    indices,
  );
  const pointer = native().setRows(context.take(), target.pointer, source.pointer, indices.pointer);
  return new Tensor(pointer, target.type, target.shape, target.stride);
}

export interface Rope {
  /** Rotated elements of each head. */
  readonly dimensions: number;
  /** `pairs`: neighbours are rotated (Llama); `halves`: element i with i + dimensions / 2 (NeoX). */
  readonly layout: "pairs" | "halves";
  readonly base: number;
  readonly scale: number;
  readonly originalContext: number;
  /** YaRN: extrapolation mix, attention factor, fast and slow betas. */
  readonly extFactor: number;
  readonly attentionFactor: number;
  readonly betaFast: number;
  readonly betaSlow: number;
}

/** Rotary position embedding of x F32 [head, heads, rows] by positions I32 [rows]; factors F32 [dimensions / 2] divide frequencies. */
export function rope(context: Context, x: Tensor, positions: Tensor, factors: Tensor | undefined, r: Rope): Tensor {
  check(
    x.type === Type.F32 &&
      rowsPacked(x) &&
      positions.type === Type.I32 &&
      positions.elements === positions.shape[0] &&
      x.shape[2] === positions.shape[0] &&
      r.dimensions > 0 &&
      r.dimensions % 2 === 0 &&
      r.dimensions <= x.shape[0] &&
      (!factors || (factors.type === Type.F32 && factors.shape[0] >= r.dimensions / 2)),
    "rotary embedding",
    x,
    positions,
    factors,
  );
  const mode = r.layout === "halves" ? 2 : 0;
  const pointer = native().rope(
    context.take(),
    x.pointer,
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
  return fresh(pointer, x.type, x.shape);
}

/**
 * softmax(scale * q k + mask) v. q F32 [head, rows, heads], k and v [head, kv, kvHeads], mask F16 [kv, rows] holding 0 or
 * -Infinity -> F32 [head, heads, rows]. A softCap > 0 squeezes scores through cap * tanh(score / cap) first.
 */
export function flashAttention(
  context: Context,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  mask: Tensor,
  options: { scale: number; softCap?: number },
): Tensor {
  check(
    q.type === Type.F32 &&
      q.shape[0] === k.shape[0] &&
      k.shape[1] === v.shape[1] &&
      k.shape[2] === v.shape[2] &&
      q.shape[2] % k.shape[2] === 0 &&
      q.shape[3] === 1 &&
      k.shape[3] === 1 &&
      v.shape[3] === 1 &&
      rowsPacked(q) &&
      rowsPacked(k) &&
      rowsPacked(v) &&
      mask.type === Type.F16 &&
      mask.isContiguous &&
      mask.shape[0] === k.shape[1] &&
      mask.shape[1] >= q.shape[1] &&
      mask.shape[2] === 1,
    "attention",
    q,
    k,
    v,
    mask,
  );
  const pointer = native().flashAttention(
    context.take(),
    q.pointer,
    k.pointer,
    v.pointer,
    mask.pointer,
    options.scale,
    0,
    options.softCap ?? 0,
  );
  return fresh(pointer, Type.F32, [v.shape[0], q.shape[2], q.shape[1], 1]);
}

const gluOperations = { geglu: 1, swiglu: 2 } as const;

/** act(first half) * second half along dimension 0: [2n, rows] -> [n, rows]. */
export function glu(context: Context, a: Tensor, operation: keyof typeof gluOperations): Tensor {
  check(a.type === Type.F32 && a.isContiguous && a.shape[0] % 2 === 0, operation, a);
  const shape: Shape = [a.shape[0] / 2, a.shape[1], a.shape[2], a.shape[3]];
  return fresh(native().glu(context.take(), a.pointer, gluOperations[operation], false), a.type, shape);
}

/** act(gate) * up. */
export function gluSplit(context: Context, gate: Tensor, up: Tensor, operation: keyof typeof gluOperations): Tensor {
  check(
    gate.type === Type.F32 && up.type === Type.F32 && sameShape(gate, up) && gate.isContiguous && up.isContiguous,
    operation,
    gate,
    up,
  );
  return fresh(
    native().gluSplit(context.take(), gate.pointer, up.pointer, gluOperations[operation]),
    gate.type,
    gate.shape,
  );
}

/** A window of a tensor: `dimensions` with `strides` in bytes (of dimensions 1..3; default: the source's) from byte `offset`. */
export function view(
  context: Context,
  a: Tensor,
  dimensions: number[],
  offset: number,
  strides: number[] = [],
): Tensor {
  const shape = toShape(dimensions);
  const stride = [a.stride[0], strides[0] ?? a.stride[1], strides[1] ?? a.stride[2], strides[2] ?? a.stride[3]];
  for (let i = dimensions.length; i < 4; i++)
    if (strides[i - 1] === undefined) stride[i] = stride[i - 1] * shape[i - 1];
  const last =
    rowBytes(a.type, shape[0]) + stride[1] * (shape[1] - 1) + stride[2] * (shape[2] - 1) + stride[3] * (shape[3] - 1);
  const end =
    rowBytes(a.type, a.shape[0]) +
    a.stride[1] * (a.shape[1] - 1) +
    a.stride[2] * (a.shape[2] - 1) +
    a.stride[3] * (a.shape[3] - 1);
  check(
    offset >= 0 && Number.isSafeInteger(offset) && offset + last <= end,
    `a view of [${shape}] at byte ${offset}`,
    a,
  );
  const pointer = native().view(context.take(), a.pointer, ...shape, stride[1], stride[2], stride[3], offset);
  return new Tensor(pointer, a.type, shape, stride as unknown as Shape);
}

export function reshape(context: Context, a: Tensor, ...dimensions: number[]): Tensor {
  const shape = toShape(dimensions);
  check(a.isContiguous && shape.reduce((x, y) => x * y) === a.elements, `a reshape to [${shape}]`, a);
  return fresh(native().reshape(context.take(), a.pointer, ...shape), a.type, shape);
}

/** Dimension i of the source becomes dimension axes[i] of the result; no data moves. */
export function permute(context: Context, a: Tensor, axes: readonly [number, number, number, number]): Tensor {
  check([...axes].sort().join() === "0,1,2,3", `a permutation ${axes}`, a);
  const shape = [0, 0, 0, 0];
  const stride = [0, 0, 0, 0];
  for (let i = 0; i < 4; i++) {
    shape[axes[i]] = a.shape[i];
    stride[axes[i]] = a.stride[i];
  }
  const pointer = native().permute(context.take(), a.pointer, ...axes);
  return new Tensor(pointer, a.type, shape as unknown as Shape, stride as unknown as Shape);
}

/** Joins along dimension 1: [n, a] and [n, b] -> [n, a + b]. */
export function joinRows(context: Context, a: Tensor, b: Tensor): Tensor {
  const ok =
    a.type === Type.F32 && b.type === Type.F32 && a.shape[0] === b.shape[0] && a.shape[2] === 1 && b.shape[2] === 1;
  check(ok && rowsPacked(a) && rowsPacked(b), "joining rows", a, b);
  const shape: Shape = [a.shape[0], a.shape[1] + b.shape[1], 1, 1];
  return fresh(native().concat(context.take(), a.pointer, b.pointer, 1), a.type, shape);
}
