import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import { z } from "zod";
import type { GenerateResult, TokenLogprobs } from "../../engine/index.ts";
import { formatConstraint, responseFormatSchema } from "../constraint.ts";
import { sortedParts, startTurn } from "../conversation.ts";
import { ApiError } from "../http/api-error.ts";
import { jsonBody } from "../http/json-body.ts";
import { RoundEvents } from "../round-events.ts";
import type { Service } from "../service.ts";
import { streamAnswer } from "../stream-answer.ts";
import { effortVariables, type OutputReader, toolChoiceSchema, toolSchema, wholeAnswer } from "../tools/index.ts";
import { chatChunks } from "./chat-stream.ts";
import { choiceSeed, generateOptions, samplingFields, tokenLimit, wantsRounds, wantsSources } from "./fields.ts";
import { chatLogprobs, textLogprobs } from "./logprobs.ts";
import { messageSchema, toChatMessage } from "./messages.ts";
import { draftingOf, finishReason, timingsOf, usageOf } from "./usage.ts";

const chatSchema = z.object({
  ...samplingFields,
  messages: z.array(messageSchema).min(1, "it needs a message"),
  max_tokens: tokenLimit,
  max_completion_tokens: tokenLimit,
  tools: z.array(toolSchema).max(128).nullish(),
  tool_choice: toolChoiceSchema.nullish(),
  response_format: responseFormatSchema.nullish(),
  reasoning_effort: z.string().nullish(),
  chat_template_kwargs: z.record(z.string(), z.unknown()).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
});

/** POST /v1/chat/completions */
export async function chatCompletions(c: Context, service: Service): Promise<Response> {
  const body = await jsonBody(c, chatSchema, service.settings.limits.bodyBytes);
  if (typeof body.top_logprobs === "number" && !body.logprobs) {
    throw new ApiError(400, "top_logprobs needs logprobs: true.", { code: "invalid_value", param: "top_logprobs" });
  }
  const n = body.n ?? 1;
  const run = await service.start(c, body.model, n);
  try {
    const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? undefined;
    const options = generateOptions(body, maxTokens, service.settings, run.model.info.contextLength);
    const rounds = wantsRounds(body) ? new RoundEvents(run.model) : undefined;
    const { choices, readers } = startTurn(run, {
      messages: body.messages.map(toChatMessage),
      tools: body.tools ?? [],
      toolChoice: body.tool_choice ?? "auto",
      constraint: formatConstraint(body.response_format),
      variables: { ...effortVariables(body.reasoning_effort), ...body.chat_template_kwargs },
      options: Array.from({ length: n }, (_, choice) => ({
        ...options,
        ...(body.logprobs && { logprobs: body.top_logprobs ?? 0 }),
        ...rounds?.options(choice),
        seed: choiceSeed(body.seed, choice),
      })),
    });
    const head = { id: `chatcmpl-${randomUUID()}`, created: run.created, model: run.modelId };
    if (body.stream) {
      const includeUsage = body.stream_options?.include_usage === true;
      const sources = wantsSources(body);
      const chunks = chatChunks({ choices, readers, head, includeUsage, sources });
      return await streamAnswer(service, run, rounds?.join(chunks) ?? chunks);
    }
    const results = await run.results(choices);
    const logprobs = body.logprobs ? await Promise.all(choices.map(textLogprobs)) : [];
    return c.json({
      ...head,
      object: "chat.completion",
      choices: results.map((result, index) => chatChoice(result, index, readers[index], logprobs[index])),
      usage: usageOf(results),
      timings: timingsOf(results[0]),
      drafting: draftingOf(results[0]),
    });
  } catch (error) {
    run.end();
    throw error;
  }
}

function chatChoice(
  result: GenerateResult,
  index: number,
  reader: OutputReader,
  logprobs: readonly TokenLogprobs[] | undefined,
) {
  const { thinking, text, calls } = sortedParts(wholeAnswer(reader, result));
  return {
    index,
    message: {
      role: "assistant",
      ...(thinking !== "" && { reasoning_content: thinking }),
      content: calls.length > 0 && text === "" ? null : text,
      refusal: null,
      ...(calls.length > 0 && {
        tool_calls: calls.map(({ id, name, arguments: given }) => ({
          id,
          type: "function",
          function: { name, arguments: given },
        })),
      }),
    },
    logprobs: chatLogprobs(logprobs),
    finish_reason: calls.length > 0 ? "tool_calls" : finishReason(result),
  };
}
