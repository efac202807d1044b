// Elementwise functions and sums, each with its gradient.
import { trainingOps as more, ops, type Shape, type Tensor } from "../ggml/index.ts";
import type { Variable } from "./tape.ts";

/** Sums of a gradient to the shape of an operand that was repeated. */
function reduceTo(operand: Variable, gradient: Tensor): Tensor {
  const c = operand.tape.context;
  const target = operand.shape;
  if (target.every((n, i) => n === gradient.shape[i])) return gradient;
  const rowsMatch = target.slice(1).every((n, i) => n === gradient.shape[i + 1]);
  if (target[0] === 1 && rowsMatch) return more.reduceRows(c, "sumRows", gradient);
  return more.repeatBack(c, gradient, target);
}

/** a + b; b is repeated to a's shape. */
export function add(a: Variable, b: Variable): Variable {
  const { tape } = a;
  return tape.record(ops.add(tape.context, a.tensor, b.tensor), [a, (g) => g], [b, (g) => reduceTo(b, g)]);
}

/** a - b; b is repeated to a's shape. */
export function sub(a: Variable, b: Variable): Variable {
  const { tape } = a;
  const c = tape.context;
  return tape.record(
    more.binary(c, "sub", a.tensor, b.tensor),
    [a, (g) => g],
    [b, (g) => more.unary(c, "neg", reduceTo(b, g))],
  );
}

/** a * b; b is repeated to a's shape. */
export function mul(a: Variable, b: Variable): Variable {
  const { tape } = a;
  const c = tape.context;
  return tape.record(
    ops.mul(c, a.tensor, b.tensor),
    [a, (g) => ops.mul(c, g, b.tensor)],
    [b, (g) => reduceTo(b, ops.mul(c, g, a.tensor))],
  );
}

/** a / b; b is repeated to a's shape. */
export function div(a: Variable, b: Variable): Variable {
  const { tape } = a;
  const c = tape.context;
  const y = more.binary(c, "div", a.tensor, b.tensor);
  return tape.record(
    y,
    [a, (g) => more.binary(c, "div", g, b.tensor)],
    [b, (g) => more.unary(c, "neg", reduceTo(b, more.binary(c, "div", ops.mul(c, g, y), b.tensor)))],
  );
}

/** a * factor + bias. */
export function scale(a: Variable, factor: number, bias = 0): Variable {
  const { tape } = a;
  const c = tape.context;
  const y = bias === 0 ? ops.scale(c, a.tensor, factor) : more.scaleBias(c, a.tensor, factor, bias);
  return tape.record(y, [a, (g) => ops.scale(c, g, factor)]);
}

/** A function of one number whose derivative follows from argument and result. */
function unary(name: Parameters<typeof more.unary>[1], rule: (g: Tensor, x: Tensor, y: Tensor, a: Variable) => Tensor) {
  return (a: Variable): Variable => {
    const y = more.unary(a.tape.context, name, a.tensor);
    return a.tape.record(y, [a, (g) => rule(g, a.tensor, y, a)]);
  };
}

export const square = unary("sqr", (g, x, _, { tape: { context: c } }) => ops.scale(c, ops.mul(c, g, x), 2));
export const sqrt = unary("sqrt", (g, _, y, { tape: { context: c } }) =>
  ops.scale(c, more.binary(c, "div", g, y), 0.5),
);
export const log = unary("log", (g, x, _, { tape: { context: c } }) => more.binary(c, "div", g, x));
export const exp = unary("exp", (g, _, y, { tape: { context: c } }) => ops.mul(c, g, y));
export const relu = unary("relu", (g, x, _, { tape: { context: c } }) => ops.mul(c, g, more.unary(c, "step", x)));
export const softplus = unary("softplus", (g, x, _, { tape: { context: c } }) =>
  ops.mul(c, g, more.unary(c, "sigmoid", x)),
);
export const silu = unary("silu", (g, x, _, { tape: { context: c } }) => more.siluBack(c, g, x));
/** y (1 - y) */
export const sigmoid = unary("sigmoid", (g, _, y, { tape: { context: c } }) =>
  ops.mul(c, g, ops.mul(c, y, more.scaleBias(c, y, -1, 1))),
);
/** 1 - y^2 */
export const tanh = unary("tanh", (g, _, y, { tape: { context: c } }) =>
  ops.mul(c, g, more.scaleBias(c, more.unary(c, "sqr", y), -1, 1)),
);

/** 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), composed: ggml's own reads a table of half precision. */
export function gelu(x: Variable): Variable {
  const cubic = mul(x, scale(square(x), 0.044715, 1));
  return scale(mul(x, scale(tanh(scale(cubic, Math.sqrt(2 / Math.PI))), 1, 1)), 0.5);
}

/** silu(gate) * up. */
export function swiglu(gate: Variable, up: Variable): Variable {
  const { tape } = gate;
  const c = tape.context;
  return tape.record(
    ops.gluSplit(c, gate.tensor, up.tensor, "swiglu"),
    [gate, (g) => more.siluBack(c, ops.mul(c, g, up.tensor), gate.tensor)],
    [up, (g) => ops.mul(c, g, more.unary(c, "silu", gate.tensor))],
  );
}

/** Sum of all elements: [1]. */
export function sum(a: Variable): Variable {
  const { tape } = a;
  const c = tape.context;
  return tape.record(more.sum(c, a.tensor), [a, (g) => more.repeat(c, g, a.shape)]);
}

/** Mean of all elements: [1]. */
export const mean = (a: Variable): Variable => scale(sum(a), 1 / a.tensor.elements);

/** Sum of each row: [n, rows] -> [1, rows]. */
export function sumRows(a: Variable): Variable {
  const { tape } = a;
  const c = tape.context;
  return tape.record(more.reduceRows(c, "sumRows", a.tensor), [a, (g) => more.repeat(c, g, a.shape)]);
}

/** Copies to a larger shape. */
export function repeat(a: Variable, shape: Shape): Variable {
  const { tape } = a;
  return tape.record(more.repeat(tape.context, a.tensor, shape), [a, (g) => reduceTo(a, g)]);
}

/** Zeroes each element with chance `rate` and scales the others up; other elements at each run, by the tape's generator. */
export function dropout(a: Variable, rate: number, random: { uniform(): number }): Variable {
  if (rate === 0 || !a.tape.records) return a;
  const mask = a.tape.input(...a.shape);
  a.tape.beforeRun(() => {
    for (let i = 0; i < mask.array.length; i++) mask.array[i] = random.uniform() < rate ? 0 : 1 / (1 - rate);
  });
  return mul(a, mask.variable);
}
