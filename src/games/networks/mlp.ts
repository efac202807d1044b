// A small dense network in plain typed arrays: sparse input, hidden layers of ReLUs, linear outputs of which only those
// asked for are computed. Rows of weights belong to inputs, so a layer visits only the rows of inputs that are not zero,
// four at a time: several times faster here than a call into a native library for a network of this size.
import { DraftwrightError } from "../../errors.ts";
import { Random } from "../random.ts";

/** What is not zero in an input row: `values[i]` at `indices[i]`, i < count. */
export class SparseInput {
  readonly indices: Int32Array;
  readonly values: Float32Array;
  count = 0;

  constructor(capacity: number) {
    this.indices = new Int32Array(capacity);
    this.values = new Float32Array(capacity);
  }

  add(index: number, value: number): void {
    this.indices[this.count] = index;
    this.values[this.count++] = value;
  }
}

export interface NetworkShape {
  readonly inputs: number;
  readonly hidden: readonly number[];
  readonly outputs: number;
}

/** What agents and learners need of a network. One row at a time; `output` and `backward` speak of the last `run`. */
export interface Network {
  readonly shape: NetworkShape;
  /** All weights, in one array that optimisers may write. */
  readonly weights: FloatArray;
  run(input: SparseInput): void;
  /** Output k of the last run. */
  output(k: number): number;
  /** The last hidden layer of the last run; reused. */
  readonly features: FloatArray;
  /** Says that the loss changes by `slope` per unit of output k. */
  slope(k: number, slope: number): void;
  /** Adds the gradient of the last run under the slopes given since to `gradient` (laid out as `weights`). */
  backward(gradient: FloatArray): void;
}

export type FloatArray = Float32Array | Float64Array;
type FloatArrayType = typeof Float32Array | typeof Float64Array;

interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  /** Offsets of the weights [inputs, outputs] and biases [outputs] in `weights`. */
  readonly at: number;
  readonly bias: number;
  readonly out: FloatArray;
  readonly slopes: FloatArray;
  /** Inputs of the layer that are not zero, in the last run. */
  active: Int32Array;
  values: FloatArray;
  count: number;
}

export class Mlp implements Network {
  readonly shape: NetworkShape;
  readonly weights: FloatArray;
  readonly #layers: Layer[] = [];
  /** Room for the active units of each hidden layer. */
  readonly #lists: { readonly active: Int32Array; readonly values: FloatArray }[] = [];
  /** Output layer: weights [outputs, width], biases [outputs]. */
  readonly #headAt: number;
  readonly #headBias: number;
  readonly #asked: number[] = [];

  /** Weights are drawn after He et al. 2015, outputs near zero. Float64 is for checks. Throws bad-argument. */
  constructor(shape: NetworkShape, seed: number, type: FloatArrayType = Float32Array) {
    const { inputs, hidden, outputs } = shape;
    const sizes = [inputs, ...hidden];
    if (hidden.length === 0 || [...sizes, outputs].some((size) => !Number.isInteger(size) || size < 1)) {
      throw new DraftwrightError("bad-argument", "A network needs inputs, hidden layers and outputs of 1 or more.");
    }
    this.shape = { inputs, hidden: [...hidden], outputs };
    let offset = 0;
    for (let l = 1; l < sizes.length; l++) {
      this.#layers.push({
        inputs: sizes[l - 1],
        outputs: sizes[l],
        at: offset,
        bias: offset + sizes[l - 1] * sizes[l],
        out: new type(sizes[l]),
        slopes: new type(sizes[l]),
        active: new Int32Array(0),
        values: new type(0),
        count: 0,
      });
      this.#lists.push({ active: new Int32Array(sizes[l]), values: new type(sizes[l]) });
      offset += (sizes[l - 1] + 1) * sizes[l];
    }
    this.#headAt = offset;
    this.#headBias = offset + outputs * sizes[sizes.length - 1];
    this.weights = new type(this.#headBias + outputs);
    this.#initialise(new Random(seed));
  }

  get features(): FloatArray {
    return this.#layers[this.#layers.length - 1].out;
  }

  #initialise(random: Random): void {
    for (const [l, { inputs, outputs, at }] of this.#layers.entries()) {
      // About this many inputs of a sparse row are set.
      const fan = l === 0 ? Math.min(inputs, 32) : inputs;
      fillNormal(this.weights.subarray(at, at + inputs * outputs), Math.sqrt(2 / fan), random);
    }
    fillNormal(this.weights.subarray(this.#headAt, this.#headBias), 0.1 / Math.sqrt(this.features.length), random);
  }

  run(input: SparseInput): void {
    let active: Int32Array = input.indices;
    let values: FloatArray = input.values;
    let { count } = input;
    for (let l = 0; l < this.#layers.length; l++) {
      const layer = this.#layers[l];
      layer.active = active;
      layer.values = values;
      layer.count = count;
      forward(layer, this.weights);
      if (l + 1 === this.#layers.length) break;
      // The next layer's own lists: the input's belong to the caller.
      active = this.#lists[l].active;
      values = this.#lists[l].values;
      count = compact(layer.out, active, values);
    }
    this.#asked.length = 0;
  }

  output(k: number): number {
    const { features, weights } = this;
    const width = features.length;
    const at = this.#headAt + k * width;
    let sum = weights[this.#headBias + k];
    for (let i = 0; i < width; i++) sum += features[i] * weights[at + i];
    return sum;
  }

  slope(k: number, slope: number): void {
    this.#asked.push(k, slope);
  }

  backward(gradient: FloatArray): void {
    const { features, weights } = this;
    const width = features.length;
    const last = this.#layers[this.#layers.length - 1];
    last.slopes.fill(0);
    for (let a = 0; a < this.#asked.length; a += 2) {
      const k = this.#asked[a];
      const slope = this.#asked[a + 1];
      const at = this.#headAt + k * width;
      gradient[this.#headBias + k] += slope;
      for (let i = 0; i < width; i++) {
        gradient[at + i] += slope * features[i];
        last.slopes[i] += slope * weights[at + i];
      }
    }
    this.#asked.length = 0;
    for (let l = this.#layers.length - 1; l >= 0; l--) {
      const layer = this.#layers[l];
      for (let j = 0; j < layer.outputs; j++) if (layer.out[j] <= 0) layer.slopes[j] = 0;
      backwardWeights(layer, gradient);
      if (l > 0) backwardInputs(layer, this.weights, this.#layers[l - 1].slopes);
    }
  }
}

/** out = relu(bias + values x weights), four rows at a time. */
function forward({ outputs, at, bias, out, active, values, count }: Layer, weights: FloatArray): void {
  for (let j = 0; j < outputs; j++) out[j] = weights[bias + j];
  let i = 0;
  for (; i + 3 < count; i += 4) {
    const v0 = values[i];
    const v1 = values[i + 1];
    const v2 = values[i + 2];
    const v3 = values[i + 3];
    const r0 = at + active[i] * outputs;
    const r1 = at + active[i + 1] * outputs;
    const r2 = at + active[i + 2] * outputs;
    const r3 = at + active[i + 3] * outputs;
    for (let j = 0; j < outputs; j++) {
      out[j] += v0 * weights[r0 + j] + v1 * weights[r1 + j] + v2 * weights[r2 + j] + v3 * weights[r3 + j];
    }
  }
  for (; i < count; i++) {
    const v = values[i];
    const row = at + active[i] * outputs;
    for (let j = 0; j < outputs; j++) out[j] += v * weights[row + j];
  }
  for (let j = 0; j < outputs; j++) if (out[j] < 0) out[j] = 0;
}

/** Lists what is not zero; returns how many. */
function compact(row: FloatArray, active: Int32Array, values: FloatArray): number {
  let count = 0;
  for (let i = 0; i < row.length; i++) {
    if (row[i] <= 0) continue;
    active[count] = i;
    values[count++] = row[i];
  }
  return count;
}

function backwardWeights({ outputs, at, bias, slopes, active, values, count }: Layer, gradient: FloatArray): void {
  for (let j = 0; j < outputs; j++) gradient[bias + j] += slopes[j];
  let i = 0;
  for (; i + 1 < count; i += 2) {
    const v0 = values[i];
    const v1 = values[i + 1];
    const r0 = at + active[i] * outputs;
    const r1 = at + active[i + 1] * outputs;
    for (let j = 0; j < outputs; j++) {
      const slope = slopes[j];
      gradient[r0 + j] += v0 * slope;
      gradient[r1 + j] += v1 * slope;
    }
  }
  if (i < count) {
    const row = at + active[i] * outputs;
    for (let j = 0; j < outputs; j++) gradient[row + j] += values[i] * slopes[j];
  }
}

/** Slopes of the inputs that were not zero; the others stay behind a closed ReLU. */
function backwardInputs({ outputs, at, slopes, active, count }: Layer, weights: FloatArray, into: FloatArray): void {
  into.fill(0);
  let i = 0;
  for (; i + 1 < count; i += 2) {
    const r0 = at + active[i] * outputs;
    const r1 = at + active[i + 1] * outputs;
    let s0 = 0;
    let s1 = 0;
    for (let j = 0; j < outputs; j++) {
      const slope = slopes[j];
      s0 += slope * weights[r0 + j];
      s1 += slope * weights[r1 + j];
    }
    into[active[i]] = s0;
    into[active[i + 1]] = s1;
  }
  if (i < count) {
    const row = at + active[i] * outputs;
    let sum = 0;
    for (let j = 0; j < outputs; j++) sum += slopes[j] * weights[row + j];
    into[active[i]] = sum;
  }
}

/** Box and Muller 1958. */
function fillNormal(into: FloatArray, deviation: number, random: Random): void {
  for (let i = 0; i < into.length; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
    into[i] = deviation * radius * Math.cos(2 * Math.PI * random.next());
  }
}
