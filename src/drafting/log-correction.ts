/** Standard deviation of one forward's time (as a logarithm), and of what the machine's speed changes from one to the next. */
const noise = 0.15;
const drift = 0.03;
/** Doubt about the machine's speed when nothing was measured yet. */
const initialDoubt = 0.3;
/** The doubt about a width returns to its first value within about 4,000 forwards of other widths. */
const kept = 1 - 1 / 4000;
const halfKept = Math.sqrt(kept);
/** A forward this many standard deviations too slow was a hiccup, unless so many before it at its width were too. */
const outlier = 3;
const believed = 2;
/** Terms that no forward of the first width ties down may wander apart. At a factor of e^5 everything starts anew. */
const farthest = 5;

/**
 * Kalman filter over logarithms of real time / grid time: one common term that wanders quickly (how busy or fast the machine
 * is) and one term a width that hardly changes (where the grid is wrong), 0 at the first width. Neighbouring widths are
 * wrong alike: their terms start as a random walk over the doublings of the width.
 */
export class LogCorrection {
  /** Grows with every change. */
  version = 0;
  private readonly widths: readonly number[];
  private readonly size: number;
  /** Common term first, then one of each width. */
  private readonly state: Float64Array;
  /** Covariance [size, size], and what its part about the widths starts from. */
  private readonly covariance: Float64Array;
  private readonly prior: Float64Array;
  /** Outliers in a row, per width. */
  private readonly slow: Int32Array;
  /** Of the observation being weighed: gain of each term before division by the variance. */
  private readonly gain: Float64Array;
  private variance = 0;

  /** `doubt`: how wrong the grid may be, as a standard deviation per doubling of the width. */
  constructor(widths: readonly number[], doubt: number) {
    this.widths = widths;
    this.size = widths.length + 1;
    this.state = new Float64Array(this.size);
    this.covariance = new Float64Array(this.size ** 2);
    this.slow = new Int32Array(widths.length);
    this.gain = new Float64Array(this.size);
    const doublings = widths.map((width) => Math.log2(width / widths[0]));
    this.prior = new Float64Array(this.size ** 2);
    for (let i = 0; i < widths.length; i++) {
      for (let j = 0; j < widths.length; j++) {
        this.prior[(i + 1) * this.size + j + 1] = doubt ** 2 * Math.min(doublings[i], doublings[j]);
      }
    }
    this.reset(0);
    this.covariance[0] = initialDoubt ** 2;
  }

  /** Expected logarithm of real time / grid time at the i-th width. */
  mean(i: number): number {
    return this.state[0] + this.state[i + 1];
  }

  /** One standard deviation of the width's own term less. */
  low(i: number): number {
    const at = (i + 1) * (this.size + 1);
    return this.mean(i) - Math.sqrt(Math.max(0, this.covariance[at]));
  }

  /** Of all that is known, keeps this common term, about as well as one forward tells it. */
  reset(common: number): void {
    this.state.fill(0);
    this.state[0] = common;
    this.covariance.set(this.prior);
    this.covariance[0] = noise ** 2;
    this.version++;
  }

  observe(width: number, ratio: number): void {
    // The observed width lies between two of the axis; beyond its ends it counts as the nearest.
    let above = 0;
    while (above < this.widths.length - 1 && this.widths[above] < width) above++;
    const below = Math.max(0, above - 1);
    const span = this.widths[above] - this.widths[below];
    const share = span > 0 ? Math.min(1, Math.max(0, (width - this.widths[below]) / span)) : 1;
    const nearest = share < 0.5 ? below : above;
    const { slow } = this;
    this.forget();
    const surprise = this.weigh(ratio, below, above, share);
    if (Math.abs(surprise) <= outlier * Math.sqrt(this.variance)) {
      slow[nearest] = 0;
    } else if (surprise > 0 && slow[nearest] < believed) {
      slow[nearest]++;
      return;
    } else {
      // A fast forward is never an accident: what was believed is wrong. Slow ones in a row are none either.
      slow[nearest] = 0;
      this.doubt(surprise < 0 ? nearest : 0, surprise);
      this.weigh(ratio, below, above, share);
    }
    this.learn(surprise);
    if (this.state.some((term, i) => i > 0 && Math.abs(term) > farthest)) this.reset(ratio);
  }

  /** Gain and variance of an observation between two widths; returns its distance from what was expected. */
  private weigh(ratio: number, below: number, above: number, share: number): number {
    const { size, covariance, state, gain } = this;
    for (let i = 0; i < size; i++) {
      const row = i * size;
      gain[i] = covariance[row] + (1 - share) * covariance[row + below + 1] + share * covariance[row + above + 1];
    }
    this.variance = gain[0] + (1 - share) * gain[below + 1] + share * gain[above + 1] + noise ** 2;
    return ratio - state[0] - (1 - share) * state[below + 1] - share * state[above + 1];
  }

  private learn(surprise: number): void {
    const { size, covariance, state, gain, variance } = this;
    for (let i = 0; i < size; i++) state[i] += (gain[i] / variance) * surprise;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) covariance[i * size + j] -= (gain[i] * gain[j]) / variance;
    }
    this.version++;
  }

  /** Allows for an error of this size at a width and its neighbours; at the first width, in the speed of the machine. */
  private doubt(width: number, error: number): void {
    const { covariance, prior, size } = this;
    const own = prior[(width + 1) * (size + 1)];
    if (own === 0) covariance[0] += error ** 2;
    else for (let i = 0; i < covariance.length; i++) covariance[i] += (prior[i] / own) * error ** 2;
  }

  /** What was known is a little less certain with every forward. Keeps the matrix a covariance. */
  private forget(): void {
    const { covariance, prior, size } = this;
    covariance[0] += drift ** 2;
    for (let i = 1; i < size; i++) {
      covariance[i] *= halfKept;
      covariance[i * size] *= halfKept;
      for (let j = 1; j < size; j++) {
        const at = i * size + j;
        covariance[at] = kept * covariance[at] + (1 - kept) * prior[at];
      }
    }
  }
}
