import {
  type EmittedToken,
  Generation,
  type GenerationOptions,
  type RoundReport,
  type SharedRoundOptions,
  Stats,
  sharedRound,
} from "../drafting/index.ts";
import { DraftwrightError } from "../errors.ts";
import type { Sequence } from "../lm/model.ts";
import type { PrefixCache } from "./prefix-cache.ts";
import { nextChunk } from "./prompt-chunks.ts";
import type { FromHost } from "./protocol.ts";
import type { GenerationRequest } from "./request.ts";
import type { GeneratedToken } from "./result.ts";
import type { EngineModel } from "./runtime.ts";
import type { Task, Turn } from "./scheduler.ts";
import { TextStream } from "./text-stream.ts";
import type { Piece } from "./thoughts.ts";
import { describeLogprobs } from "./token-logprobs.ts";
import { toWire } from "./wire-error.ts";

/** Rows beyond prompt and output, so that the last rounds can still draft. */
const draftRows = 32;

/** What all generations of one target share. */
export type SharedOptions = Required<
  Pick<GenerationOptions, "drafters" | "policy" | "curve" | "calibration" | "guard">
> &
  Pick<GenerationOptions, "constraint" | "clock"> & { readonly cache: PrefixCache };

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
  #pieces: Piece[] = [];
  #sequence: Sequence | undefined;
  #cachedTokens = 0;
  #failed = false;
  readonly #clock: () => number;
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
    this.#clock = shared.clock ?? (() => performance.now());
    const { prompt } = request;
    this.#text = new TextStream(request.stop, "thinking" in prompt ? prompt.thinking : undefined);
    this.#stats = new Stats(
      target.model.numerics,
      shared.drafters.map((drafter) => drafter.name),
    );
  }

  get scope(): string {
    return this.#request.cacheScope ?? "";
  }

  get rowsLeft(): number {
    return this.#generation?.prefillLeft ?? 0;
  }

  start(): boolean {
    const { model, tokenizer } = this.#target;
    const { cache, ...shared } = this.#shared;
    const { maxTokens, sampling, seed, verify, logprobs, promptLogprobs, adapter } = this.#request;
    this.#promptTokens ??= fitPrompt(this.#target, this.#request);
    const rows = Math.min(model.contextLength, this.#promptTokens.length + maxTokens + draftRows);
    let sequence: Sequence | undefined;
    try {
      sequence = openSequence(this.#target, rows, cache);
      if (!sequence) return false;
      this.#generation = new Generation({
        model,
        sequence,
        promptTokens: this.#promptTokens,
        sampling,
        seed,
        verify,
        maxTokens,
        adapter,
        stopTokens: new Set(tokenizer.endOfGeneration),
        isStopText: (token) => this.#takeText(token),
        record: this.#request.record,
        logprobs,
        promptLogprobs,
        ...shared,
      });
      this.#sequence = sequence;
      return true;
    } catch (error) {
      sequence?.close();
      if (error instanceof DraftwrightError && error.code === "out-of-memory") return false;
      throw error;
    }
  }

  /** Rows are shared within a scope, and serve the adapter that they were computed with. */
  #rowScope(): string | undefined {
    const { cacheScope, adapter } = this.#request;
    if (cacheScope === undefined || adapter === undefined) return cacheScope;
    return JSON.stringify([cacheScope, adapter]);
  }

  /** One chunk of the prompt. */
  step(): boolean {
    const generation = this.#generation as Generation;
    const sequence = this.#sequence as Sequence;
    const { promptLogprobs } = this.#request;
    const cacheScope = this.#rowScope();
    const { cache, drafters } = this.#shared;
    const prompt = this.#promptTokens as Int32Array;
    const started = this.#clock();
    // Rows that are found say nothing about their tokens any more.
    const mayFind = drafters.every(({ needs }) => !needs.hidden) && promptLogprobs === undefined;
    if (cacheScope !== undefined && sequence.length === 0 && mayFind) {
      this.#cachedTokens = cache.adopt(cacheScope, prompt, sequence);
    }
    if (generation.prefillLeft > 0) generation.prefillStep(nextChunk(generation.prefillLeft));
    if (cacheScope !== undefined) cache.offer(cacheScope, prompt, sequence);
    this.#prefillMs += this.#clock() - started;
    return false;
  }

  /** One round of several tasks in one forward. */
  static round(tasks: readonly GenerationTask[], options: SharedRoundOptions): Turn[] {
    const started = options.clock();
    for (const task of tasks) task.#pieces = [];
    const outcomes = sharedRound(
      tasks.map((task) => task.#generation as Generation),
      options,
    );
    const ms = options.clock() - started;
    return outcomes.map((outcome, i) => {
      if ("error" in outcome) return outcome;
      try {
        return { finished: tasks[i].#report(outcome.report, ms) };
      } catch (error) {
        return { error };
      }
    });
  }

  /** Sends what a round gave. True when the text has ended. */
  #report(report: RoundReport, ms: number): boolean {
    this.#stats.add(report);
    const tokens = this.#tokens(report);
    this.#decodeMs += ms;
    this.#send({ type: "round", id: this.#id, tokens, ...(this.#request.trace && { report }) });
    if (!report.finishReason) return false;
    this.#send({
      type: "finished",
      id: this.#id,
      result: {
        promptTokens: this.#promptTokens?.length ?? 0,
        cachedTokens: this.#cachedTokens,
        finishReason: report.finishReason === "stop-string" ? "stop" : report.finishReason,
        ...(this.#text.stop !== undefined && { stopString: this.#text.stop }),
        prefillMs: this.#prefillMs,
        decodeMs: this.#decodeMs,
        drafting: this.#stats.toJSON(),
        ...(this.#request.promptLogprobs !== undefined && { promptLogprobs: this.#describePrompt() }),
      },
    });
    return true;
  }

  #describePrompt() {
    const { promptLogprobs } = this.#generation as Generation;
    const prompt = this.#promptTokens as Int32Array;
    return promptLogprobs.map((one, i) => describeLogprobs(this.#target, prompt[i + 1], one));
  }

  close(): void {
    const sequence = this.#sequence;
    const { cache } = this.#shared;
    const kept = sequence !== undefined && !this.#failed && cache.keep(sequence);
    if (sequence && !kept) cache.forget(sequence);
    this.#generation?.close({ keepSequence: kept });
  }

  fail(error: unknown): void {
    this.#failed = true;
    this.#send({ type: "error", id: this.#id, error: toWire(error) });
  }

  /** The loop asks this for every token but the one that ends the text. */
  #takeText(token: number): boolean {
    this.#pieces.push(this.#text.push(this.#target.tokenizer.pieceBytes(token)));
    return this.#text.stopped;
  }

  #tokens({ emitted, finishReason }: RoundReport): GeneratedToken[] {
    const pieces: Piece[] = emitted.map((_, i) => this.#pieces[i] ?? { text: "" });
    if (finishReason) pieces.push(join(pieces.pop() as Piece, this.#text.flush()));
    return emitted.map(({ token, source, logprobs }: EmittedToken, i) => ({
      token,
      source,
      ...pieces[i],
      ...(logprobs && { logprobs: describeLogprobs(this.#target, token, logprobs) }),
    }));
  }
}

/** What was held back belongs to the text at its end; the last token carries it. */
function join(last: Piece, held: Piece): Piece {
  const thinks = last.thinking !== undefined || held.thinking !== undefined;
  return {
    text: last.text + held.text,
    ...(thinks && { thinking: (last.thinking ?? "") + (held.thinking ?? "") }),
  };
}

/** Room for a sequence, if need be that of rows which only wait to be used again. Undefined when there is none. */
export function openSequence({ model }: EngineModel, rows: number, cache: PrefixCache): Sequence | undefined {
  for (;;) {
    try {
      return model.open({ rows });
    } catch (error) {
      if (!(error instanceof DraftwrightError && error.code === "out-of-memory")) throw error;
      if (!cache.evict()) return undefined;
    }
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
        'use a longer context, or cut it from the left (overflow: "truncate-left", --truncate; over HTTP truncation: "auto").',
    );
  }
  // At most half of the context goes to the output. A begin-of-text token stays where it is.
  const kept = tokens.slice(tokens.length - (contextLength - Math.min(maxTokens, contextLength >> 1)));
  if (tokens[0] === target.tokenizer.bos) kept[0] = tokens[0];
  return kept;
}
