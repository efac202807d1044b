import { DraftwrightError } from "../../errors.ts";
import { CountedHistory, type TokenHistory } from "./history.ts";
import { hasPenalties, type SamplingParams } from "./params.ts";

/** Adds bias and penalties to a copy of the logits: (logits [vocab], history, copy [vocab]) -> adjusted logits. */
export type Adjust = (logits: Float32Array, history: TokenHistory, copy: Float32Array) => Float32Array;

/**
 * Logit bias, then penalties with llama.cpp's formulas, each result rounded to f32. Returns the logits themselves when
 * nothing is to be done. Throws "bad-argument" when the history was made for other parameters: its counts would be wrong.
 */
export function createAdjust(params: SamplingParams, vocabSize: number): Adjust {
  const bias = [...(params.logitBias ?? [])];
  const penalised = hasPenalties(params);
  if (!penalised && bias.length === 0) return (logits) => logits;
  const repetition = params.repetitionPenalty ?? 1;
  const presence = params.presencePenalty ?? 0;
  const frequency = params.frequencyPenalty ?? 0;
  const window = params.penaltyWindow ?? Infinity;

  return (logits, history, copy) => {
    copy.set(logits);
    for (const [token, amount] of bias) copy[token] += amount;
    if (!penalised) return copy;
    if (
      !(history instanceof CountedHistory && history.counting) ||
      history.window !== window ||
      history.vocabSize !== vocabSize
    ) {
      throw new DraftwrightError(
        "bad-argument",
        "The history was not made for these sampling parameters; make it with createHistory(params, vocabSize).",
      );
    }
    for (const [token, count] of history.counts) {
      const logit = copy[token];
      const repeated = logit > 0 ? logit / repetition : logit * repetition;
      copy[token] = repeated - count * frequency - presence;
    }
    return copy;
  };
}
