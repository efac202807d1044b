// Operations that move numbers without changing them.
import { trainingOps as more, ops, type Shape } from "../ggml/index.ts";
import type { Input, Variable } from "./tape.ts";

export function reshape(a: Variable, ...dimensions: number[]): Variable {
  const c = a.tape.context;
  return a.tape.record(ops.reshape(c, a.tensor, ...dimensions), [a, (g) => ops.reshape(c, g, ...a.shape)]);
}

/** Dimension i becomes dimension axes[i]; a contiguous copy. */
export function permute(a: Variable, axes: readonly [number, number, number, number]): Variable {
  const c = a.tape.context;
  const back = [0, 0, 0, 0] as [number, number, number, number];
  for (const [i, axis] of axes.entries()) back[axis] = i;
  return a.tape.record(more.contiguous(c, ops.permute(c, a.tensor, axes)), [
    a,
    (g) => more.contiguous(c, ops.permute(c, g, back)),
  ]);
}

/** `length` entries from `start` on along one dimension; a contiguous copy. */
export function slice(a: Variable, dimension: 0 | 1 | 2 | 3, start: number, length: number): Variable {
  const c = a.tape.context;
  const { shape, stride } = a.tensor;
  const part = shape.map((n, i) => (i === dimension ? length : n));
  const view = ops.view(c, a.tensor, part, start * stride[dimension], [stride[1], stride[2], stride[3]]);
  const sides = shape.map((n, i): [number, number] => (i === dimension ? [start, n - start - length] : [0, 0]));
  return a.tape.record(more.contiguous(c, view), [a, (g) => more.pad(c, g, sides)]);
}

/** a, then b along one dimension. */
export function concat(a: Variable, b: Variable, dimension: 0 | 1 | 2 | 3): Variable {
  const c = a.tape.context;
  const cut = (from: Variable, offset: number) => (g: Parameters<typeof more.contiguous>[1]) => {
    const [, s1, s2, s3] = g.stride;
    return more.contiguous(c, ops.view(c, g, [...from.shape], offset * g.stride[dimension], [s1, s2, s3]));
  };
  return a.tape.record(more.concat(c, a.tensor, b.tensor, dimension), [a, cut(a, 0)], [b, cut(b, a.shape[dimension])]);
}

/** Rows of a [n, rows] picked by index: [n, k]. Also the look-up of an embedding table, of any type if it is frozen. */
export function selectRows(a: Variable, rows: Input<Int32Array<ArrayBuffer>>): Variable {
  const c = a.tape.context;
  const indices = rows.variable.tensor;
  return a.tape.record(ops.getRows(c, a.tensor, indices), [a, (g) => more.getRowsBack(c, g, indices, a.tensor)]);
}

/** The shape without trailing ones. */
export function dimensions(shape: Shape): number[] {
  const list = [...shape];
  while (list.length > 1 && list[list.length - 1] === 1) list.pop();
  return list;
}
