import { DraftwrightError } from "../errors.ts";
import type { Finished } from "./protocol.ts";
import { type GenerateOptions, toRequest, type WirePrompt } from "./request.ts";
import type { Requests } from "./requests.ts";
import type { GenerateResult } from "./result.ts";
import { type Generating, StreamingResult } from "./streaming-result.ts";
import type { TokenLogprobs } from "./token-logprobs.ts";

/**
 * Sends one request and collects what comes back. A prompt that is there already is sent in this very tick, so that
 * requests are served in the order of the calls. Throws `bad-argument` at once; everything later rejects.
 */
export function startGeneration(
  requests: Requests,
  loadMs: number,
  prompt: WirePrompt | Promise<WirePrompt>,
  options: GenerateOptions,
): Generating {
  const request = toRequest(options);
  const { signal, onRound } = options;
  const tokenIds: number[] = [];
  const logprobs: TokenLogprobs[] = [];
  let text = "";
  const thinking = { text: "", tokens: 0 };
  /** Of the request, once it is sent. */
  let id: number | undefined;

  const cancel = () => {
    const error = new DraftwrightError("aborted", "The generation was aborted.", { cause: signal?.reason });
    if (id === undefined) fail(error);
    else requests.abort(id, error);
  };
  const stream = new StreamingResult(cancel);
  const fail = (error: unknown) => {
    signal?.removeEventListener("abort", cancel);
    stream.fail(error);
  };
  const send = (wire: WirePrompt) => {
    if (stream.ended) return;
    id = requests.open(
      {
        onTokens(tokens, report) {
          for (const token of tokens) {
            tokenIds.push(token.token);
            text += token.text;
            if (token.thinking !== undefined) {
              thinking.text += token.thinking;
              thinking.tokens++;
            }
            if (token.logprobs) logprobs.push(token.logprobs);
          }
          stream.push(tokens);
          if (report) onRound?.(report);
        },
        onEnd(value) {
          signal?.removeEventListener("abort", cancel);
          const result = toResult(text, thinking, tokenIds, loadMs, value as Finished);
          stream.finish(options.logprobs === undefined ? result : { ...result, logprobs });
        },
        onError: fail,
      },
      (newId) => ({ type: "generate", id: newId, request: { ...request, prompt: wire } }),
    );
  };

  if (signal?.aborted) cancel();
  else signal?.addEventListener("abort", cancel, { once: true });
  if (prompt instanceof Promise) prompt.then(send, fail);
  else send(prompt);
  return stream;
}

function toResult(
  text: string,
  thinking: NonNullable<GenerateResult["thinking"]>,
  tokenIds: number[],
  loadMs: number,
  finished: Finished,
): GenerateResult {
  const { promptTokens, cachedTokens, finishReason, stopString, prefillMs, decodeMs, drafting, promptLogprobs } =
    finished;
  const tokens = tokenIds.length;
  const tokensPerSecond = decodeMs > 0 ? (tokens * 1000) / decodeMs : 0;
  return {
    text,
    ...(thinking.tokens > 0 && { thinking }),
    tokenIds,
    tokens,
    promptTokens,
    cachedTokens,
    finishReason,
    ...(stopString !== undefined && { stopString }),
    ...(promptLogprobs && { promptLogprobs }),
    timings: { loadMs, prefillMs, decodeMs, tokensPerSecond },
    drafting,
  };
}
