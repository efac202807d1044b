import { type EmittedToken, Generation, type GenerationOptions, type RoundReport, Stats } from "../drafting/index.ts";
import { DraftwrightError } from "../errors.ts";
import type { Sequence } from "../lm/model.ts";
import type { FromHost } from "./protocol.ts";
import type { GenerationRequest } from "./request.ts";
import type { GeneratedToken } from "./result.ts";
import type { EngineModel } from "./runtime.ts";
import type { Task } from "./scheduler.ts";
import { TextStream } from "./text-stream.ts";
import { describeLogprobs } from "./token-logprobs.ts";
import { toWire } from "./wire-error.ts";

/**
 * Prompt rows per turn: many enough for full speed, few enough that running streams notice a newcomer's long prompt only
 * a little. Always the same, because where a prompt is cut may show in the last bits of its keys and values.
 */
const chunkRows = 128;
/** Rows beyond prompt and output, so that the last rounds can still draft. */
const draftRows = 32;

/** What all generations of one target share. */
export type SharedOptions = Required<
  Pick<GenerationOptions, "drafters" | "policy" | "curve" | "calibration" | "guard">
> &
  Pick<GenerationOptions, "constraint">;

/** One request being served: encodes, takes rows, runs rounds, turns tokens into text, and reports to the caller. */
export class GenerationTask implements Task {
  readonly #id: number;
  readonly #target: EngineModel;
  readonly #request: GenerationRequest;
  readonly #shared: SharedOptions;
  readonly #send: (message: FromHost) => void;
  readonly #text: TextStream;
  readonly #stats: Stats;
  #promptTokens: Int32Array | undefined;
  #generation: Generation | undefined;
  #pieces: string[] = [];
  #prefillMs = 0;
  #decodeMs = 0;

  constructor(
    id: number,
    target: EngineModel,
    request: GenerationRequest,
    shared: SharedOptions,
    send: (message: FromHost) => void,
  ) {
    this.#id = id;
    this.#target = target;
    this.#request = request;
    this.#shared = shared;
    this.#send = send;
    this.#text = new TextStream(request.stop);
    this.#stats = new Stats(
      target.model.numerics,
      shared.drafters.map((drafter) => drafter.name),
    );
  }

  start(): boolean {
    const { model, tokenizer } = this.#target;
    const { maxTokens, sampling, seed, verify, logprobs } = this.#request;
    this.#promptTokens ??= fitPrompt(this.#target, this.#request);
    const rows = Math.min(model.contextLength, this.#promptTokens.length + maxTokens + draftRows);
    let sequence: Sequence | undefined;
    try {
      sequence = model.open({ rows });
      this.#generation = new Generation({
        model,
        sequence,
        promptTokens: this.#promptTokens,
        sampling,
        seed,
        verify,
        maxTokens,
        stopTokens: new Set(tokenizer.endOfGeneration),
        isStopText: (token) => this.#takeText(token),
        record: this.#request.record,
        logprobs,
        ...this.#shared,
      });
      return true;
    } catch (error) {
      sequence?.close();
      if (error instanceof DraftwrightError && error.code === "out-of-memory") return false;
      throw error;
    }
  }

  step(): boolean {
    const generation = this.#generation as Generation;
    const started = performance.now();
    if (generation.prefillLeft > 0) {
      generation.prefillStep(chunkRows);
      this.#prefillMs += performance.now() - started;
      return false;
    }
    this.#pieces = [];
    const report = generation.step();
    this.#stats.add(report);
    const tokens = this.#tokens(report);
    this.#decodeMs += performance.now() - started;
    this.#send({ type: "round", id: this.#id, tokens, ...(this.#request.trace && { report }) });
    if (!report.finishReason) return false;
    this.#send({
      type: "finished",
      id: this.#id,
      result: {
        promptTokens: this.#promptTokens?.length ?? 0,
        finishReason: report.finishReason === "stop-string" ? "stop" : report.finishReason,
        ...(this.#text.stop !== undefined && { stopString: this.#text.stop }),
        prefillMs: this.#prefillMs,
        decodeMs: this.#decodeMs,
        drafting: this.#stats.toJSON(),
      },
    });
    return true;
  }

  close(): void {
    this.#generation?.close();
  }

  fail(error: unknown): void {
    this.#send({ type: "error", id: this.#id, error: toWire(error) });
  }

  /** The loop asks this for every token but the one that ends the text. */
  #takeText(token: number): boolean {
    this.#pieces.push(this.#text.push(this.#target.tokenizer.pieceBytes(token)));
    return this.#text.stopped;
  }

  #tokens({ emitted, finishReason }: RoundReport): GeneratedToken[] {
    const tokens = emitted.map(({ token, source, logprobs }: EmittedToken, i) => ({
      token,
      source,
      text: this.#pieces[i] ?? "",
      ...(logprobs && { logprobs: describeLogprobs(this.#target, token, logprobs) }),
    }));
    // What was held back belongs to the text now; the last token carries it.
    if (finishReason) tokens[tokens.length - 1].text += this.#text.flush();
    return tokens;
  }
}

export function encodePrompt({ tokenizer }: EngineModel, prompt: GenerationRequest["prompt"]): Int32Array {
  if ("tokens" in prompt) return prompt.tokens;
  const parts = prompt.segments.map(({ text, special }, i) =>
    tokenizer.encode(text, { addSpecial: i === 0, parseSpecial: special }),
  );
  const tokens = parts.length === 1 ? parts[0] : Int32Array.from(parts.flatMap((part) => [...part]));
  // Templates often write the begin-of-text token themselves.
  return tokens.length > 1 && tokens[0] === tokenizer.bos && tokens[1] === tokenizer.bos ? tokens.subarray(1) : tokens;
}

/** A predicted output as tokens: it continues the prompt, so no token that begins a text stands before it. */
export function encodePrediction(
  { tokenizer, model }: EngineModel,
  prediction: NonNullable<GenerationRequest["prediction"]>,
): Int32Array {
  const tokens = "tokens" in prediction ? prediction.tokens : tokenizer.encode(prediction.text);
  // What is longer than the context can never be emitted.
  return tokens.subarray(0, model.contextLength);
}

/** The prompt's tokens, or the end of them where that is allowed. Throws `context-overflow`. */
function fitPrompt(target: EngineModel, { prompt, overflow, maxTokens }: GenerationRequest): Int32Array {
  const tokens = encodePrompt(target, prompt);
  const { contextLength } = target.model;
  if (tokens.length === 0) {
    throw new DraftwrightError(
      "bad-argument",
      "The prompt is empty and this model has no begin-of-text token: write something.",
    );
  }
  if (tokens.length < contextLength) return tokens;
  if (overflow === "error") {
    throw new DraftwrightError(
      "context-overflow",
      `The prompt has ${tokens.length} tokens and the context holds ${contextLength}, output included. Shorten it, ` +
        'use a longer context, or cut it from the left (overflow: "truncate-left", --truncate).',
    );
  }
  // At most half of the context goes to the output. A begin-of-text token stays where it is.
  const kept = tokens.slice(tokens.length - (contextLength - Math.min(maxTokens, contextLength >> 1)));
  if (tokens[0] === target.tokenizer.bos) kept[0] = tokens[0];
  return kept;
}
