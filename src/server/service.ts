import type { Context } from "hono";
import { Admission } from "./admission.ts";
import { ApiError } from "./http/api-error.ts";
import { ServerLog } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { type Lease, Models } from "./models.ts";
import { StoredResponses } from "./openai/stored-responses.ts";
import { type ServerOptions, type Settings, settingsOf } from "./options.ts";
import { Run } from "./run.ts";

/** What middleware knows about a request. */
export interface Variables {
  requestId: string;
  /** A name for the API key, which tells nothing about it. */
  scope: string | undefined;
}

/** What all endpoints share. */
export class Service {
  readonly settings: Settings;
  readonly models: Models;
  readonly admission: Admission;
  readonly metrics: Metrics;
  readonly log: ServerLog;
  readonly responses: StoredResponses;
  readonly #runs = new Set<Run>();

  constructor(options: ServerOptions) {
    this.settings = settingsOf(options);
    this.models = new Models(this.settings);
    this.admission = new Admission(this.settings.parallel, this.settings.queue);
    this.metrics = new Metrics(() => this.admission);
    this.log = new ServerLog(this.settings.log);
    this.responses = new StoredResponses(this.settings.limits.storedBytes);
  }

  /** A place for `generations` of one request. Throws `ApiError` 400, 404, 429 or 503. */
  async start(c: Context, modelId: string | null | undefined, generations: number): Promise<Run> {
    const { limits } = this.settings;
    if (generations > limits.choices) {
      throw new ApiError(400, `One request may ask for ${limits.choices} choices, not ${generations}.`, {
        code: "invalid_value",
        param: "n",
      });
    }
    const leave = this.admission.enter(generations);
    let lease: Lease;
    try {
      lease = await this.models.use(modelId);
    } catch (error) {
      leave();
      throw error;
    }
    const run: Run = new Run({
      model: lease.model,
      modelId: lease.id,
      scope: c.get("scope"),
      metrics: this.metrics,
      log: this.log,
      requestId: c.get("requestId"),
      client: c.req.raw.signal,
      seconds: limits.requestSeconds,
      release: () => {
        this.#runs.delete(run);
        lease.release();
        leave();
      },
    });
    this.#runs.add(run);
    return run;
  }

  /** Ends everything that runs. */
  abortAll(): void {
    for (const run of this.#runs) run.abort("the server is shutting down");
  }
}
