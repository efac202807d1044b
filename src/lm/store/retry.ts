import { setTimeout as sleep } from "node:timers/promises";
import { DraftwrightError } from "../../errors.ts";

/** A failure that may pass: a dropped connection, 429, 5xx. */
export class Transient extends Error {
  /** What the server asked us to wait. */
  readonly retryAfterMs?: number;
  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface RetryOptions {
  signal?: AbortSignal;
  /** Waits; tests pass one that does not. */
  delay?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** Bytes safely stored so far: an attempt that adds some does not count as a failure. */
  progress?: () => number;
}

const ATTEMPTS = 6;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

/**
 * Runs until it succeeds, fails for good, or fails `ATTEMPTS` times in a row without progress; waits 0.5 s, 1 s, 2 s ..
 * in between, or as long as the server asks (at most 30 s). Throws "download-failed" or "aborted".
 */
export async function withRetries<T>(what: string, options: RetryOptions, run: () => Promise<T>): Promise<T> {
  const { signal, delay = waitFor, progress = () => 0 } = options;
  let failures = 0;
  let stored = progress();
  for (;;) {
    throwIfAborted(signal, what);
    try {
      return await run();
    } catch (error) {
      throwIfAborted(signal, what);
      if (!(error instanceof Transient)) throw error;
      failures = progress() > stored ? 1 : failures + 1;
      stored = progress();
      if (failures >= ATTEMPTS) {
        throw new DraftwrightError(
          "download-failed",
          `${what} failed ${ATTEMPTS} times in a row: ${error.message} What has arrived is kept; run the command again to go on.`,
          { cause: error },
        );
      }
      const wait = error.retryAfterMs ?? FIRST_DELAY_MS * 2 ** (failures - 1);
      await delay(Math.min(wait, LONGEST_DELAY_MS), signal).catch(() => {});
    }
  }
}

export async function waitFor(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal });
}

/** Throws "aborted" once the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (!signal?.aborted) return;
  throw new DraftwrightError(
    "aborted",
    `${what} was stopped. What has arrived is kept; run the command again to go on.`,
    {
      cause: signal.reason,
    },
  );
}
