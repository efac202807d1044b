import { DraftwrightError } from "../../errors.ts";

export interface SamplingParams {
  /** 0 = greedy: the highest logit after bias and penalties, lowest id on a tie; the filters below then change nothing. */
  temperature: number;
  /** Keep the k highest logits. 0 = off. */
  topK?: number;
  /** Keep the smallest set of most probable tokens whose probabilities (at temperature 1, after top-k) reach p. 1 = off. */
  topP?: number;
  /** Keep tokens at least this fraction as probable as the best one (at temperature 1). 0 = off. */
  minP?: number;
  /** Divides positive and multiplies other logits of tokens seen in the window. 1 = off. */
  repetitionPenalty?: number;
  /** Subtracted once from the logit of each token seen in the window. */
  presencePenalty?: number;
  /** Subtracted from a token's logit as often as it occurs in the window. */
  frequencyPenalty?: number;
  /** How many of the last tokens (prompt included) the penalties look at; all of them when absent. */
  penaltyWindow?: number;
  /** Added to the logit of each token id; -Infinity forbids the token. */
  logitBias?: ReadonlyMap<number, number>;
}

/** True when the history decides anything, so that counts must be kept. */
export function hasPenalties(params: SamplingParams): boolean {
  return (
    (params.repetitionPenalty ?? 1) !== 1 || (params.presencePenalty ?? 0) !== 0 || (params.frequencyPenalty ?? 0) !== 0
  );
}

/** Refuses parameters that have no meaning. Throws DraftwrightError "bad-argument". */
export function checkParams(params: SamplingParams, vocabSize: number): void {
  integerAtLeast("vocabSize", vocabSize, 1);
  if (!(params.temperature >= 0 && params.temperature < Infinity)) {
    refuse("temperature", params.temperature, "a finite number >= 0 (0 is greedy)");
  }
  if (params.topK !== undefined) integerAtLeast("topK", params.topK, 0);
  if (params.topP !== undefined && !(params.topP > 0 && params.topP <= 1)) {
    refuse("topP", params.topP, "in (0, 1] (1 turns it off)");
  }
  if (params.minP !== undefined && !(params.minP >= 0 && params.minP <= 1)) {
    refuse("minP", params.minP, "in [0, 1] (0 turns it off)");
  }
  const { repetitionPenalty } = params;
  if (repetitionPenalty !== undefined && !(repetitionPenalty > 0 && repetitionPenalty < Infinity)) {
    refuse("repetitionPenalty", repetitionPenalty, "a finite number > 0 (1 turns it off)");
  }
  for (const name of ["presencePenalty", "frequencyPenalty"] as const) {
    const value = params[name];
    if (value !== undefined && !Number.isFinite(value)) refuse(name, value, "a finite number (0 turns it off)");
  }
  if (params.penaltyWindow !== undefined) integerAtLeast("penaltyWindow", params.penaltyWindow, 1);
  for (const [token, bias] of params.logitBias ?? []) {
    if (!(Number.isInteger(token) && token >= 0 && token < vocabSize)) {
      refuse("logitBias token", token, `a token id in 0..${vocabSize - 1}`);
    }
    if (Number.isNaN(bias) || bias === Infinity) {
      refuse(`logitBias of token ${token}`, bias, "a finite number or -Infinity (use 100 to force a token)");
    }
  }
}

function integerAtLeast(name: string, value: number, least: number): void {
  if (!(Number.isSafeInteger(value) && value >= least)) refuse(name, value, `an integer >= ${least}`);
}

function refuse(name: string, value: unknown, wanted: string): never {
  throw new DraftwrightError("bad-argument", `${name} is ${String(value)}; it must be ${wanted}.`);
}
