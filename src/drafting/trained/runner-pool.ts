import type { HeadRunner } from "./runner.ts";

/** Runners that no text uses now: those of the next texts need not build their graphs again. */
const mostIdle = 4;

/** Hands out runners, and takes them back for others. Owns the idle ones: dispose it when none is out. */
export class RunnerPool {
  readonly #make: (capacity: number) => HeadRunner;
  #idle: HeadRunner[] = [];

  constructor(make: (capacity: number) => HeadRunner) {
    this.#make = make;
  }

  /** One with room for `capacity` rows. What its cache holds is another text's. */
  take(capacity: number): HeadRunner {
    const found = this.#idle.find((runner) => runner.capacity > capacity);
    if (!found) return this.#make(capacity);
    this.#idle = this.#idle.filter((runner) => runner !== found);
    return found;
  }

  giveBack(runner: HeadRunner): void {
    this.#idle.push(runner);
    if (this.#idle.length > mostIdle) this.#idle.shift()?.[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    for (const runner of this.#idle.splice(0)) runner[Symbol.dispose]();
  }
}
