import { type Logger, pino } from "pino";
import { ApiError } from "./http/api-error.ts";
import type { LogOptions } from "./options.ts";

export interface Answered {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  readonly scope: string | undefined;
}

/** JSON lines. Headers, keys and texts never get here, unless texts were asked for. */
export class ServerLog {
  readonly #logger: Logger;
  readonly texts: boolean;

  constructor({ level = "info", texts = false, write }: LogOptions) {
    const target = write ? { write } : { write: (line: string) => process.stderr.write(line) };
    this.#logger = pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, target);
    this.texts = texts;
  }

  answered({ requestId, method, path, status, ms, scope }: Answered): void {
    const line = { request_id: requestId, method, path, status, ms: Math.round(ms), ...(scope && { key: scope }) };
    this.#logger.info(line, "answered");
  }

  /** Of a request, when texts are logged. */
  text(requestId: string, texts: object): void {
    if (this.texts) this.#logger.info({ request_id: requestId, ...texts }, "texts");
  }

  /** The stack of what is our fault; what the client did wrong is in its status. */
  failed(error: unknown, requestId?: string): void {
    if (error instanceof ApiError && error.status < 500) return;
    this.#logger.error({ request_id: requestId, err: error }, "failed");
  }

  warn(message: string): void {
    this.#logger.warn(message);
  }

  info(message: string): void {
    this.#logger.info(message);
  }
}
