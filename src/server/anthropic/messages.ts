import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import type { GenerateResult, Generating } from "../../engine/index.ts";
import { choiceEvents } from "../choice-events.ts";
import { startTurn } from "../conversation.ts";
import { toApiError } from "../http/api-error.ts";
import { jsonBody } from "../http/json-body.ts";
import { sseEvent } from "../http/sse.ts";
import { generateOptions } from "../openai/fields.ts";
import type { Service } from "../service.ts";
import { streamAnswer } from "../stream-answer.ts";
import { effortVariables, type OutputPart, type OutputReader, partsOf, wholeAnswer } from "../tools/index.ts";
import { anthropicError } from "./error.ts";
import { messagesSchema, toChatMessages, toToolChoice, toTools } from "./schema.ts";

/** POST /v1/messages */
export async function messages(c: Context, service: Service): Promise<Response> {
  const body = await jsonBody(c, messagesSchema, service.settings.limits.bodyBytes);
  const run = await service.start(c, body.model, 1);
  try {
    const { contextLength } = run.model.info;
    const {
      choices: [generating],
      readers: [reader],
    } = startTurn(run, {
      messages: toChatMessages(body),
      tools: toTools(body),
      toolChoice: toToolChoice(body),
      constraint: undefined,
      variables: effortVariables(body.thinking?.type === "disabled" ? "none" : undefined),
      options: [
        generateOptions({ ...body, stop: body.stop_sequences }, body.max_tokens, service.settings, contextLength),
      ],
    });
    const head = {
      id: `msg_${randomUUID().replaceAll("-", "")}`,
      type: "message",
      role: "assistant",
      model: run.modelId,
    };
    if (body.stream) {
      const events = messageEvents(generating, reader, head);
      return await streamAnswer(service, run, events, (error) => sseEvent(anthropicError(toApiError(error)), "error"));
    }
    const [result] = await run.results([generating]);
    const parts = wholeAnswer(reader, result);
    return c.json({
      ...head,
      content: parts.map(toBlock),
      ...ending(result, parts),
      usage: usageOf(result),
    });
  } catch (error) {
    run.end();
    throw error;
  }
}

async function* messageEvents(generating: Generating, reader: OutputReader, head: object): AsyncGenerator<string> {
  const parts: OutputPart[] = [];
  const event = (type: string, data: object) => sseEvent({ type, ...data }, type);
  /** Type of the block that is open, the last one. */
  let open: "text" | "thinking" | undefined;
  let blocks = 0;
  const close = () => {
    if (open === undefined) return "";
    open = undefined;
    return event("content_block_stop", { index: blocks - 1 });
  };
  const write = (part: OutputPart) => {
    parts.push(part);
    if (part.type !== "tool-call") {
      let before = "";
      if (open !== part.type) {
        before =
          close() + event("content_block_start", { index: blocks++, content_block: toBlock({ ...part, text: "" }) });
        open = part.type;
      }
      const delta = part.type === "text" ? { text: part.text } : { thinking: part.text };
      return (
        before + event("content_block_delta", { index: blocks - 1, delta: { type: `${part.type}_delta`, ...delta } })
      );
    }
    const before = close();
    const index = blocks++;
    const { id, name, arguments: json } = part;
    return (
      before +
      event("content_block_start", { index, content_block: { type: "tool_use", id, name, input: {} } }) +
      event("content_block_delta", { index, delta: { type: "input_json_delta", partial_json: json } }) +
      event("content_block_stop", { index })
    );
  };
  // What the prompt holds is known when the first token comes; clients add up both places.
  const message = { ...head, content: [], stop_reason: null, stop_sequence: null };
  let opening = event("message_start", { message: { ...message, usage: { input_tokens: 0, output_tokens: 0 } } });
  for await (const batch of choiceEvents([generating])) {
    let text = opening;
    opening = "";
    for (const { token, result } of batch) {
      for (const part of token ? partsOf(reader, token) : reader.end()) text += write(part);
      if (!result) continue;
      const delta = ending(result, parts);
      const usage = usageOf(result);
      text += close() + event("message_delta", { delta, usage }) + event("message_stop", {});
    }
    if (text !== "") yield text;
  }
}

function toBlock(part: OutputPart) {
  if (part.type === "text") return part;
  // Nobody signs thoughts here; clients want the field.
  if (part.type === "thinking") return { type: part.type, thinking: part.text, signature: "" };
  return { type: "tool_use", id: part.id, name: part.name, input: parsed(part.arguments) };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}

/** Why it ended, and at which stop sequence. */
function ending({ finishReason, stopString }: GenerateResult, parts: readonly OutputPart[]) {
  if (parts.some((part) => part.type === "tool-call")) return { stop_reason: "tool_use", stop_sequence: null };
  if (stopString !== undefined) return { stop_reason: "stop_sequence", stop_sequence: stopString };
  return { stop_reason: finishReason === "stop" ? "end_turn" : "max_tokens", stop_sequence: null };
}

/** Anthropic counts what was read from the cache apart from the rest of the prompt. */
function usageOf({ promptTokens, cachedTokens, tokens }: GenerateResult) {
  return {
    input_tokens: promptTokens - cachedTokens,
    cache_read_input_tokens: cachedTokens,
    output_tokens: tokens,
  };
}
