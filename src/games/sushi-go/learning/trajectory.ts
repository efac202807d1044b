// What one seat saw and did in one game, and a ring of such steps to learn from again.
import type { SparseInput } from "../../networks/index.ts";
import type { Features } from "./features.ts";

/** Steps of one game in order; the arrays grow and are reused. */
export class Trajectory {
  readonly width: number;
  length = 0;
  rows: Int8Array;
  /** Output taken, and the legal ones as two words of bits. */
  actions = new Uint8Array(64);
  legal = new Uint32Array(128);
  /** Margin in tens of points if the game ended now: before each step, and after the last. */
  margins = new Float32Array(65);
  /** What a learner notes of its choice: log probability and value. */
  notes = new Float32Array(128);
  /** Added to the last reward. */
  bonus = 0;

  constructor(width: number) {
    this.width = width;
    this.rows = new Int8Array(64 * width);
  }

  clear(): void {
    this.length = 0;
    this.bonus = 0;
  }

  /** Where the next step's row goes. */
  get end(): number {
    return this.length * this.width;
  }

  reserve(): void {
    const capacity = this.actions.length;
    if (this.length < capacity) return;
    const more = <T extends Int8Array | Uint8Array | Uint32Array | Float32Array>(old: T, size: number): T => {
      const next = new (old.constructor as new (length: number) => T)(size);
      next.set(old);
      return next;
    };
    this.rows = more(this.rows, 2 * capacity * this.width);
    this.actions = more(this.actions, 2 * capacity);
    this.legal = more(this.legal, 4 * capacity);
    this.margins = more(this.margins, 2 * capacity + 1);
    this.notes = more(this.notes, 4 * capacity);
  }

  /** The change of the margin in step i, in tens of points: a reward shaped by a potential (Ng, Harada and Russell 1999). */
  reward(i: number): number {
    return this.margins[i + 1] - this.margins[i] + (i === this.length - 1 ? this.bonus : 0);
  }
}

/** A ring of steps; those of a game stand in order, so that the next step is the next place. */
export class Replay {
  readonly capacity: number;
  readonly width: number;
  readonly rows: Int8Array;
  readonly actions: Uint8Array;
  readonly legal: Uint32Array;
  /** The reward of the step, or what a learner wants to remember instead. */
  readonly rewards: Float32Array;
  readonly last: Uint8Array;
  size = 0;
  head = 0;

  constructor(capacity: number, width: number) {
    this.capacity = capacity;
    this.width = width;
    this.rows = new Int8Array(capacity * width);
    this.actions = new Uint8Array(capacity);
    this.legal = new Uint32Array(2 * capacity);
    this.rewards = new Float32Array(capacity);
    this.last = new Uint8Array(capacity);
  }

  push(t: Trajectory, reward: (i: number) => number): void {
    const { width } = this;
    for (let i = 0; i < t.length; i++) {
      const at = this.head;
      for (let c = 0; c < width; c++) this.rows[at * width + c] = t.rows[i * width + c];
      this.actions[at] = t.actions[i];
      this.legal[2 * at] = t.legal[2 * i];
      this.legal[2 * at + 1] = t.legal[2 * i + 1];
      this.rewards[at] = reward(i);
      this.last[at] = i === t.length - 1 ? 1 : 0;
      this.head = (at + 1) % this.capacity;
      this.size = Math.min(this.capacity, this.size + 1);
    }
  }

  expand(features: Features, at: number, input: SparseInput): void {
    input.count = 0;
    features.expand(this.rows, at * this.width, input);
  }
}

export const isSet = (legal: Uint32Array, at: number, k: number): boolean =>
  ((legal[2 * at + (k >> 5)] >>> (k & 31)) & 1) === 1;
