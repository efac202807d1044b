// Seeded random streams whose whole state is four words of a Uint32Array, so that a game state can hold its own streams.
// Generator: sfc32 (Doty-Humphrey, PractRand); words are seeded through a 32-bit finaliser (MurmurHash3).

export const streamWords = 4;

const finalise = (value: number): number => {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
};

/** Fills `words[at..at + 4]` from a seed (safe integer) and names of sub-streams: equal ones give equal draws. */
export function seedStream(words: Uint32Array, at: number, seed: number, ...path: readonly number[]): void {
  let hash = finalise(seed >>> 0) ^ finalise((Math.floor(seed / 2 ** 32) >>> 0) + 0x9e3779b9);
  for (const part of path) hash = finalise(Math.imul(hash, 31) + (part >>> 0) + 0x7f4a7c15);
  for (let i = 0; i < 3; i++) words[at + i] = finalise(hash + Math.imul(i + 1, 0x9e3779b9));
  words[at + 3] = 1;
  for (let i = 0; i < 12; i++) draw(words, at);
}

/** The next 32 bits of the stream at `words[at..at + 4]`. */
export function draw(words: Uint32Array, at: number): number {
  const b = words[at + 1];
  const c = words[at + 2];
  const counter = words[at + 3];
  const result = (((words[at] + b) | 0) + counter) | 0;
  words[at + 3] = counter + 1;
  words[at] = b ^ (b >>> 9);
  words[at + 1] = (c + (c << 3)) | 0;
  words[at + 2] = (((c << 21) | (c >>> 11)) + result) | 0;
  return result >>> 0;
}

/** An integer in 0..n-1; the bias is below n / 2^32. */
export function below(words: Uint32Array, at: number, n: number): number {
  return Math.floor((draw(words, at) / 0x1_0000_0000) * n);
}

/** Shuffles `items[0..count]` in place (Fisher-Yates). */
export function shuffle(items: Uint8Array, count: number, words: Uint32Array, at: number): void {
  for (let i = count - 1; i > 0; i--) {
    const j = below(words, at, i + 1);
    const item = items[i];
    items[i] = items[j];
    items[j] = item;
  }
}

/** A stream by itself, for agents and samplers. */
export class Random {
  readonly words = new Uint32Array(streamWords);

  constructor(seed: number, ...path: readonly number[]) {
    seedStream(this.words, 0, seed, ...path);
  }

  /** 32 random bits. */
  bits(): number {
    return draw(this.words, 0);
  }

  /** In [0, 1). */
  next(): number {
    return draw(this.words, 0) / 0x1_0000_0000;
  }

  below(n: number): number {
    return below(this.words, 0, n);
  }
}
