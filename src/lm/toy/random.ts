/** Uniform numbers in [0, 1) from a 32-bit seed (mulberry32): for weights and test data, never for sampling tokens. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Fills `out` with normal numbers of mean 0 and the given standard deviation (Box-Muller). */
export function fillNormal(out: Float64Array, deviation: number, random: () => number): Float64Array {
  for (let i = 0; i < out.length; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    out[i] = deviation * radius * Math.cos(2 * Math.PI * random());
  }
  return out;
}
