import type { FloatArray } from "./mlp.ts";

/** Adam (Kingma and Ba 2015, algorithm 1) with its moments; all of it can be saved. */
export class Adam {
  readonly mean: FloatArray;
  readonly square: FloatArray;
  steps = 0;

  constructor(size: number, type: typeof Float32Array | typeof Float64Array = Float32Array) {
    this.mean = new type(size);
    this.square = new type(size);
  }

  /** One step against `gradient` (a sum over `rows`), which is set to zero. */
  step(weights: FloatArray, gradient: FloatArray, rows: number, rate: number): void {
    const { mean, square } = this;
    this.steps++;
    const keepMean = 0.9;
    const keepSquare = 0.999;
    const scale = 1 / rows;
    const stepSize = (rate * Math.sqrt(1 - keepSquare ** this.steps)) / (1 - keepMean ** this.steps);
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i] * scale;
      const m = keepMean * mean[i] + (1 - keepMean) * g;
      const v = keepSquare * square[i] + (1 - keepSquare) * g * g;
      mean[i] = m;
      square[i] = v;
      weights[i] -= (stepSize * m) / (Math.sqrt(v) + 1e-8);
      gradient[i] = 0;
    }
  }
}
