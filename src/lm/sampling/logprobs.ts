import { expNegative } from "./exp.ts";

/** A token and the natural logarithm of its probability. */
export interface TokenLogprob {
  readonly token: number;
  readonly logprob: number;
}

/** Natural logarithm of the sum of exp(logit): log probabilities are logits less this. */
export function logSumExp(logits: Float32Array): number {
  let max = logits[0];
  for (let i = 1; i < logits.length; i++) if (logits[i] > max) max = logits[i];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += expNegative(logits[i] - max);
  return max + Math.log(sum);
}

/** The `count` likeliest tokens, likeliest first, the lower id first of equal ones. `logSum`: as `logSumExp` gives it. */
export function topLogprobs(logits: Float32Array, count: number, logSum: number): TokenLogprob[] {
  const top: TokenLogprob[] = [];
  if (count === 0) return top;
  let least = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token];
    if (top.length === count && !(logit > least)) continue;
    let at = top.length;
    while (at > 0 && top[at - 1].logprob < logit - logSum) at--;
    top.splice(at, 0, { token, logprob: logit - logSum });
    if (top.length > count) top.pop();
    if (top.length === count) least = top[count - 1].logprob + logSum;
  }
  return top;
}
