// A layer of long short-term memory over sequences side by side, unrolled into the graph.
import { trainingOps as more, ops, type Tensor } from "../ggml/index.ts";
import type { Variable } from "./tape.ts";

export interface LstmState {
  /** [size, sequences] */
  readonly hidden: Tensor;
  readonly cell: Tensor;
}

export interface LstmStates {
  /** [size, steps, sequences] */
  readonly hidden: Variable;
  /** The same shape, without a gradient: what a later run may begin with. */
  readonly cell: Variable;
}

/** What the gradient of a step needs of it. */
interface Step {
  /** sigmoid of all four gates' sums [4 size, sequences]; its last quarter is not used. */
  readonly opened: Tensor;
  /** tanh of the last quarter: what the input gate lets in. */
  readonly candidate: Tensor;
  readonly before: Tensor;
  readonly cell: Tensor;
  readonly bent: Tensor;
  readonly hidden: Tensor;
}

/**
 * gates [4 size, steps, sequences]: what the inputs add to the input, forget and output gates and to the candidate, in this
 * order. recurrent [size, 4 size]: what the hidden state of the step before adds. c = forget * c + input * tanh(candidate),
 * h = output * tanh(c). `first` (default: zeros) learns nothing. The gradient of `recurrent` is one product over all steps.
 */
export function lstm(gates: Variable, recurrent: Variable, first?: LstmState): LstmStates {
  const { tape } = gates;
  const c = tape.context;
  const [all, count, sequences] = gates.shape;
  const size = all / 4;
  const zeros = () => {
    const input = tape.input(size, sequences);
    tape.beforeRun(() => input.array.fill(0));
    return input.variable.tensor;
  };
  const start = first ?? { hidden: zeros(), cell: zeros() };
  const at = (x: Tensor, step: number) =>
    ops.view(c, x, [x.shape[0], sequences], step * x.stride[1], [x.stride[2], x.stride[3]]);
  const gate = (x: Tensor, index: number) => ops.view(c, x, [size, sequences], index * size * 4, [x.stride[1]]);
  const apart = (x: Tensor) => ops.reshape(c, x, x.shape[0], 1, sequences);
  const stack = (list: readonly Tensor[]): Tensor => {
    if (list.length === 1) return list[0];
    const half = list.length >> 1;
    return more.concat(c, stack(list.slice(0, half)), stack(list.slice(half)), 1);
  };

  const steps: Step[] = [];
  for (let t = 0; t < count; t++) {
    const before = steps[t - 1] ?? start;
    const sums = ops.add(c, ops.mulMat(c, recurrent.tensor, before.hidden), at(gates.tensor, t));
    const opened = more.unary(c, "sigmoid", sums);
    const candidate = ops.tanh(c, more.contiguous(c, gate(sums, 3)));
    const admitted = ops.mul(c, candidate, gate(opened, 0));
    const cell = ops.add(c, ops.mul(c, before.cell, gate(opened, 1)), admitted);
    const bent = ops.tanh(c, cell);
    steps.push({ opened, candidate, before: before.cell, cell, bent, hidden: ops.mul(c, bent, gate(opened, 2)) });
  }

  /** Of the gates' sums at all steps. */
  const back = once((gradient: Tensor) => {
    const parts: Tensor[] = [];
    let [ofHidden, ofCell]: (Tensor | undefined)[] = [];
    for (const [t, { opened, candidate, before, bent }] of [...steps.entries()].reverse()) {
      const here: Tensor = ofHidden ? ops.add(c, ofHidden, at(gradient, t)) : more.contiguous(c, at(gradient, t));
      const slope = (y: Tensor) => more.scaleBias(c, more.unary(c, "sqr", y), -1, 1);
      const through = ops.mul(c, ops.mul(c, here, gate(opened, 2)), slope(bent));
      const inner: Tensor = ofCell ? ops.add(c, through, ofCell) : through;
      const ofGates = [ops.mul(c, inner, candidate), ops.mul(c, inner, before), ops.mul(c, here, bent)];
      const joined = ofGates.reduce((a, b) => more.concat(c, a, b, 0));
      const slopes = ops.mul(c, opened, more.scaleBias(c, opened, -1, 1));
      const three = ops.view(c, slopes, [3 * size, sequences], 0, [slopes.stride[1]]);
      const ofCandidate = ops.mul(c, ops.mul(c, inner, gate(opened, 0)), slope(candidate));
      const part = more.concat(c, ops.mul(c, joined, three), ofCandidate, 0);
      parts[t] = apart(part);
      ofHidden = ops.mulMat(c, tape.transposed(recurrent.tensor), part);
      ofCell = ops.mul(c, inner, gate(opened, 1));
    }
    return stack(parts);
  });
  const flat = (x: Tensor) => ops.reshape(c, x, x.shape[0], count * sequences);
  const hidden = tape.record(
    stack(steps.map((step) => apart(step.hidden))),
    [gates, back],
    [
      recurrent,
      (g) => {
        const read = stack([start.hidden, ...steps.slice(0, -1).map((step) => step.hidden)].map(apart));
        return ops.mulMat(c, tape.transposed(flat(read)), tape.transposed(flat(back(g))));
      },
    ],
  );
  return { hidden, cell: tape.constant(stack(steps.map((step) => apart(step.cell)))) };
}

/** Remembers the last result. */
function once(f: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  let [asked, known]: (Tensor | undefined)[] = [];
  return (x) => {
    if (asked !== x || !known) [asked, known] = [x, f(x)];
    return known;
  };
}
