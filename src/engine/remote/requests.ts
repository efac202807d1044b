import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { DraftwrightError } from "../../errors.ts";

export interface HttpRequest {
  readonly url: string;
  /** JSON of a POST; undefined: a GET. */
  readonly body?: string;
}
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}
/** What the thread gets: several requests at once. */
export interface HttpOrder {
  readonly number: number;
  readonly requests: readonly HttpRequest[];
  readonly headers: Readonly<Record<string, string>>;
  readonly seconds: number;
}
/** Of the order with this number. */
export type HttpResult = { readonly number: number } & (
  | { readonly answers: readonly HttpAnswer[] }
  | { readonly error: string }
);
export interface HttpThreadData {
  readonly port: MessagePort;
  /** One word, 1 when there is something new in the port. */
  readonly state: SharedArrayBuffer;
}

const timeoutSeconds = 120;

/** HTTP for a thread that decodes synchronously: requests are made on another one while this one sleeps. Dispose of it. */
export class BlockingHttp {
  readonly #base: string;
  readonly #key: string | undefined;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #state = new Int32Array(new SharedArrayBuffer(4));
  #orders = 0;

  /** `key`: sent as a bearer token. */
  constructor(base: string, key: string | undefined) {
    this.#base = base;
    this.#key = key;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: HttpThreadData = { port: port2, state: this.#state.buffer as SharedArrayBuffer };
    // The compiled file, as in connection.ts.
    this.#worker = new Worker(new URL("./http-worker.js", import.meta.url), {
      execArgv: [],
      workerData,
      transferList: [port2],
    });
    this.#worker.unref();
    this.#worker.on("error", () => {});
  }

  /** JSON answers, in order. `path`: below the base. Throws `remote-failed`, with what the server said. */
  ask(requests: readonly { readonly path: string; readonly body?: unknown }[]): unknown[] {
    const order: HttpOrder = {
      number: ++this.#orders,
      requests: requests.map(({ path, body }) => ({
        url: `${this.#base}${path}`,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })),
      headers: this.#key === undefined ? {} : { authorization: `Bearer ${this.#key}` },
      seconds: timeoutSeconds,
    };
    this.#port.postMessage(order);
    const result = this.#resultOf(order);
    if ("error" in result) throw failed(`${this.#base} cannot be reached: ${result.error}. Is the server running?`);
    return result.answers.map(({ status, text }, i) => {
      if (status === 401 || status === 403) {
        throw failed(`${this.#base} wants an API key (${status}): set DRAFTWRIGHT_REMOTE_API_KEY.`);
      }
      if (status !== 200) throw failed(`${order.requests[i].url} answered ${status}: ${text.slice(0, 500)}`);
      try {
        return JSON.parse(text);
      } catch (cause) {
        throw failed(`${order.requests[i].url} did not answer with JSON: ${text.slice(0, 200)}`, cause);
      }
    });
  }

  /** Answers to orders that were given up may still come: they are not this one's. */
  #resultOf({ number }: HttpOrder): HttpResult {
    for (;;) {
      const result = receiveMessageOnPort(this.#port)?.message as HttpResult | undefined;
      if (result?.number === number) return result;
      if (result) continue;
      if (Atomics.wait(this.#state, 0, 0, (timeoutSeconds + 10) * 1000) === "timed-out") {
        throw failed(`${this.#base} did not answer.`);
      }
      Atomics.store(this.#state, 0, 0);
    }
  }

  [Symbol.dispose](): void {
    this.#port.close();
    void this.#worker.terminate();
  }
}

export function failed(message: string, cause?: unknown): DraftwrightError {
  return new DraftwrightError("remote-failed", message, { cause });
}
