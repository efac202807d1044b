import { randomInt } from "node:crypto";
import type { RoundReport } from "../drafting/index.ts";
import { DraftwrightError } from "../errors.ts";
import type { ChatMessage } from "../lm/chat-template.ts";
import type { Adapter } from "../lm/model.ts";
import type { SamplingParams } from "../lm/sampling/index.ts";
import { type Constraint, toGbnf } from "./constraint.ts";
import type { PromptSegment } from "./prompt-segments.ts";
import type { Thinking } from "./thoughts.ts";

/** A conversation for the model's chat template; `tools` are definitions in OpenAI's form, for templates that know tools. */
export interface ChatPrompt {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly unknown[];
  /** Further variables that some templates read, such as `{ enable_thinking: false }`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** Text; or a conversation, put into the model's chat template; or token ids as they are. */
export type Prompt = string | ChatPrompt | { readonly tokens: ArrayLike<number> };

/** A prompt on its way to the model: messages have become text. */
export type WirePrompt =
  | { readonly segments: readonly PromptSegment[]; readonly thinking?: Thinking }
  | { readonly tokens: Int32Array };

/**
 * `auto`: what pays under the measured cost curve, of several drafters. `off`: plain decoding. A name or names (such as
 * `lookup`, `model`, `cascade`): these drafters only. `ModelInfo.drafters` lists them.
 */
export type DraftChoice = "auto" | "off" | (string & {}) | readonly string[];

export interface GenerateOptions {
  /** Default `auto`. What is drafted changes the speed, never the output. */
  readonly draft?: DraftChoice;
  /**
   * What the output will be like, such as the old version of a text that is being edited: drafts are taken from it, and
   * resume after every difference. It changes the speed, never the output.
   */
  readonly prediction?: string | { readonly tokens: ArrayLike<number> };
  /** Draft tokens in every round, whatever they cost. Default: as many as pay. */
  readonly budget?: number;
  /**
   * `match` (default): equal seeds give equal texts, whatever is drafted. `ratio`: a draft model's tokens are drawn from its
   * distribution and kept more often; the text has the target's law, but is another than without drafts. At temperature 0
   * they are the same.
   */
  readonly verify?: "match" | "ratio";
  /** Default 256. */
  readonly maxTokens?: number;
  /** 0 (default) is greedy. */
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly penaltyWindow?: number;
  /** Added to the logit of each token id; -Infinity forbids it. */
  readonly logitBias?: ReadonlyMap<number, number> | Readonly<Record<number, number>>;
  /** Equal seeds give equal texts at any temperature, with and without drafting. Default: a random one. */
  readonly seed?: number;
  /** The text ends before the first of these. Thoughts of a reasoning model are no part of it. */
  readonly stop?: string | readonly string[];
  /**
   * What the output must be: tokens that do not fit are never chosen. It composes with drafting: the text is the one that
   * plain decoding gives under the same constraint. In a conversation with a reasoning model it begins after the thoughts.
   */
  readonly constraint?: Constraint;
  /** Report the log probability of each token, and so many of the likeliest tokens in its place (0 to 20). */
  readonly logprobs?: number;
  /** The same of every prompt token but the first; the whole prompt is read then, whatever the cache holds. */
  readonly promptLogprobs?: number;
  /**
   * Whose request it is, such as an API key's name. Prompts of one scope that begin alike share the rows of their beginning,
   * and drafters learn from them together; nothing is shared between scopes. Without one nothing is kept.
   */
  readonly cacheScope?: string;
  /**
   * One of the LoRA adapters that the model was loaded with, by name (at scale 1) or with a scale; false: none of them.
   * Default: all, at the scales they were loaded with.
   */
  readonly adapter?: string | { readonly name: string; readonly scale?: number } | false;
  /** Ends the generation within one round; iterator and result then throw `aborted`. */
  readonly signal?: AbortSignal;
  /** A prompt longer than the context is refused (default), or loses its beginning. */
  readonly overflow?: "error" | "truncate-left";
  /** Called after every round with what was offered, bought and accepted. */
  readonly onRound?: (round: RoundReport) => void;
  /** Let `onRound` see the draft trees, bids and prices too (`RoundReport.record`). It changes no decision. */
  readonly record?: boolean;
  /**
   * Draft all there is at every position and emit one token a round: slow, and what replays are made of. Implies
   * `record`. The output stays the same.
   */
  readonly survey?: boolean;
}

/** `GenerateOptions` with defaults filled in and checked, as plain data that can cross to the worker. */
export interface GenerationRequest {
  readonly prompt: WirePrompt;
  /** Names, or all there are; an empty list is plain decoding. */
  readonly draft: "auto" | readonly string[];
  readonly prediction: { readonly text: string } | { readonly tokens: Int32Array } | undefined;
  readonly budget: number | undefined;
  readonly verify: "match" | "ratio";
  readonly maxTokens: number;
  readonly sampling: SamplingParams;
  readonly seed: number;
  readonly stop: readonly string[];
  /** The constraint in GBNF. */
  readonly grammar: string | undefined;
  readonly logprobs: number | undefined;
  readonly promptLogprobs: number | undefined;
  readonly cacheScope: string | undefined;
  readonly adapter: Adapter | null | undefined;
  readonly overflow: "error" | "truncate-left";
  readonly trace: boolean;
  readonly record: boolean;
  readonly survey: boolean;
}

/** As OpenAI's. */
const mostLogprobs = 20;

const known = new Set<keyof GenerateOptions>([
  "draft",
  "budget",
  "verify",
  "prediction",
  "maxTokens",
  "temperature",
  "topK",
  "topP",
  "minP",
  "repetitionPenalty",
  "presencePenalty",
  "frequencyPenalty",
  "penaltyWindow",
  "logitBias",
  "seed",
  "stop",
  "constraint",
  "logprobs",
  "promptLogprobs",
  "cacheScope",
  "adapter",
  "signal",
  "overflow",
  "onRound",
  "record",
  "survey",
]);

/** Throws `bad-argument`. Sampling parameters are checked by the sampler itself. */
export function toRequest(options: GenerateOptions): Omit<GenerationRequest, "prompt"> {
  for (const name of Object.keys(options)) {
    if (!known.has(name as keyof GenerateOptions)) {
      throw new DraftwrightError("bad-argument", `Unknown option "${name}". Options: ${[...known].join(", ")}.`);
    }
  }
  const { maxTokens = 256, budget, seed = randomInt(2 ** 32), overflow = "error" } = options;
  requireInteger("maxTokens", maxTokens, 1);
  requireInteger("seed", seed, 0);
  if (budget !== undefined) requireInteger("budget", budget, 1);
  const { constraint, logprobs, promptLogprobs } = options;
  if (logprobs !== undefined) requireInteger("logprobs", logprobs, 0, mostLogprobs);
  if (promptLogprobs !== undefined) requireInteger("promptLogprobs", promptLogprobs, 0, mostLogprobs);
  if (overflow !== "error" && overflow !== "truncate-left") {
    throw new DraftwrightError("bad-argument", `overflow is "${overflow}"; it must be "error" or "truncate-left".`);
  }
  const { verify = "match" } = options;
  if (verify !== "match" && verify !== "ratio") {
    throw new DraftwrightError("bad-argument", `verify is "${String(verify)}"; it must be "match" or "ratio".`);
  }
  const draft = toDraft(options.draft ?? "auto");
  if (budget !== undefined && draft.length === 0) {
    throw new DraftwrightError("bad-argument", 'A budget needs a drafter: leave it out, or draft with "auto".');
  }
  const { prediction } = options;
  if (prediction !== undefined && draft.length === 0) {
    throw new DraftwrightError("bad-argument", 'A prediction needs drafting: leave it out, or draft with "auto".');
  }
  return {
    draft,
    prediction: prediction === undefined ? undefined : toPrediction(prediction),
    budget,
    verify,
    maxTokens,
    sampling: toSampling(options),
    seed,
    stop: typeof options.stop === "string" ? [options.stop] : [...(options.stop ?? [])],
    grammar: constraint === undefined ? undefined : toGbnf(constraint),
    logprobs,
    promptLogprobs,
    cacheScope: options.cacheScope,
    adapter: toAdapter(options.adapter),
    overflow,
    trace: options.onRound !== undefined,
    record: options.record === true || options.survey === true,
    survey: options.survey === true,
  };
}

function toDraft(choice: DraftChoice): "auto" | readonly string[] {
  if (choice === "auto") return "auto";
  const names = typeof choice === "string" ? [choice] : [...choice];
  if (names.length === 1 && names[0] === "off") return [];
  const odd = names.find((name) => name === "off" || name === "auto");
  if (odd) throw new DraftwrightError("bad-argument", `draft "${odd}" cannot be combined with other drafters.`);
  if (names.length === 0)
    throw new DraftwrightError("bad-argument", 'draft is an empty list; say "off" for plain decoding.');
  return [...new Set(names)];
}

function toAdapter(choice: GenerateOptions["adapter"]): Adapter | null | undefined {
  if (choice === undefined) return undefined;
  if (choice === false) return null;
  const { name, scale = 1 } = typeof choice === "string" ? { name: choice } : Object(choice);
  if (typeof name === "string" && Number.isFinite(scale)) return { name, scale };
  throw new DraftwrightError("bad-argument", "adapter must be a name, { name, scale }, or false for none.");
}

function toPrediction(prediction: unknown): GenerationRequest["prediction"] {
  if (typeof prediction === "string") return { text: prediction };
  const { tokens } = Object(prediction) as { tokens?: ArrayLike<number> };
  if (typeof tokens === "object" && Array.from(tokens).every((token) => Number.isInteger(token) && token >= 0)) {
    return { tokens: Int32Array.from(tokens) };
  }
  throw new DraftwrightError("bad-argument", "prediction must be a text, or { tokens } with token ids.");
}

function toSampling(options: GenerateOptions): SamplingParams {
  const {
    temperature = 0,
    topK,
    topP,
    minP,
    repetitionPenalty,
    presencePenalty,
    frequencyPenalty,
    penaltyWindow,
  } = options;
  const { logitBias } = options;
  const bias =
    logitBias === undefined || logitBias instanceof Map
      ? logitBias
      : new Map(Object.entries(logitBias).map(([token, value]) => [Number(token), value]));
  return {
    temperature,
    topK,
    topP,
    minP,
    repetitionPenalty,
    presencePenalty,
    frequencyPenalty,
    penaltyWindow,
    logitBias: bias,
  };
}

function requireInteger(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `>= ${least}` : `from ${least} to ${most}`;
  throw new DraftwrightError("bad-argument", `${name} is ${value}; it must be an integer ${range}.`);
}
