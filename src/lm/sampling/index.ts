// Sampling: from a row of logits to one token, with one keyed draw per position.
// Everything is a pure function of (logits, history, u): plain decoding and drafting call the same code on the same path,
// so `match` verification gives identical tokens. The chain is llama.cpp's default one, in its order:
// logit bias, penalties (repetition, then frequency and presence), top-k, top-p, min-p, temperature, inverse CDF.
// What is not here: which positions are drawn (drafting/) and where logits come from (lm/graph, lm/toy).

export { argmax } from "./argmax.ts";
export { createHistory, type TokenHistory } from "./history.ts";
export { keyedUniform } from "./keyed-uniform.ts";
export { logSumExp, type TokenLogprob, topLogprobs } from "./logprobs.ts";
export type { SamplingParams } from "./params.ts";
export { createSampler, type Sampler } from "./sampler.ts";
