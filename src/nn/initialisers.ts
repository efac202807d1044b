// First values of parameters.
import type { Random } from "./random.ts";

/** Fills `values`; `shape` is fastest first, so a matrix is [inputs, outputs]. */
export type Initialiser = (values: Float32Array, shape: readonly number[], random: Random) => void;

export const zeros: Initialiser = (values) => void values.fill(0);
export const ones: Initialiser = (values) => void values.fill(1);

export const constant =
  (value: number): Initialiser =>
  (values) =>
    void values.fill(value);

export const normal =
  (deviation: number): Initialiser =>
  (values, _, random) => {
    for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal();
  };

const fanIn = (shape: readonly number[]) => shape.slice(0, -1).reduce((product, n) => product * n, 1);

/** Normal with deviation gain / sqrt(inputs): Kaiming He et al. 2015 with gain sqrt(2), LeCun with gain 1. */
export const scaledNormal =
  (gain = 1): Initialiser =>
  (values, shape, random) =>
    normal(gain / Math.sqrt(fanIn(shape)))(values, shape, random);

/** Uniform in +-sqrt(6 / (inputs + outputs)): Glorot and Bengio 2010. */
export const glorot: Initialiser = (values, shape, random) => {
  const bound = Math.sqrt(6 / (fanIn(shape) + shape[shape.length - 1]));
  for (let i = 0; i < values.length; i++) values[i] = bound * (2 * random.uniform() - 1);
};
