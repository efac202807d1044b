import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { RoundReport } from "../drafting/index.ts";
import type { GenerateResult } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";

/** Follows one generation. */
export interface GenerationWatch {
  round(report: RoundReport): void;
  finished(result: GenerateResult): void;
  failed(error: unknown): void;
}

const seconds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120];
const perModel = ["model_name"] as const;

/**
 * Prometheus metrics under the names that dashboards of vLLM and llama.cpp read; what only this server knows begins with
 * `draftwright:`.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #firstToken = this.#histogram("vllm:time_to_first_token_seconds", "From the request to its first token.");
  readonly #betweenTokens = this.#histogram(
    "vllm:inter_token_latency_seconds",
    "Time of a round divided by the tokens it emitted, once for each token.",
  );
  readonly #wholeRequest = this.#histogram("vllm:e2e_request_latency_seconds", "From a request to its last token.");
  readonly #http = new Counter({
    name: "draftwright:http_requests_total",
    help: "Answered HTTP requests.",
    labelNames: ["route", "status"],
    registers: [this.#registry],
  });

  /** `load` says how many generations run and wait now. */
  constructor(load: () => { readonly running: number; readonly waiting: number }) {
    this.#gauge("vllm:num_requests_running", "Generations that run.", () => load().running);
    this.#gauge("vllm:num_requests_waiting", "Generations that wait for their turn.", () => load().waiting);
    this.#gauge("llamacpp:requests_processing", "Generations that run.", () => load().running);
    this.#gauge("llamacpp:requests_deferred", "Generations that wait for their turn.", () => load().waiting);
    this.#gauge("draftwright:resident_bytes", "Memory of the process.", () => process.memoryUsage.rss());
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  answered(route: string, status: number): void {
    this.#http.inc({ route, status });
  }

  watch(model: string): GenerationWatch {
    const started = performance.now();
    const labels = { model_name: model };
    let last = 0;
    return {
      round: ({ emitted, trace }) => {
        const now = performance.now();
        if (last === 0) this.#firstToken.observe(labels, (now - started) / 1000);
        else {
          const each = (now - last) / 1000 / emitted.length;
          for (let i = 0; i < emitted.length; i++) this.#betweenTokens.observe(labels, each);
        }
        last = now;
        this.#drafted(model, trace);
      },
      finished: (result) => {
        const { prefillMs, decodeMs } = result.timings;
        this.#wholeRequest.observe(labels, (performance.now() - started) / 1000);
        this.#add("vllm:prompt_tokens_total", "Prompt tokens read.", labels, result.promptTokens);
        this.#add("vllm:generation_tokens_total", "Tokens emitted.", labels, result.tokens);
        this.#add("llamacpp:prompt_tokens_total", "Prompt tokens read.", {}, result.promptTokens);
        this.#add("llamacpp:tokens_predicted_total", "Tokens emitted.", {}, result.tokens);
        this.#add("llamacpp:prompt_seconds_total", "Time spent on prompts.", {}, prefillMs / 1000);
        this.#add("llamacpp:tokens_predicted_seconds_total", "Time spent on output.", {}, decodeMs / 1000);
        const ended = { ...labels, finished_reason: result.finishReason === "stop" ? "stop" : "length" };
        this.#add("vllm:request_success_total", "Finished generations.", ended, 1);
        for (const [source, { accepted }] of Object.entries(result.drafting.bySource)) {
          this.#add("draftwright:accepted_tokens_total", "Accepted draft tokens.", { ...labels, source }, accepted);
        }
      },
      failed: (error) => {
        const code = error instanceof DraftwrightError ? error.code : "internal";
        this.#add("draftwright:generations_failed_total", "Generations without an end.", { ...labels, code }, 1);
      },
    };
  }

  #drafted(model: string, { width, accepted }: RoundReport["trace"]): void {
    if (width === 1) return;
    for (const [family, labels] of [
      ["vllm", { model_name: model }],
      ["llamacpp", {}],
    ] as const) {
      const name = `${family}:spec_decode_num`;
      this.#add(`${name}_drafts_total`, "Rounds that verified a draft.", labels, 1);
      this.#add(`${name}_draft_tokens_total`, "Draft tokens verified.", labels, width - 1);
      this.#add(`${name}_accepted_tokens_total`, "Draft tokens accepted.", labels, accepted);
      for (let position = 0; position < accepted; position++) {
        const at = { ...labels, position: String(position) };
        this.#add(`${name}_accepted_tokens_per_pos_total`, "Draft tokens accepted, by depth in the draft.", at, 1);
      }
    }
  }

  #add(name: string, help: string, labels: Readonly<Record<string, string>>, value: number): void {
    let counter = this.#counters.get(name);
    if (!counter) {
      counter = new Counter({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
      this.#counters.set(name, counter);
    }
    counter.inc(labels, value);
  }

  #gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(value());
      },
    });
  }

  #histogram(name: string, help: string): Histogram<(typeof perModel)[number]> {
    return new Histogram({ name, help, labelNames: perModel, buckets: seconds, registers: [this.#registry] });
  }
}
