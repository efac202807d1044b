import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import { z } from "zod";
import type { GenerateResult, Generating, TokenLogprobs } from "../../engine/index.ts";
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
import { chatLogprobs, HeldLogprobs, textLogprobs } from "./logprobs.ts";
import { contentSchema, toChatMessage } from "./messages.ts";

const responsesSchema = z.object({
  model: samplingFields.model,
  temperature: samplingFields.temperature,
  top_p: samplingFields.top_p,
  draft: samplingFields.draft,
  adapter: samplingFields.adapter,
  stream: samplingFields.stream,
  truncation: samplingFields.truncation,
  input: z.union([
    z.string(),
    z
      .array(
        z.union([
          z.object({
            type: z.literal("message").optional(),
            role: z.enum(["user", "assistant", "system", "developer"]),
            content: contentSchema,
          }),
          // What was thought in earlier turns; templates leave it out.
          z.object({ type: z.literal("reasoning") }),
        ]),
      )
      .min(1),
  ]),
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
  tools: z.array(z.unknown()).nullish(),
  previous_response_id: z.string().nullish(),
});

type ResponsesBody = z.infer<typeof responsesSchema>;

/** POST /v1/responses: texts. Nothing is stored; tools are on /v1/chat/completions. */
export async function responses(c: Context, service: Service): Promise<Response> {
  const body = await jsonBody(c, responsesSchema, service.settings.limits.bodyBytes);
  refuseUnsupported(body);
  const run = await service.start(c, body.model, 1);
  try {
    const maxTokens = body.max_output_tokens ?? undefined;
    const format = body.text?.format;
    const {
      choices: [generating],
    } = startTurn(run, {
      messages: messagesOf(body),
      tools: [],
      toolChoice: "none",
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
    const ids = { reasoning: newId("rs"), message: newId("msg") };
    if (body.stream) {
      const toEvent = (error: unknown) => {
        const { message, code, param } = toApiError(error);
        return sseEvent({ type: "error", message, code, param }, "error");
      };
      return await streamAnswer(service, run, responseEvents(generating, head, ids), toEvent);
    }
    const [result] = await run.results([generating]);
    return c.json(finished(head, ids, result, partLogprobs(await textLogprobs(generating))));
  } catch (error) {
    run.end();
    throw error;
  }
}

interface ItemIds {
  readonly reasoning: string;
  readonly message: string;
}

const logprobsPart = "message.output_text.logprobs";

function wantsLogprobs({ include }: ResponsesBody): boolean {
  return include?.includes(logprobsPart) === true;
}

function refuseUnsupported(body: ResponsesBody): void {
  const { tools, previous_response_id: previous } = body;
  if (body.top_logprobs && !wantsLogprobs(body)) {
    throw new ApiError(400, `top_logprobs needs include: ["${logprobsPart}"].`, { param: "top_logprobs" });
  }
  if (previous) {
    throw new ApiError(400, "This server stores no responses: send the whole conversation as `input`.", {
      param: "previous_response_id",
    });
  }
  if (tools?.length) {
    throw new ApiError(400, "Tools are not supported here: call them through /v1/chat/completions or /v1/messages.", {
      param: "tools",
    });
  }
}

function messagesOf({ instructions, input }: ResponsesBody) {
  const items = typeof input === "string" ? [{ role: "user" as const, content: input }] : input;
  const said = items.flatMap((item) => ("role" in item ? [item] : []));
  const all = instructions ? [{ role: "system" as const, content: instructions }, ...said] : said;
  return all.map(({ role, content }) => toChatMessage(role === "assistant" ? { role, content } : { role, content }));
}

function newId(kind: string): string {
  return `${kind}_${randomUUID().replaceAll("-", "")}`;
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
    output: [] as object[],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    store: false,
    temperature: body.temperature ?? 1,
    text: { format: body.text?.format ?? { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? "disabled",
    usage: null as object | null,
  };
}

const textPart = (text: string, logprobs: readonly object[] = []) => ({
  type: "output_text",
  text,
  annotations: [],
  logprobs,
});

const partLogprobs = (tokens: readonly TokenLogprobs[] | undefined) => chatLogprobs(tokens)?.content ?? [];

function messageItem(id: string, status: string, content: readonly object[]) {
  return { type: "message", id, status, role: "assistant", content };
}

/** What the model thought, in the form of its open models: not a summary of it. */
function reasoningItem(id: string, status: string, text: string) {
  return { type: "reasoning", id, status, summary: [], content: [{ type: "reasoning_text", text }] };
}

const isThought = ({ thinking }: GenerateResult) => thinking !== undefined && thinking.text !== "";

function finished(
  head: ReturnType<typeof responseHead>,
  ids: ItemIds,
  result: GenerateResult,
  logprobs: readonly object[],
) {
  const whole = result.finishReason === "stop";
  const status = whole ? "completed" : "incomplete";
  const thoughts = isThought(result) ? [reasoningItem(ids.reasoning, status, result.thinking?.text ?? "")] : [];
  return {
    ...head,
    status,
    incomplete_details: whole ? null : { reason: "max_output_tokens" },
    output: [...thoughts, messageItem(ids.message, status, [textPart(result.text, logprobs)])],
    usage: {
      input_tokens: result.promptTokens,
      input_tokens_details: { cached_tokens: result.cachedTokens },
      output_tokens: result.tokens,
      output_tokens_details: { reasoning_tokens: result.thinking?.tokens ?? 0 },
      total_tokens: result.promptTokens + result.tokens,
    },
  };
}

async function* responseEvents(
  generating: Generating,
  head: ReturnType<typeof responseHead>,
  ids: ItemIds,
): AsyncGenerator<string> {
  let number = 0;
  const event = (type: string, data: object) => sseEvent({ type, sequence_number: number++, ...data }, type);
  const held = new HeldLogprobs();
  const all: object[] = [];
  let thoughts = "";
  let open: "reasoning" | "message" | undefined;
  const reasoning = { item_id: ids.reasoning, output_index: 0, content_index: 0 };
  const message = () => ({ item_id: ids.message, output_index: thoughts === "" ? 0 : 1, content_index: 0 });
  const think = (delta: string) => {
    let text = "";
    if (open === undefined) {
      const item = { ...reasoningItem(ids.reasoning, "in_progress", ""), content: [] };
      text = event("response.output_item.added", { output_index: 0, item });
      open = "reasoning";
    }
    thoughts += delta;
    return text + event("response.reasoning_text.delta", { ...reasoning, delta });
  };
  const openMessage = (status: string) => {
    if (open === "message") return "";
    let text = "";
    if (open === "reasoning") {
      const item = reasoningItem(ids.reasoning, status, thoughts);
      text =
        event("response.reasoning_text.done", { ...reasoning, text: thoughts }) +
        event("response.output_item.done", { output_index: 0, item });
    }
    open = "message";
    const item = messageItem(ids.message, "in_progress", []);
    return (
      text +
      event("response.output_item.added", { output_index: message().output_index, item }) +
      event("response.content_part.added", { ...message(), part: textPart("") })
    );
  };
  let opening = event("response.created", { response: head }) + event("response.in_progress", { response: head });
  for await (const batch of choiceEvents([generating])) {
    let text = opening;
    opening = "";
    for (const { token, result } of batch) {
      if (token) {
        if (token.thinking) text += think(token.thinking);
        held.push(token);
        if (!token.text) continue;
        const logprobs = partLogprobs(held.take());
        all.push(...logprobs);
        text += openMessage("completed");
        text += event("response.output_text.delta", { ...message(), delta: token.text, logprobs });
        continue;
      }
      const response = finished(head, ids, result, all);
      const { output_index } = message();
      text +=
        openMessage(response.status) +
        event("response.output_text.done", { ...message(), text: result.text, logprobs: all }) +
        event("response.content_part.done", { ...message(), part: textPart(result.text, all) }) +
        event("response.output_item.done", { output_index, item: response.output[output_index] }) +
        event(`response.${response.status}`, { response });
    }
    if (text !== "") yield text;
  }
}
