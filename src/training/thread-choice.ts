// How many compute threads a step takes. ggml's threads spin until all are done with an operation: where another program has
// one of their cores, a step on all of them takes many times longer than on one.
import { availableParallelism, loadavg } from "node:os";

/** Share of the time that may go into trying the other number of threads. */
const trying = 0.05;

/** Whether the machine has no room for so many more threads; on systems that do not tell, it has. */
const crowded = (more: number) => loadavg()[0] + more > availableParallelism() + 0.5;

/** One thread or all, whichever steps are measured to be faster with; the other is tried again at times. */
export class ThreadChoice {
  readonly #all: number;
  readonly #crowded: (more: number) => boolean;
  /** Milliseconds of a step, by number of threads. */
  readonly #cost = new Map<number, number>();
  #best = 1;
  #allowance = 0;

  /** `crowded`: whether so many more threads are not even worth a try. */
  constructor(all: number, options: { readonly crowded?: (more: number) => boolean } = {}) {
    this.#all = all;
    this.#crowded = options.crowded ?? crowded;
  }

  /** The faster number, as far as is known. */
  get best(): number {
    return this.#best;
  }

  /** Threads of the next step. */
  next(): number {
    const other = this.#best === 1 ? this.#all : 1;
    if (this.#cost.size === 0 || this.#allowance < (this.#cost.get(other) ?? 0)) return this.#best;
    if (other > 1 && this.#crowded(other - 1)) return this.#best;
    this.#allowance = 0;
    return other;
  }

  /** What it took. */
  took(threads: number, ms: number): void {
    const known = this.#cost.get(threads);
    // One slow step says less than many; what was not tried for long is forgotten.
    this.#cost.set(threads, known === undefined || threads !== this.#best ? ms : known + 0.3 * (ms - known));
    this.#allowance += trying * ms;
    for (const [count, cost] of this.#cost) if (cost < (this.#cost.get(this.#best) as number)) this.#best = count;
  }
}
