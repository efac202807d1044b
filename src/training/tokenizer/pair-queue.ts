import type { PairTable } from "./pair-table.ts";

/**
 * Pairs by count, the most frequent first; of equal ones that with the smaller left symbol, then with the smaller right one. A
 * binary heap. Counts only fall, so a pair stays where its old count put it until it comes to the top.
 */
export class PairQueue {
  readonly #pairs: PairTable;
  readonly #slots: number[] = [];
  readonly #counts: number[] = [];

  constructor(pairs: PairTable) {
    this.#pairs = pairs;
  }

  push(slot: number): void {
    const count = this.#pairs.counts[slot];
    let at = this.#slots.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(slot, count, this.#slots[parent], this.#counts[parent])) break;
      this.#put(at, this.#slots[parent], this.#counts[parent]);
      at = parent;
    }
    this.#put(at, slot, count);
  }

  /** Removes and returns the first pair's slot; -1 when no pair is counted `least` times. */
  pop(least: number): number {
    while (this.#slots.length > 0) {
      const [slot, count] = [this.#slots[0], this.#counts[0]];
      const [lastSlot, lastCount] = [this.#slots.pop() as number, this.#counts.pop() as number];
      if (this.#slots.length > 0) this.#sink(lastSlot, lastCount);
      const now = this.#pairs.counts[slot];
      if (now < least) continue;
      if (now === count) return slot;
      this.push(slot);
    }
    return -1;
  }

  #sink(slot: number, count: number): void {
    const [slots, counts] = [this.#slots, this.#counts];
    let at = 0;
    for (let child = 1; child < slots.length; child = 2 * at + 1) {
      const other = child + 1;
      if (other < slots.length && this.#before(slots[other], counts[other], slots[child], counts[child])) child = other;
      if (!this.#before(slots[child], counts[child], slot, count)) break;
      this.#put(at, slots[child], counts[child]);
      at = child;
    }
    this.#put(at, slot, count);
  }

  #put(at: number, slot: number, count: number): void {
    this.#slots[at] = slot;
    this.#counts[at] = count;
  }

  /** Whether a pair with this count comes before another. */
  #before(slot: number, count: number, other: number, otherCount: number): boolean {
    if (count !== otherCount) return count > otherCount;
    const { left, right } = this.#pairs;
    return left[slot] !== left[other] ? left[slot] < left[other] : right[slot] < right[other];
  }
}
