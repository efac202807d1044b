// What is measured; each case gives plain data for the report.
import type { Model } from "../../engine/index.ts";
import { keyedUniform } from "../../lm/sampling/index.ts";
import { clauseRevisions, fileEdits, unguessable } from "../workloads.ts";
import { type Answer, ask, type CompletionRequest } from "./ask.ts";
import { quantiles, ratioOf, round, sum } from "./figures.ts";
import { load, rate } from "./load.ts";
import { type Served, type ServingOptions, startDraftwright, startLlamaServer } from "./processes.ts";

const texts = [...clauseRevisions, ...fileEdits, ...unguessable];

/** No two alike, so that a token in the wrong stream shows; every other one at temperature 0.8. */
export function requestsFor(streams: number, maxTokens: number, draft = "auto"): CompletionRequest[] {
  return Array.from({ length: streams }, (_, i) => ({
    prompt: `${i}. ${texts[i % texts.length]}`,
    max_tokens: maxTokens,
    temperature: i % 2 === 0 ? 0 : 0.8,
    seed: i,
    draft,
  }));
}

/** Each request alone, one after another, and the same in this process; in turn, so that a slow minute hits both. */
export async function oneUser(url: string, model: Model, requests: readonly CompletionRequest[]) {
  const alone: Answer[] = [];
  const inProcess: number[] = [];
  const generate = async ({ prompt, max_tokens: maxTokens, temperature, seed, draft }: CompletionRequest) => {
    const started = performance.now();
    await model.generate(prompt as string, { maxTokens, temperature, seed, draft }).result;
    return performance.now() - started;
  };
  for (const request of requests.slice(0, 3)) {
    await ask(url, request);
    await generate(request);
  }
  for (const [i, request] of requests.entries()) {
    if (i % 2 === 0) alone.push(await ask(url, request));
    inProcess.push(await generate(request));
    if (i % 2 === 1) alone.push(await ask(url, request));
  }
  return {
    alone,
    report: {
      tokensPerSecond: round(rate(alone)),
      firstTokenMs: quantiles(alone.map(({ firstMs }) => firstMs)),
      /** Milliseconds over HTTP over those in the process. */
      httpOverGenerate: ratioOf(
        alone.map(({ ms }) => ms),
        inProcess,
      ),
    },
  };
}

/** All at once, each compared with what it is alone. */
export async function manyUsers(
  url: string,
  requests: readonly CompletionRequest[],
  seconds: number,
  alone: readonly Answer[],
) {
  const report = await load(url, requests, seconds, alone);
  return { ...report, timesOneStream: round(report.tokensPerSecond / rate(alone)) };
}

/** Tokens per second with drafting on over those with it off, block after block. */
export async function draftingUnderLoad(url: string, users: number, maxTokens: number, seconds: number, pairs: number) {
  const rates = { auto: [] as number[], off: [] as number[] };
  let errors = 0;
  const block = async (draft: "auto" | "off", keep: boolean) => {
    const report = await load(url, requestsFor(users, maxTokens, draft), seconds);
    errors += report.errors;
    if (keep) rates[draft].push(report.tokensPerSecond);
  };
  await block("auto", false);
  for (let pair = 0; pair < pairs; pair++) {
    for (const draft of pair % 2 === 0 ? (["auto", "off"] as const) : (["off", "auto"] as const)) {
      await block(draft, true);
    }
  }
  return { users, secondsPerBlock: seconds, errors, onOverOff: ratioOf(rates.auto, rates.off), tokensPerSecond: rates };
}

/** Milliseconds to the first token of a long prompt: never seen before, and with its beginning read by an earlier one. */
export async function firstToken(options: ServingOptions, vocabSize: number, pairs: number) {
  const prompt = 1000;
  const known = 900;
  const server = await startDraftwright({ ...options, context: 2048 });
  try {
    const tokens = (seed: number, count: number) =>
      Array.from({ length: count }, (_, i) => 3 + Math.floor(keyedUniform(seed, 0, i) * (vocabSize - 3)));
    const first = async (ids: readonly number[]) =>
      (await ask(server.url, { prompt: ids, max_tokens: 2, temperature: 0, seed: 0, draft: "off" })).firstMs;
    const cold: number[] = [];
    const warm: number[] = [];
    for (let pair = -1; pair < pairs; pair++) {
      const stem = tokens(3 * pair + 10, known);
      const coldMs = await first([...stem, ...tokens(3 * pair + 11, prompt - known)]);
      const warmMs = await first([...stem, ...tokens(3 * pair + 12, prompt - known)]);
      if (pair < 0) continue;
      cold.push(coldMs);
      warm.push(warmMs);
    }
    return { prompt, known, coldMs: quantiles(cold), warmMs: quantiles(warm), warmOverCold: ratioOf(warm, cold) };
  } finally {
    server.stop();
  }
}

/** Tokens per second of all streams together, ours over llama.cpp's server: the same file, in turn, block after block. */
export async function againstLlama(
  ours: Served,
  binary: string,
  options: ServingOptions & { readonly model: string },
  maxTokens: number,
  seconds: number,
  pairs: number,
) {
  const requests = requestsFor(options.parallel, maxTokens);
  const theirs = await startLlamaServer(binary, options);
  try {
    const rates = { ours: [] as number[], llama: [] as number[] };
    const errors = { ours: 0, llama: 0 };
    const block = async (name: "ours" | "llama", keep: boolean) => {
      const report = await load((name === "ours" ? ours : theirs).url, requests, seconds);
      errors[name] += report.errors;
      if (keep) rates[name].push(report.tokensPerSecond);
    };
    await block("ours", false);
    await block("llama", false);
    for (let pair = 0; pair < pairs; pair++) {
      for (const name of pair % 2 === 0 ? (["ours", "llama"] as const) : (["llama", "ours"] as const)) {
        await block(name, true);
      }
    }
    const alone: Answer[] = [];
    for (const request of requests.slice(0, 8)) alone.push(await ask(theirs.url, request));
    return {
      secondsPerBlock: seconds,
      errors,
      oursOverLlama: ratioOf(rates.ours, rates.llama),
      tokensPerSecond: rates,
      llamaTimesOneStream: round(sum(rates.llama) / rates.llama.length / rate(alone)),
    };
  } finally {
    theirs.stop();
  }
}
