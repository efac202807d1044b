// One hidden layer of ReLUs over sparse inputs with Adam, in plain TypeScript: inputs are a few ones among many zeros, so
// that a graph would spend its time on zeros. Checked against src/nn in baselines.test.ts.
import { Random } from "../../random.ts";

/** Indices and values of what is not zero. */
export interface Sparse {
  readonly index: ArrayLike<number>;
  readonly value: ArrayLike<number>;
}

export interface PerceptronOptions {
  readonly inputs: number;
  /** 0: none, which makes it a linear model. */
  readonly hidden: number;
  readonly outputs: number;
  readonly seed: number;
  readonly rate: number;
  /** L2 in the gradient. */
  readonly weightDecay?: number;
}

export class Perceptron {
  readonly first: Float64Array;
  readonly firstBias: Float64Array;
  readonly second: Float64Array;
  readonly secondBias: Float64Array;
  /** Of the last `forward`. */
  readonly output: Float64Array;
  readonly #hidden: Float64Array;
  readonly #options: PerceptronOptions;
  readonly #adam: { value: Float64Array; gradient: Float64Array; m: Float64Array; v: Float64Array }[];
  #steps = 0;

  constructor(options: PerceptronOptions) {
    const { inputs, hidden, outputs, seed } = options;
    const width = hidden || outputs;
    const random = new Random(seed, 0x706572);
    const values = (n: number, bound: number) =>
      Float64Array.from({ length: n }, () => bound * (2 * random.next() - 1));
    this.#options = options;
    this.first = values(inputs * width, hidden ? 0.1 : 0);
    this.firstBias = new Float64Array(width);
    this.second = hidden ? values(hidden * outputs, Math.sqrt(3 / hidden)) : new Float64Array(0);
    this.secondBias = new Float64Array(hidden ? outputs : 0);
    this.output = new Float64Array(outputs);
    this.#hidden = new Float64Array(width);
    this.#adam = [this.first, this.firstBias, this.second, this.secondBias].map((value) => ({
      value,
      gradient: new Float64Array(value.length),
      m: new Float64Array(value.length),
      v: new Float64Array(value.length),
    }));
  }

  /** `output` [outputs] */
  forward({ index, value }: Sparse): Float64Array {
    const { hidden, outputs } = this.#options;
    const h = hidden ? this.#hidden : this.output;
    h.set(this.firstBias);
    for (let i = 0; i < index.length; i++) {
      const at = index[i] * h.length;
      for (let j = 0; j < h.length; j++) h[j] += value[i] * this.first[at + j];
    }
    if (hidden === 0) return this.output;
    for (let j = 0; j < hidden; j++) if (h[j] < 0) h[j] = 0;
    this.output.set(this.secondBias);
    for (let j = 0; j < hidden; j++) {
      if (h[j] === 0) continue;
      for (let o = 0; o < outputs; o++) this.output[o] += h[j] * this.second[j * outputs + o];
    }
    return this.output;
  }

  /** Adds the gradients of the last `forward` for a gradient of its output. */
  backward({ index, value }: Sparse, gradient: ArrayLike<number>): void {
    const { hidden, outputs } = this.#options;
    const [first, firstBias, second, secondBias] = this.#adam.map((state) => state.gradient);
    const back = hidden ? new Float64Array(hidden) : gradient;
    if (hidden) {
      for (let o = 0; o < outputs; o++) secondBias[o] += gradient[o];
      for (let j = 0; j < hidden; j++) {
        if (this.#hidden[j] === 0) continue;
        let sum = 0;
        for (let o = 0; o < outputs; o++) {
          second[j * outputs + o] += this.#hidden[j] * gradient[o];
          sum += this.second[j * outputs + o] * gradient[o];
        }
        (back as Float64Array)[j] = sum;
      }
    }
    for (let j = 0; j < back.length; j++) firstBias[j] += back[j];
    for (let i = 0; i < index.length; i++) {
      const at = index[i] * back.length;
      for (let j = 0; j < back.length; j++) first[at + j] += value[i] * back[j];
    }
  }

  /** Gradients added up so far, by tensor: first, firstBias, second, secondBias. */
  get gradients(): readonly Float64Array[] {
    return this.#adam.map(({ gradient }) => gradient);
  }

  /** One Adam update (Kingma and Ba 2015) by the gradients over `count` samples; forgets them. */
  step(count: number): void {
    const { rate, weightDecay = 0 } = this.#options;
    this.#steps++;
    const correction = Math.sqrt(1 - 0.999 ** this.#steps) / (1 - 0.9 ** this.#steps);
    for (const { value, gradient, m, v } of this.#adam) {
      for (let i = 0; i < value.length; i++) {
        const g = gradient[i] / count + weightDecay * value[i];
        m[i] = 0.9 * m[i] + 0.1 * g;
        v[i] = 0.999 * v[i] + 0.001 * g * g;
        value[i] -= (rate * correction * m[i]) / (Math.sqrt(v[i]) + 1e-8);
        gradient[i] = 0;
      }
    }
  }
}
