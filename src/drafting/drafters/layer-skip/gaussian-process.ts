// A Gaussian process over bit strings: the surrogate of the search. Exact inference by Cholesky, so for a few hundred points.

export interface Prediction {
  readonly mean: number;
  readonly deviation: number;
}

const lengthScales = [0.5, 1, 2, 4, 8, 16];

/**
 * Regression on standardised values with a Matern-5/2 kernel of the Euclidean distance between bit strings (the root of the
 * number of bits that differ). The length scale is the one of a few with the highest marginal likelihood. Source: Rasmussen
 * and Williams 2006, algorithm 2.1. `noise`: variance of an observation, as a share of the variance of the values.
 */
export class GaussianProcess {
  private readonly points: readonly string[];
  private readonly shift: number;
  private readonly scale: number;
  private readonly noise: number;
  private lengthScale = 1;
  /** Lower triangle L of K + noise I = L L', [n, n]; and K^-1 y. */
  private factor = new Float64Array(0);
  private weights = new Float64Array(0);

  constructor(points: readonly string[], values: readonly number[], noise: number) {
    this.points = points;
    this.noise = noise;
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    this.shift = mean;
    this.scale = Math.sqrt(variance) || 1;
    const standard = Float64Array.from(values, (value) => (value - mean) / this.scale);
    let best = Number.NEGATIVE_INFINITY;
    for (const lengthScale of lengthScales) {
      const factor = this.factorise(lengthScale);
      const half = solveLower(factor, standard);
      let likelihood = 0;
      for (let i = 0; i < points.length; i++) {
        likelihood -= half[i] ** 2 / 2 + Math.log(factor[i * points.length + i]);
      }
      if (likelihood <= best) continue;
      best = likelihood;
      this.lengthScale = lengthScale;
      this.factor = factor;
      this.weights = solveUpper(factor, half);
    }
  }

  predict(point: string): Prediction {
    const covariance = Float64Array.from(this.points, (other) => matern(distance(point, other) / this.lengthScale));
    let mean = 0;
    for (let i = 0; i < covariance.length; i++) mean += covariance[i] * this.weights[i];
    const explained = solveLower(this.factor, covariance).reduce((sum, value) => sum + value * value, 0);
    return {
      mean: this.shift + this.scale * mean,
      deviation: this.scale * Math.sqrt(Math.max(0, 1 - explained)),
    };
  }

  private factorise(lengthScale: number): Float64Array<ArrayBuffer> {
    const { points, noise } = this;
    const n = points.length;
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = i === j ? 1 + noise : matern(distance(points[i], points[j]) / lengthScale);
        for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
        a[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / a[j * n + j];
      }
    }
    return a;
  }
}

/** Expected amount by which a point exceeds `best`. Source: Jones et al. 1998. */
export function expectedImprovement({ mean, deviation }: Prediction, best: number): number {
  const gain = mean - best;
  if (deviation < 1e-12) return Math.max(0, gain);
  const z = gain / deviation;
  return gain * normalBelow(z) + (deviation * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

function distance(a: string, b: string): number {
  let differing = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) differing++;
  return Math.sqrt(differing);
}

function matern(r: number): number {
  const s = Math.sqrt(5) * r;
  return (1 + s + (s * s) / 3) * Math.exp(-s);
}

/** x with L x = b. */
function solveLower(factor: Float64Array, b: ArrayLike<number>): Float64Array<ArrayBuffer> {
  const n = b.length;
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = b[i];
    for (let k = 0; k < i; k++) sum -= factor[i * n + k] * x[k];
    x[i] = sum / factor[i * n + i];
  }
  return x;
}

/** x with L' x = b. */
function solveUpper(factor: Float64Array, b: ArrayLike<number>): Float64Array<ArrayBuffer> {
  const n = b.length;
  const x = new Float64Array(n);
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i];
    for (let k = i + 1; k < n; k++) sum -= factor[k * n + i] * x[k];
    x[i] = sum / factor[i * n + i];
  }
  return x;
}

/** Standard normal distribution function, to 1e-7 (Abramowitz and Stegun 26.2.17). */
function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return z >= 0 ? 1 - tail : tail;
}
