// One HTTP request's generations, from admission to the last metric: whoever ends it (the last token, the client, the
// clock, the server) ends all of them.
import type { Embedded, GenerateOptions, GenerateResult, Generating, Model, Prompt } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";
import { ApiError } from "./http/api-error.ts";
import type { ServerLog } from "./log.ts";
import type { Metrics } from "./metrics.ts";

export interface RunOptions {
  readonly model: Model;
  readonly modelId: string;
  /** Nothing is shared between scopes. */
  readonly scope: string | undefined;
  readonly metrics: Metrics;
  readonly log: ServerLog;
  readonly requestId: string;
  /** Of the HTTP request: aborts when the client goes. */
  readonly client: AbortSignal;
  readonly seconds: number;
  /** Called once at the end. */
  readonly release: () => void;
}

export class Run {
  readonly model: Model;
  readonly modelId: string;
  readonly created = Math.floor(Date.now() / 1000);
  readonly #options: RunOptions;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #onClientGone = () => this.abort("the client left");
  #timedOut = false;
  #ended = false;

  constructor(options: RunOptions) {
    this.#options = options;
    this.model = options.model;
    this.modelId = options.modelId;
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.abort("time is up");
    }, options.seconds * 1000);
    if (options.client.aborted) this.#onClientGone();
    else options.client.addEventListener("abort", this.#onClientGone, { once: true });
  }

  /** Aborts when the run ends, whoever ends it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#controller.signal.aborted;
  }

  generate(prompt: Prompt, options: GenerateOptions): Generating {
    const { metrics, log, requestId } = this.#options;
    const watch = metrics.watch(this.modelId);
    log.text(requestId, { prompt });
    const generating = this.model.generate(prompt, {
      ...options,
      cacheScope: this.#options.scope ?? "",
      signal: this.#controller.signal,
      onRound: (round) => {
        watch.round(round);
        options.onRound?.(round);
      },
    });
    generating.result.then(
      (result) => {
        watch.finished(result);
        log.text(requestId, { output: result.text });
      },
      (error) => watch.failed(error),
    );
    return generating;
  }

  /** Vectors of texts; ends the run. */
  async embed(texts: Parameters<Model["embed"]>[0]): Promise<Embedded> {
    try {
      return await this.model.embed(texts, { signal: this.#controller.signal });
    } catch (error) {
      throw this.explain(error);
    } finally {
      this.end();
    }
  }

  /** The whole results, in order; all end when one fails. */
  async results(all: readonly Generating[]): Promise<GenerateResult[]> {
    try {
      return await Promise.all(all.map((one) => one.result));
    } catch (error) {
      throw this.explain(error);
    } finally {
      this.end();
    }
  }

  abort(reason: string): void {
    this.#controller.abort(reason);
  }

  /** What an `aborted` of a generation means to the client. */
  explain(error: unknown): unknown {
    if (!this.#timedOut || !(error instanceof DraftwrightError) || error.code !== "aborted") return error;
    return new ApiError(408, `The request took more than ${this.#options.seconds} s, the limit of this server.`, {
      type: "timeout_error",
      code: "timeout",
      headers: { "x-should-retry": "false" },
    });
  }

  /** Ends what still runs and gives the places back. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#options.client.removeEventListener("abort", this.#onClientGone);
    this.abort("the request is over");
    this.#options.release();
  }
}
