// Seeded random numbers for generated models: the same seed gives the same file on every machine.

/** Uniform numbers in [0, 1): mulberry32. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `length` values of the given mean and standard deviation (a uniform distribution: cheap, and without outliers). */
export function randomValues(next: () => number, length: number, deviation: number, mean = 0): Float32Array {
  const values = new Float32Array(length);
  const half = deviation * Math.sqrt(3);
  for (let i = 0; i < length; i++) values[i] = mean + (2 * next() - 1) * half;
  return values;
}
