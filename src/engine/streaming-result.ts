import type { GeneratedToken, GenerateResult } from "./result.ts";

/** What `generate` returns: tokens as they come, and the whole when it is finished. May be iterated once. */
export interface Generating extends AsyncIterable<GeneratedToken> {
  /** Rejects like the iterator: `aborted`, `context-overflow`, .. */
  readonly result: Promise<GenerateResult>;
}

/** The receiving end of one generation: a queue between the worker's messages and one reader. */
export class StreamingResult implements Generating, AsyncIterator<GeneratedToken> {
  readonly result: Promise<GenerateResult>;
  readonly #resolve: (result: GenerateResult) => void;
  readonly #reject: (error: unknown) => void;
  readonly #cancel: () => void;
  #queue: GeneratedToken[] = [];
  #next = 0;
  #wake: (() => void) | undefined;
  #ended = false;
  #error: unknown;

  /** `cancel` is called when the reader leaves before the end. */
  constructor(cancel: () => void) {
    this.#cancel = cancel;
    let resolve!: (result: GenerateResult) => void;
    let reject!: (error: unknown) => void;
    this.result = new Promise((yes, no) => {
      resolve = yes;
      reject = no;
    });
    this.#resolve = resolve;
    this.#reject = reject;
    // A reader of the iterator alone gets the error there: nobody need look at `result`.
    this.result.catch(() => {});
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(tokens: readonly GeneratedToken[]): void {
    for (const token of tokens) this.#queue.push(token);
    this.#wakeReader();
  }

  finish(result: GenerateResult): void {
    this.#ended = true;
    this.#resolve(result);
    this.#wakeReader();
  }

  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#reject(error);
    this.#wakeReader();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<GeneratedToken>> {
    for (;;) {
      if (this.#next < this.#queue.length) return { done: false, value: this.#take() };
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  async return(): Promise<IteratorResult<GeneratedToken>> {
    if (!this.#ended) this.#cancel();
    this.#queue = [];
    this.#next = 0;
    return { done: true, value: undefined };
  }

  #take(): GeneratedToken {
    const token = this.#queue[this.#next++];
    if (this.#next === this.#queue.length) {
      this.#queue = [];
      this.#next = 0;
    }
    return token;
  }

  #wakeReader(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
