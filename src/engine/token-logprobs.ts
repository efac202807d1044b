import type { Logprobs } from "../drafting/index.ts";
import type { EngineModel } from "./runtime.ts";

/** A token, and the natural logarithm of the probability that the model gave it. */
export interface TokenProbability {
  readonly token: number;
  /** Incomplete characters are U+FFFD here; control tokens show their names. */
  readonly text: string;
  readonly bytes: readonly number[];
  readonly logprob: number;
}

/** Of an emitted token: softmax over the whole vocabulary, before temperature, bias, penalties, filters and constraint. */
export interface TokenLogprobs extends TokenProbability {
  /** The likeliest tokens at that place, likeliest first. */
  readonly top: readonly TokenProbability[];
}

export function describeLogprobs(target: EngineModel, token: number, { logprob, top }: Logprobs): TokenLogprobs {
  return {
    ...describe(target, token, logprob),
    top: top.map((one) => describe(target, one.token, one.logprob)),
  };
}

function describe({ tokenizer }: EngineModel, token: number, logprob: number): TokenProbability {
  const name = tokenizer.controlTexts.get(token);
  if (name !== undefined) return { token, text: name, bytes: [], logprob };
  const bytes = tokenizer.pieceBytes(token);
  return { token, text: new TextDecoder().decode(bytes), bytes: [...bytes], logprob };
}
