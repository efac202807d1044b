// A target that runs on another server (vLLM, draftwright): drafts are made here and verified there, through the log
// probabilities of a prompt that ends in them. Greedy decoding only.
import { DraftwrightError } from "../../errors.ts";
import type { GenerationRequest } from "../request.ts";

export { loadRemote } from "./load.ts";

/** Throws `bad-argument` for what needs more than the likeliest tokens. */
export function requireGreedy({ sampling, grammar, logprobs, promptLogprobs }: GenerationRequest): void {
  const { temperature, repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0, logitBias } = sampling;
  const asked = {
    "a temperature above 0": temperature > 0,
    penalties: repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0,
    "a logit bias": (logitBias?.size ?? 0) > 0,
    "a constraint": grammar !== undefined,
    "log probabilities": logprobs !== undefined || promptLogprobs !== undefined,
  };
  const odd = Object.entries(asked).find(([, is]) => is)?.[0];
  if (odd === undefined) return;
  throw new DraftwrightError(
    "bad-argument",
    `A remote model tells its likeliest tokens only, so ${odd} cannot be had: ask its own server for that.`,
  );
}
