import type { Context } from "hono";
import { z } from "zod";
import type { GenerateResult, Generating } from "../../engine/index.ts";
import { choiceEvents } from "../choice-events.ts";
import { formatConstraint } from "../constraint.ts";
import { startTurn } from "../conversation.ts";
import { ApiError, toApiError } from "../http/api-error.ts";
import { jsonBody } from "../http/json-body.ts";
import { sseEvent } from "../http/sse.ts";
import type { Service } from "../service.ts";
import { streamAnswer } from "../stream-answer.ts";
import { effortVariables } from "../tools/index.ts";
import { generateOptions, samplingFields, tokenLimit } from "./fields.ts";
import {
  functionChoiceSchema,
  functionSchema,
  inputSchema,
  toChatMessages,
  toTool,
  toToolChoice,
} from "./response-input.ts";
import { newId, type OutputItem, ResponseItems } from "./response-items.ts";

const responsesSchema = z.object({
  model: samplingFields.model,
  temperature: samplingFields.temperature,
  top_p: samplingFields.top_p,
  draft: samplingFields.draft,
  adapter: samplingFields.adapter,
  stream: samplingFields.stream,
  truncation: samplingFields.truncation,
  input: inputSchema,
  instructions: z.string().nullish(),
  reasoning: z.object({ effort: z.string().nullish() }).nullish(),
  max_output_tokens: tokenLimit,
  text: z
    .object({
      format: z
        .discriminatedUnion("type", [
          z.object({ type: z.enum(["text", "json_object"]) }),
          z.object({ type: z.literal("json_schema"), schema: z.record(z.string(), z.unknown()) }),
        ])
        .nullish(),
    })
    .nullish(),
  /** Of what there is here, `message.output_text.logprobs`; the rest adds nothing to a text. */
  include: z.array(z.string()).nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  tools: z.array(functionSchema).max(128).nullish(),
  tool_choice: functionChoiceSchema.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  store: z.boolean().nullish(),
});

type ResponsesBody = z.infer<typeof responsesSchema>;

/** POST /v1/responses: texts and calls. */
export async function responses(c: Context, service: Service): Promise<Response> {
  const body = await jsonBody(c, responsesSchema, service.settings.limits.bodyBytes);
  if (body.top_logprobs && !wantsLogprobs(body)) {
    throw new ApiError(400, `top_logprobs needs include: ["${logprobsPart}"].`, { param: "top_logprobs" });
  }
  const scope: string | undefined = c.get("scope");
  const input = service.responses.resolve(scope, body.input, body.previous_response_id);
  const run = await service.start(c, body.model, 1);
  try {
    const maxTokens = body.max_output_tokens ?? undefined;
    const format = body.text?.format;
    const {
      choices: [generating],
      readers: [reader],
    } = startTurn(run, {
      messages: toChatMessages(input, body.instructions),
      tools: body.tools?.map(toTool) ?? [],
      toolChoice: toToolChoice(body.tool_choice ?? "auto"),
      constraint: formatConstraint(
        format?.type === "json_schema" ? { type: "json_schema", json_schema: { schema: format.schema } } : format,
      ),
      variables: effortVariables(body.reasoning?.effort),
      options: [
        {
          ...generateOptions(body, maxTokens, service.settings, run.model.info.contextLength),
          ...(wantsLogprobs(body) && { logprobs: body.top_logprobs ?? 0 }),
        },
      ],
    });
    const head = responseHead(body, run.modelId, run.created);
    const items = new ResponseItems(reader);
    const finish = (result: GenerateResult) => {
      const response = finished(head, items.output, result);
      if (response.store) service.responses.keep(scope, response, input);
      return response;
    };
    if (body.stream) {
      const toEvent = (error: unknown) => {
        const { message, code, param } = toApiError(error);
        return sseEvent({ type: "error", message, code, param }, "error");
      };
      return await streamAnswer(service, run, responseEvents(generating, items, head, finish), toEvent);
    }
    const [result] = await run.results([generating]);
    for await (const token of generating) items.push(token);
    items.end(statusOf(result));
    return c.json(finish(result));
  } catch (error) {
    run.end();
    throw error;
  }
}

const logprobsPart = "message.output_text.logprobs";

function wantsLogprobs({ include }: ResponsesBody): boolean {
  return include?.includes(logprobsPart) === true;
}

function responseHead(body: ResponsesBody, model: string, created: number) {
  return {
    id: newId("resp"),
    object: "response",
    created_at: created,
    status: "in_progress",
    background: false,
    error: null,
    incomplete_details: null as object | null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    metadata: {},
    model,
    output: [] as readonly OutputItem[],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    text: { format: body.text?.format ?? { type: "text" } },
    tool_choice: body.tool_choice ?? "auto",
    tools: body.tools ?? [],
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? "disabled",
    usage: null as object | null,
  };
}

/** The response as it stands when everything has been said. */
function finished(head: ReturnType<typeof responseHead>, output: readonly OutputItem[], result: GenerateResult) {
  const status = statusOf(result);
  return {
    ...head,
    status,
    incomplete_details: status === "completed" ? null : { reason: "max_output_tokens" },
    output,
    usage: {
      input_tokens: result.promptTokens,
      input_tokens_details: { cached_tokens: result.cachedTokens },
      output_tokens: result.tokens,
      output_tokens_details: { reasoning_tokens: result.thinking?.tokens ?? 0 },
      total_tokens: result.promptTokens + result.tokens,
    },
  };
}

const statusOf = ({ finishReason }: GenerateResult) => (finishReason === "stop" ? "completed" : "incomplete");

async function* responseEvents(
  generating: Generating,
  items: ResponseItems,
  head: ReturnType<typeof responseHead>,
  finish: (result: GenerateResult) => object,
): AsyncGenerator<string> {
  let opening = ["created", "in_progress"].map((name) => items.event(`response.${name}`, { response: head })).join("");
  for await (const batch of choiceEvents([generating])) {
    let text = opening;
    opening = "";
    for (const { token, result } of batch) {
      if (token) text += items.push(token);
      else {
        const status = statusOf(result);
        text += items.end(status);
        text += items.event(`response.${status}`, { response: finish(result) });
      }
    }
    if (text !== "") yield text;
  }
}
