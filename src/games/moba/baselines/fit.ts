// Fits small networks of games/networks by stochastic gradients, and keeps the epoch that validates best.
import { Adam, type FloatArray } from "../../networks/index.ts";
import { Random } from "../../random.ts";
import type { Range } from "../data/dataset.ts";

export interface Fit {
  readonly weights: FloatArray;
  readonly train: Range;
  readonly valid: Range;
  /** Loss of sample i; with a gradient array, its gradient is added there. */
  readonly loss: (sample: number, gradient?: FloatArray) => number;
  readonly batch: number;
  readonly epochs: number;
  readonly rate: number;
  /** L2 in the gradient. */
  readonly decay: number;
  readonly seed: number;
}

/** Leaves the best weights in `weights`; returns their mean validation loss. Stops after two epochs without a better one. */
export function fitBest({ weights, train, valid, loss, batch, epochs, rate, decay, seed }: Fit): number {
  const random = new Random(seed, 0x666974);
  const gradient = new Float64Array(weights.length);
  const adam = new Adam(weights.length, Float64Array);
  const order = Array.from({ length: train.to - train.from }, (_, i) => train.from + i);
  let [least, worse] = [Number.POSITIVE_INFINITY, 0];
  let best = weights.slice();
  for (let epoch = 0; epoch < epochs && worse < 2; epoch++) {
    for (let i = order.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    order.forEach((sample, i) => {
      loss(sample, gradient);
      if ((i + 1) % batch !== 0 && i < order.length - 1) return;
      const rows = (i % batch) + 1;
      for (let w = 0; w < weights.length; w++) gradient[w] += decay * rows * weights[w];
      adam.step(weights, gradient, rows, rate);
    });
    let sum = 0;
    for (let sample = valid.from; sample < valid.to; sample++) sum += loss(sample);
    if (sum < least) {
      [least, worse] = [sum, 0];
      best = weights.slice();
    } else worse++;
  }
  weights.set(best);
  return least / (valid.to - valid.from);
}
