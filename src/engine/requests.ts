import type { RoundReport } from "../drafting/index.ts";
import type { Connection } from "./connection.ts";
import type { Call, Finished, FromHost, ModelInfo } from "./protocol.ts";
import type { GeneratedToken } from "./result.ts";
import { fromWire } from "./wire-error.ts";

/** Who waits for the messages with one id. */
export interface Waiter {
  onTokens?(tokens: readonly GeneratedToken[], report: RoundReport | undefined): void;
  onProgress?(share: number): void;
  onEnd(value: Finished | unknown): void;
  onError(error: unknown): void;
}

/** Numbers the requests over one connection and gives every message to the one that waits for it. */
export class Requests {
  readonly ready: Promise<ModelInfo>;
  /** Settles when the other end is gone. */
  readonly gone: Promise<void>;
  readonly #connection: Connection;
  readonly #waiters = new Map<number, Waiter>();
  #nextId = 1;
  #lost: unknown;

  constructor(connection: Connection) {
    this.#connection = connection;
    let gone!: () => void;
    this.gone = new Promise((resolve) => {
      gone = resolve;
    });
    this.ready = new Promise((resolve, reject) => {
      connection.receive(
        (message) => {
          if (message.type === "ready") {
            connection.keepAlive(false);
            resolve(message.info);
          } else if (message.type === "failed") {
            reject(fromWire(message.error));
          } else {
            this.#dispatch(message);
          }
        },
        (error) => {
          this.#lost ??= error;
          reject(error);
          for (const id of [...this.#waiters.keys()]) this.#take(id)?.onError(error);
          gone();
        },
      );
    });
  }

  /** Sends what `message` makes of a new id. Returns the id. */
  open(waiter: Waiter, message: (id: number) => Parameters<Connection["post"]>[0]): number {
    const id = this.#nextId++;
    if (this.#lost !== undefined) {
      waiter.onError(this.#lost);
      return id;
    }
    this.#connection.keepAlive(true);
    this.#waiters.set(id, waiter);
    this.#connection.post(message(id));
    return id;
  }

  call<T>(call: Call, onProgress?: (share: number) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { onProgress, onEnd: (value) => resolve(value as T), onError: reject };
      this.open(waiter, (id) => ({ type: "call", id, call }));
    });
  }

  /** Nobody waits for `id` any more; its waiter gets `error`. */
  abort(id: number, error: unknown): void {
    const waiter = this.#take(id);
    if (!waiter) return;
    this.#connection.post({ type: "abort", id });
    waiter.onError(error);
  }

  /** Ends everything; resolves when the other end is gone. */
  close(error: unknown): Promise<void> {
    if (this.#lost === undefined) {
      this.#lost = error;
      this.#connection.keepAlive(true);
      this.#connection.post({ type: "close" });
      for (const id of [...this.#waiters.keys()]) this.#take(id)?.onError(error);
    }
    return this.gone;
  }

  #dispatch(message: Exclude<FromHost, { type: "ready" | "failed" }>): void {
    const waiter = this.#waiters.get(message.id);
    if (!waiter) return;
    switch (message.type) {
      case "round":
        waiter.onTokens?.(message.tokens, message.report);
        break;
      case "progress":
        waiter.onProgress?.(message.share);
        break;
      case "finished":
        this.#take(message.id)?.onEnd(message.result);
        break;
      case "reply":
        this.#take(message.id)?.onEnd(message.value);
        break;
      case "error":
        this.#take(message.id)?.onError(fromWire(message.error));
    }
  }

  #take(id: number): Waiter | undefined {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    if (this.#waiters.size === 0 && this.#lost === undefined) this.#connection.keepAlive(false);
    return waiter;
  }
}
