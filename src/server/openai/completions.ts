import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import { z } from "zod";
import type { GenerateResult, Generating, Prompt, TokenLogprobs } from "../../engine/index.ts";
import { choiceEvents } from "../choice-events.ts";
import { ApiError } from "../http/api-error.ts";
import { jsonBody } from "../http/json-body.ts";
import { sseEvent } from "../http/sse.ts";
import { RoundEvents } from "../round-events.ts";
import type { Run } from "../run.ts";
import type { Service } from "../service.ts";
import { streamAnswer } from "../stream-answer.ts";
import { choiceSeed, generateOptions, samplingFields, wantsRounds, wantsSources } from "./fields.ts";
import { completionLogprobs, HeldLogprobs, idName, textLogprobs, textName } from "./logprobs.ts";
import { draftingOf, finishReason, timingsOf, usageOf } from "./usage.ts";

const tokens = z.array(z.int().min(0)).min(1);

const completionSchema = z.object({
  ...samplingFields,
  prompt: z.union([z.string(), z.array(z.string()).min(1), tokens, z.array(tokens).min(1)], {
    error: "it must be a text, token ids, or an array of these",
  }),
  /** 0 with echo and logprobs: the prompt is judged and nothing is said. */
  max_tokens: z
    .union([z.literal(0), z.literal(-1), z.int().min(1)], {
      error: "it must be 1 or more, or -1 for as many as there is room for",
    })
    .nullish(),
  echo: z.boolean().nullish(),
  suffix: z.string().nullish(),
  best_of: z.int().min(1).nullish(),
  logprobs: z.int().min(0).max(5).nullish(),
  /** As vLLM's: tokens are named `token_id:N`, which no two share. */
  return_tokens_as_token_ids: z.boolean().nullish(),
});

type CompletionBody = z.infer<typeof completionSchema>;

/** POST /v1/completions */
export async function completions(c: Context, service: Service): Promise<Response> {
  const body = await jsonBody(c, completionSchema, service.settings.limits.bodyBytes);
  refuseUnsupported(body);
  const n = body.n ?? 1;
  const prompts = promptsOf(body.prompt);
  const run = await service.start(c, body.model, n * prompts.length);
  try {
    const vocabulary = run.model.info.vocabSize;
    for (const prompt of prompts) checkTokens(prompt, vocabulary);
    // OpenAI's default for this endpoint.
    const wanted = body.max_tokens ?? 16;
    const maxTokens = wanted === 0 ? 1 : wanted === -1 ? undefined : wanted;
    const options = generateOptions(body, maxTokens, service.settings, run.model.info.contextLength);
    const counted = typeof body.logprobs === "number" ? body.logprobs : undefined;
    const rounds = wantsRounds(body) ? new RoundEvents(run.model) : undefined;
    const choices = prompts.flatMap((prompt, i) =>
      Array.from({ length: n }, (_, choice) =>
        run.generate(prompt, {
          ...options,
          ...(counted !== undefined && { logprobs: counted, ...(body.echo && { promptLogprobs: counted }) }),
          ...rounds?.options(i * n + choice),
          seed: choiceSeed(body.seed, choice),
        }),
      ),
    );
    const echoes = await echoesOf(body, prompts, n, run);
    const head = {
      id: `cmpl-${randomUUID()}`,
      object: "text_completion",
      created: run.created,
      model: run.modelId,
    };
    if (body.stream) {
      const events = chunks(choices, echoes, head, body, prompts.length);
      return await streamAnswer(service, run, rounds?.join(events) ?? events);
    }
    const results = (await run.results(choices)).map((result) =>
      body.max_tokens === 0 ? { ...result, text: "", tokens: 0, finishReason: "length" as const } : result,
    );
    const said = await Promise.all(
      choices.map((choice) => (counted === undefined || body.max_tokens === 0 ? [] : textLogprobs(choice))),
    );
    const nameOf = body.return_tokens_as_token_ids ? idName : textName;
    const judged = await Promise.all(
      results.map(async ({ promptLogprobs }, i) => {
        if (!promptLogprobs) return { tokens: said[i], first: undefined };
        const [first] = await run.model.tokenize(prompts[Math.floor(i / n)]);
        return { tokens: [...promptLogprobs, ...said[i]], first: await firstToken(run, first) };
      }),
    );
    return c.json({
      ...head,
      choices: results.map((result, index) => ({
        index,
        text: echoes[index] + result.text,
        logprobs:
          counted === undefined ? null : completionLogprobs(judged[index].tokens, 0, nameOf, judged[index].first),
        finish_reason: finishReason(result),
      })),
      usage: usageOf(results, prompts.length),
      timings: timingsOf(results[0]),
      drafting: draftingOf(results[0]),
    });
  } catch (error) {
    run.end();
    throw error;
  }
}

async function* chunks(
  choices: readonly Generating[],
  echoes: readonly string[],
  head: object,
  body: CompletionBody,
  prompts: number,
): AsyncGenerator<string> {
  const includeUsage = body.stream_options?.include_usage === true;
  const sources = wantsSources(body);
  const nameOf = body.return_tokens_as_token_ids ? idName : textName;
  const logprobs = choices.map(() => new HeldLogprobs());
  const chunk = (index: number, text: string, more: object = {}) =>
    sseEvent({
      ...head,
      choices: [{ index, text, logprobs: logprobs[index].takeCompletion(nameOf), finish_reason: null, ...more }],
      ...(includeUsage && { usage: null }),
    });
  const results: GenerateResult[] = [];
  let opening = echoes.map((echo, index) => (echo === "" ? "" : chunk(index, echo))).join("");
  for await (const events of choiceEvents(choices)) {
    let text = opening;
    opening = "";
    for (const { index, token, result } of events) {
      if (token) {
        logprobs[index].push(token);
        if (token.text !== "") text += chunk(index, token.text, sources ? { source: token.source } : {});
        continue;
      }
      results[index] = result;
      text += chunk(index, "", { finish_reason: finishReason(result) });
    }
    if (text !== "") yield text;
  }
  const usage = includeUsage ? sseEvent({ ...head, choices: [], usage: usageOf(results, prompts) }) : "";
  yield `${usage}${sseEvent("[DONE]")}`;
}

/** The prompt's first token: nothing comes before it, so it has no probability. */
async function firstToken(run: Run, token: number): Promise<Pick<TokenLogprobs, "token" | "text">> {
  return { token, text: await run.model.detokenize([token]) };
}

function refuseUnsupported({ suffix, best_of: bestOf, n, logprobs, echo, ...body }: CompletionBody): void {
  const judges = typeof logprobs === "number" && echo === true;
  if (judges && body.stream) {
    throw new ApiError(400, "logprobs of the prompt are not streamed: leave stream, echo or logprobs out.", {
      code: "unsupported_parameter",
      param: "stream",
    });
  }
  if (body.max_tokens === 0 && !judges) {
    throw new ApiError(400, "max_tokens may be 0 only with echo and logprobs, to judge the prompt.", {
      code: "invalid_value",
      param: "max_tokens",
    });
  }
  if (suffix) {
    throw new ApiError(400, "suffix is not supported: this server completes texts at their end only.", {
      param: "suffix",
    });
  }
  if (bestOf && bestOf !== (n ?? 1)) {
    throw new ApiError(400, "best_of is not supported: ask for n choices and choose.", { param: "best_of" });
  }
}

function promptsOf(prompt: CompletionBody["prompt"]): Exclude<Prompt, { messages: unknown }>[] {
  if (typeof prompt === "string") return [prompt];
  if (typeof prompt[0] === "number") return [{ tokens: prompt as number[] }];
  return (prompt as (string | number[])[]).map((one) => (typeof one === "string" ? one : { tokens: one }));
}

function checkTokens(prompt: Prompt, vocabSize: number): void {
  if (typeof prompt === "string" || !("tokens" in prompt)) return;
  const odd = Array.from(prompt.tokens).find((token) => token >= vocabSize);
  if (odd === undefined) return;
  throw new ApiError(400, `Token ${odd} does not exist: the model has tokens 0 to ${vocabSize - 1}.`, {
    code: "invalid_value",
    param: "prompt",
  });
}

/** The text before each choice: its prompt where the request wants to see it again. */
async function echoesOf(
  { echo }: CompletionBody,
  prompts: readonly Exclude<Prompt, { messages: unknown }>[],
  n: number,
  run: Run,
): Promise<string[]> {
  const texts = await Promise.all(
    prompts.map((prompt) => {
      if (!echo) return "";
      return typeof prompt === "string" ? prompt : run.model.detokenize(prompt.tokens);
    }),
  );
  return texts.flatMap((text) => Array<string>(n).fill(text));
}
