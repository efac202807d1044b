import type { GenerateResult } from "../../engine/index.ts";

/** OpenAI's `usage` over all choices of a request. The prompt counts once, as there. */
export function usageOf(results: readonly GenerateResult[], prompts = 1) {
  const sum = (value: (result: GenerateResult) => number) =>
    results.reduce((total, result) => total + value(result), 0);
  const perPrompt = results.length / prompts;
  const promptTokens = sum((result) => result.promptTokens) / perPrompt;
  // Of each prompt's first choice: the others find what that one read.
  const cachedTokens = results.reduce((total, one, i) => total + (i % perPrompt === 0 ? one.cachedTokens : 0), 0);
  const completionTokens = sum((result) => result.tokens);
  const predicted = (count: "proposed" | "accepted") =>
    sum(({ drafting }) => drafting.bySource.prediction?.[count] ?? 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
    completion_tokens_details: {
      reasoning_tokens: sum(({ thinking }) => thinking?.tokens ?? 0),
      accepted_prediction_tokens: predicted("accepted"),
      rejected_prediction_tokens: predicted("proposed") - predicted("accepted"),
    },
  };
}

/** llama.cpp's `timings`, of the first choice. */
export function timingsOf({ timings, promptTokens, tokens, drafting }: GenerateResult) {
  const { prefillMs, decodeMs, tokensPerSecond } = timings;
  return {
    prompt_n: promptTokens,
    prompt_ms: prefillMs,
    predicted_n: tokens,
    predicted_ms: decodeMs,
    predicted_per_second: tokensPerSecond,
    draft_n: drafting.proposed,
    draft_n_accepted: drafting.accepted,
  };
}

/** What drafting did for a choice, beside OpenAI's fields. */
export function draftingOf({ drafting }: GenerateResult): object {
  const { rounds, proposed, accepted, bySource, numerics } = drafting;
  return { rounds, proposed, accepted, by_source: bySource, numerics };
}

export function finishReason({ finishReason }: GenerateResult): "stop" | "length" {
  return finishReason === "stop" ? "stop" : "length";
}
