import { ApiError } from "./http/api-error.ts";

/** A place in the server; give it back exactly once. */
export type Release = () => void;

/** Counts the generations in the server, and turns requests away before the queue is longer than anybody would wait. */
export class Admission {
  readonly #parallel: number;
  readonly #most: number;
  readonly #clock: () => number;
  #inside = 0;
  #closing = false;
  #meanSeconds = 1;
  #idle: (() => void)[] = [];

  /** `parallel` run at once, `queue` more may wait. */
  constructor(parallel: number, queue: number, clock: () => number = () => performance.now()) {
    this.#parallel = parallel;
    this.#most = parallel + queue;
    this.#clock = clock;
  }

  /** Generations that run or wait. */
  get inside(): number {
    return this.#inside;
  }

  /** Nobody is let in any more. */
  get closing(): boolean {
    return this.#closing;
  }

  get running(): number {
    return Math.min(this.#inside, this.#parallel);
  }

  get waiting(): number {
    return this.#inside - this.running;
  }

  /** Room for `places` generations of one request. Throws `ApiError` 400, 429 or 503. */
  enter(places: number): Release {
    if (this.#closing) {
      throw new ApiError(503, "The server is shutting down. Try again on another replica, or later.", {
        type: "server_error",
        code: "shutting_down",
        headers: { "retry-after": "5" },
      });
    }
    if (places > this.#most) {
      throw new ApiError(
        400,
        `One request may ask for ${this.#most} generations at most; this one asks for ${places}.`,
      );
    }
    if (this.#inside + places > this.#most) {
      const turns = Math.max(1, (this.#inside - this.#parallel) / this.#parallel);
      const seconds = Math.min(60, Math.max(1, Math.ceil(turns * this.#meanSeconds)));
      throw new ApiError(429, `The server is busy: ${this.#inside} generations run or wait. Try again later.`, {
        type: "rate_limit_error",
        code: "server_busy",
        headers: { "retry-after": String(seconds) },
      });
    }
    this.#inside += places;
    const started = this.#clock();
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#inside -= places;
      this.#meanSeconds += 0.1 * ((this.#clock() - started) / 1000 - this.#meanSeconds);
      if (this.#inside === 0) for (const wake of this.#idle.splice(0)) wake();
    };
  }

  /** Lets nobody in any more; resolves when the last one has left. */
  close(): Promise<void> {
    this.#closing = true;
    if (this.#inside === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }
}
