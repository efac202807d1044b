// Layers: parameters with a shape and a name, and the operations on them. Each takes rows [inputs, rows, ..] and keeps
// all dimensions but the first.
import { add, gelu, mul, relu, sigmoid, silu, swiglu, tanh } from "./elementwise.ts";
import { type Initialiser, normal, ones, scaledNormal, zeros } from "./initialisers.ts";
import type { Parameter, Parameters } from "./parameters.ts";
import { type AttentionOptions, attention, conv2d, matmul, normalise, plainRope, rmsNorm, rope } from "./products.ts";
import { reshape, selectRows } from "./shapes.ts";
import type { Input, Tape, Variable } from "./tape.ts";

type Indices = Input<Int32Array<ArrayBuffer>>;

export interface LinearOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Default: normal with deviation 1 / sqrt(inputs). */
  readonly initialiser?: Initialiser;
}

/** W x + b. */
export class Linear {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly #all: Parameters;

  constructor(all: Parameters, name: string, inputs: number, outputs: number, options: LinearOptions = {}) {
    this.#all = all;
    this.weight = all.create(`${name}.weight`, [inputs, outputs], options.initialiser ?? scaledNormal());
    this.bias = options.bias === false ? undefined : all.create(`${name}.bias`, [outputs], zeros);
  }

  apply(x: Variable): Variable {
    const y = matmul(x.tape.use(this.#all, this.weight), x);
    return this.bias ? add(y, x.tape.use(this.#all, this.bias)) : y;
  }
}

/** Each row divided by its root mean square, times a weight. */
export class RmsNorm {
  readonly weight: Parameter;
  readonly #all: Parameters;
  readonly #epsilon: number;

  constructor(all: Parameters, name: string, size: number, epsilon = 1e-5) {
    this.#all = all;
    this.#epsilon = epsilon;
    this.weight = all.create(`${name}.weight`, [size], ones);
  }

  apply(x: Variable): Variable {
    return rmsNorm(x, x.tape.use(this.#all, this.weight), this.#epsilon);
  }
}

/** Each row minus its mean, divided by its deviation, times a weight, plus a bias. */
export class LayerNorm {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #all: Parameters;
  readonly #epsilon: number;

  constructor(all: Parameters, name: string, size: number, epsilon = 1e-5) {
    this.#all = all;
    this.#epsilon = epsilon;
    this.weight = all.create(`${name}.weight`, [size], ones);
    this.bias = all.create(`${name}.bias`, [size], zeros);
  }

  apply(x: Variable): Variable {
    const scaled = mul(normalise(x, this.#epsilon), x.tape.use(this.#all, this.weight));
    return add(scaled, x.tape.use(this.#all, this.bias));
  }
}

/** A table of rows, looked up by index: [size, rows]. */
export class Embedding {
  readonly table: Parameter;
  readonly #all: Parameters;

  constructor(all: Parameters, name: string, entries: number, size: number, initialiser: Initialiser = normal(0.02)) {
    this.#all = all;
    this.table = all.create(`${name}.weight`, [size, entries], initialiser);
  }

  apply(tape: Tape, indices: Indices): Variable {
    return selectRows(tape.use(this.#all, this.table), indices);
  }

  /** Products with every entry: the output matrix of a language model that shares it. */
  scores(x: Variable): Variable {
    return matmul(x.tape.use(this.#all, this.table), x);
  }
}

const activations = { relu, gelu, silu, sigmoid, tanh };
export type Activation = keyof typeof activations;

/** Linear layers with an activation between them (none after the last). `sizes`: inputs, hidden layers, outputs. */
export class Mlp {
  readonly layers: readonly Linear[];
  readonly #activation: (x: Variable) => Variable;

  constructor(all: Parameters, name: string, sizes: readonly number[], activation: Activation = "relu") {
    this.#activation = activations[activation];
    const make = (outputs: number, i: number) => new Linear(all, `${name}.${i}`, sizes[i], outputs);
    this.layers = sizes.slice(1).map(make);
  }

  apply(x: Variable): Variable {
    let y = this.layers[0].apply(x);
    for (const layer of this.layers.slice(1)) y = layer.apply(this.#activation(y));
    return y;
  }
}

/** down(silu(gate x) * up x), without biases. */
export class SwiGlu {
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;

  /** `residual` initialises the matrix that writes into the residual stream; zeros make the block harmless at first. */
  constructor(all: Parameters, name: string, size: number, hidden: number, residual?: Initialiser) {
    this.gate = new Linear(all, `${name}.gate`, size, hidden, { bias: false });
    this.up = new Linear(all, `${name}.up`, size, hidden, { bias: false });
    this.down = new Linear(all, `${name}.down`, hidden, size, { bias: false, initialiser: residual });
  }

  apply(x: Variable): Variable {
    return this.down.apply(swiglu(this.gate.apply(x), this.up.apply(x)));
  }
}

export interface AttentionLayerOptions {
  readonly heads: number;
  /** Default `heads`. */
  readonly kvHeads?: number;
  /** Default size / heads. */
  readonly headSize?: number;
  /** Base of the rotary embedding; absent: positions are not encoded. */
  readonly ropeBase?: number;
  readonly bias?: boolean;
  readonly residual?: Initialiser;
}

/** Multi-head attention of x [size, rows, batch] to itself, under any mask. */
export class Attention {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly ropeBase: number | undefined;

  constructor(all: Parameters, name: string, size: number, options: AttentionLayerOptions) {
    const { heads, kvHeads = heads, headSize = size / heads, bias = false } = options;
    this.heads = heads;
    this.kvHeads = kvHeads;
    this.headSize = headSize;
    this.ropeBase = options.ropeBase;
    this.query = new Linear(all, `${name}.query`, size, heads * headSize, { bias });
    this.key = new Linear(all, `${name}.key`, size, kvHeads * headSize, { bias });
    this.value = new Linear(all, `${name}.value`, size, kvHeads * headSize, { bias });
    this.output = new Linear(all, `${name}.output`, heads * headSize, size, { bias, initialiser: options.residual });
  }

  /** `mask` [rows, rows] or [rows, rows, 1, batch]; `positions` [rows] where there is a rotary embedding. */
  apply(x: Variable, options: Pick<AttentionOptions, "mask"> & { readonly positions?: Indices } = {}): Variable {
    const [, rows, batch] = x.shape;
    const split = (y: Variable, heads: number) => reshape(y, this.headSize, heads, rows, batch);
    const turn = (y: Variable) =>
      this.ropeBase !== undefined && options.positions
        ? rope(y, options.positions, plainRope(this.headSize, "pairs", this.ropeBase))
        : y;
    const q = turn(split(this.query.apply(x), this.heads));
    const k = turn(split(this.key.apply(x), this.kvHeads));
    const v = split(this.value.apply(x), this.kvHeads);
    return this.output.apply(attention(q, k, v, { mask: options.mask }));
  }
}

/** Convolution of [width, height, channels, n] -> [width', height', outputs, n]. */
export class Conv2d {
  readonly kernel: Parameter;
  readonly bias: Parameter | undefined;
  readonly #all: Parameters;
  readonly #stride: number;
  readonly #padding: number;

  constructor(
    all: Parameters,
    name: string,
    inputs: number,
    outputs: number,
    size: number,
    options: { readonly stride?: number; readonly padding?: number; readonly bias?: boolean } = {},
  ) {
    this.#all = all;
    this.#stride = options.stride ?? 1;
    this.#padding = options.padding ?? 0;
    this.kernel = all.create(`${name}.weight`, [size, size, inputs, outputs], scaledNormal(Math.SQRT2));
    this.bias = options.bias === false ? undefined : all.create(`${name}.bias`, [1, 1, outputs], zeros);
  }

  apply(x: Variable): Variable {
    const [s, p] = [this.#stride, this.#padding];
    const y = conv2d(x.tape.use(this.#all, this.kernel), x, { stride: [s, s], padding: [p, p] });
    return this.bias ? add(y, x.tape.use(this.#all, this.bias)) : y;
  }
}

/** Masks that hide the future: 0 where column <= row, -Infinity elsewhere. [rows, rows] */
export function causalMask(rows: number): Float32Array<ArrayBuffer> {
  const mask = new Float32Array(rows * rows);
  for (let i = 0; i < rows; i++) mask.fill(Number.NEGATIVE_INFINITY, i * rows + i + 1, (i + 1) * rows);
  return mask;
}
