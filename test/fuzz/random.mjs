// Seeded choices for the mutators: a case is reproduced by its seed and number alone.

export class Random {
  #state;

  constructor(...seeds) {
    this.#state = seeds.reduce((state, seed) => Math.imul(state ^ seed, 0x01000193) + 0x9e3779b9, 0x811c9dc5) >>> 0;
  }

  /** In [0, 1): mulberry32. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit) {
    return Math.floor(this.next() * limit);
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  bytes(length) {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}
