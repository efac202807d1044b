// A graph under construction that remembers how each result came about, and writes the gradients of a loss as more
// operations of the same graph. ggml's own backward pass aborts the process at an operation it has no gradient for, and
// always takes the slower outer product; here an operation without a rule cannot be written down at all.
import { DraftwrightError } from "../errors.ts";
import {
  type Backend,
  type Context,
  Graph,
  ops,
  type Port,
  type Shape,
  type Tensor,
  Type,
  trainingOps,
} from "../ggml/index.ts";
import type { Parameter, Parameters } from "./parameters.ts";

/** From the gradient of a result to that of one operand. */
type Rule = (gradient: Tensor) => Tensor;
export type Operand = readonly [Variable, Rule];

/** A tensor of a tape. */
export class Variable {
  readonly tape: Tape;
  readonly tensor: Tensor;
  /** Whether a parameter stands behind it. */
  readonly learns: boolean;
  /** @internal */
  readonly operands: readonly Operand[];

  /** @internal */
  constructor(tape: Tape, tensor: Tensor, learns: boolean, operands: readonly Operand[]) {
    this.tape = tape;
    this.tensor = tensor;
    this.learns = learns;
    this.operands = operands;
  }

  get shape(): Shape {
    return this.tensor.shape;
  }

  /** Product of all dimensions but the first. */
  get rows(): number {
    return this.tensor.rows;
  }
}

/** A variable the caller fills before each run: `array` is valid once the tape is ready. */
export class Input<A extends Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> = Float32Array<ArrayBuffer>> {
  readonly variable: Variable;
  readonly #port: Port<A>;

  /** @internal */
  constructor(variable: Variable, port: Port<A>) {
    this.variable = variable;
    this.#port = port;
  }

  get array(): A {
    return this.#port.array;
  }

  /** Throws `bad-shape` unless there is one value for each element. */
  set(values: ArrayLike<number>): void {
    if (values.length !== this.variable.tensor.elements) {
      throw new DraftwrightError("bad-shape", `${values.length} values for an input ${this.variable.tensor}`);
    }
    this.array.set(values);
  }
}

export interface TapeOptions {
  /** Room for operations, gradients included. Default 16,384. */
  readonly nodes?: number;
  /** False: nothing is remembered; for use without training. */
  readonly gradients?: boolean;
}

/** Build it, make it `ready`, then `run` it any number of times. Owns native memory: dispose it. */
export class Tape {
  readonly backend: Backend;
  readonly records: boolean;
  readonly #graph: Graph;
  readonly #used = new Map<Parameter, Variable>();
  readonly #transposed = new Map<Tensor, Tensor>();
  readonly #checks: (() => void)[] = [];
  readonly #fills: (() => void)[] = [];

  constructor(backend: Backend, options: TapeOptions = {}) {
    this.backend = backend;
    this.records = options.gradients ?? true;
    this.#graph = new Graph(backend, options.nodes ?? 16384);
  }

  /** @internal */
  get context(): Context {
    return this.#graph.context;
  }

  get bytes(): number {
    return this.#graph.bytes;
  }

  /** F32 numbers. */
  input(...shape: number[]): Input {
    const port = this.#graph.input<Float32Array<ArrayBuffer>>(Type.F32, ...shape);
    this.#graph.keep(port);
    return new Input(this.constant(port.tensor), port);
  }

  /** Whole numbers 0..limit-1, checked before each run: ggml would end the process at one outside. */
  indices(limit: number, ...shape: number[]): Input<Int32Array<ArrayBuffer>> {
    const port = this.#graph.input<Int32Array<ArrayBuffer>>(Type.I32, ...shape);
    this.#graph.keep(port);
    this.#checks.push(() => {
      for (const [i, n] of port.array.entries()) {
        if (n >= 0 && n < limit) continue;
        throw new DraftwrightError(
          "bad-argument",
          `index ${n} at ${i} of an input ${port.tensor} is not in 0..${limit - 1}`,
        );
      }
    });
    return new Input(this.constant(port.tensor), port);
  }

  /** Something without a gradient: an input, frozen weights of any type. */
  constant(tensor: Tensor): Variable {
    return new Variable(this, tensor, false, []);
  }

  /** A parameter as part of this graph. */
  use(parameters: Parameters, parameter: Parameter): Variable {
    const known = this.#used.get(parameter);
    if (known) return known;
    const variable = new Variable(this, parameters.tensor(parameter), this.records && parameter.trainable, []);
    this.#used.set(parameter, variable);
    return variable;
  }

  /** @internal A result and the rules of its operands. */
  record(tensor: Tensor, ...operands: Operand[]): Variable {
    const kept = operands.filter(([operand]) => operand.learns);
    return new Variable(this, tensor, kept.length > 0, kept);
  }

  /** @internal Dimensions 0 and 1 exchanged, as contiguous F32; computed once for all who ask. */
  transposed(tensor: Tensor): Tensor {
    const known = this.#transposed.get(tensor);
    if (known) return known;
    const c = this.context;
    const plain = tensor.type === Type.F32 ? tensor : trainingOps.toF32(c, tensor);
    const result = trainingOps.contiguous(c, ops.permute(c, plain, [1, 0, 2, 3]));
    this.#transposed.set(tensor, result);
    return result;
  }

  /** @internal Called before each run. */
  beforeRun(fill: () => void): void {
    this.#fills.push(fill);
  }

  /** Marks a result that the caller reads after each run. A copy: the memory behind a reshaped result may be reused. */
  output(variable: Variable): Port<Float32Array<ArrayBuffer>> {
    return this.#graph.output(trainingOps.contiguous(this.context, variable.tensor));
  }

  /** @internal Adds an operation that nothing depends on. */
  expand(tensor: Tensor): void {
    this.#graph.expand(tensor);
  }

  /** Operations for the gradients of a scalar loss; the gradient of each parameter behind it. */
  backward(loss: Variable): ReadonlyMap<Parameter, Tensor> {
    if (loss.tensor.elements !== 1) throw new DraftwrightError("bad-shape", `a loss is one number, not ${loss.tensor}`);
    if (!loss.learns) throw new DraftwrightError("bad-argument", "no trainable parameter stands behind the loss");
    const gradients = new Map<Variable, Tensor>();
    const seed = this.#graph.input<Float32Array<ArrayBuffer>>(Type.F32, 1);
    this.beforeRun(() => seed.array.fill(1));
    gradients.set(loss, seed.tensor);
    for (const variable of order(loss).reverse()) {
      const gradient = gradients.get(variable);
      if (!gradient) continue;
      for (const [operand, rule] of variable.operands) {
        const part = rule(gradient);
        const sum = gradients.get(operand);
        gradients.set(operand, sum ? ops.add(this.context, sum, part) : part);
      }
    }
    const result = new Map<Parameter, Tensor>();
    for (const [parameter, variable] of this.#used) {
      const gradient = gradients.get(variable);
      if (gradient) result.set(parameter, gradient);
    }
    return result;
  }

  /** Takes memory; afterwards inputs can be filled. Throws `out-of-memory`. */
  ready(): void {
    this.#graph.allocate();
  }

  /** Runs the graph. Blocks until done. Throws `bad-argument` for an index out of range. */
  run(): void {
    for (const fill of this.#fills) fill();
    for (const check of this.#checks) check();
    this.#graph.compute();
  }

  [Symbol.dispose](): void {
    this.#graph[Symbol.dispose]();
  }
}

/** Everything that learns behind `last`, operands first. Iterative: a deep network must not exhaust the stack. */
function order(last: Variable): Variable[] {
  const done = new Set<Variable>();
  const stack: { variable: Variable; next: number }[] = [{ variable: last, next: 0 }];
  const seen = new Set([last]);
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    const operand = top.variable.operands[top.next++]?.[0];
    if (!operand) done.add((stack.pop() as typeof top).variable);
    else if (!seen.has(operand)) {
      seen.add(operand);
      stack.push({ variable: operand, next: 0 });
    }
  }
  return [...done];
}
