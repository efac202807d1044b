import type { GenerateResult, Generating } from "../../engine/index.ts";
import { choiceEvents } from "../choice-events.ts";
import { sseEvent } from "../http/sse.ts";
import { type OutputPart, type OutputReader, partsOf } from "../tools/index.ts";
import { chatLogprobs, HeldLogprobs } from "./logprobs.ts";
import { draftingOf, finishReason, timingsOf, usageOf } from "./usage.ts";

export interface ChatStreamOptions {
  readonly choices: readonly Generating[];
  /** One for each choice. */
  readonly readers: readonly OutputReader[];
  readonly head: { readonly id: string; readonly created: number; readonly model: string };
  readonly includeUsage: boolean;
  readonly sources: boolean;
}

/** `chat.completion.chunk` events: roles, deltas, finish reasons, usage if it was asked for, `[DONE]`. */
export async function* chatChunks(options: ChatStreamOptions): AsyncGenerator<string> {
  const { choices, readers, head, includeUsage, sources } = options;
  const logprobs = choices.map(() => new HeldLogprobs());
  const common = { ...head, object: "chat.completion.chunk" };
  const chunk = (index: number, delta: object, more: object = {}) =>
    sseEvent({
      ...common,
      choices: [{ index, delta, logprobs: chatLogprobs(logprobs[index].take()), finish_reason: null, ...more }],
      ...(includeUsage && { usage: null }),
    });
  const results: GenerateResult[] = [];
  const toolCalls = choices.map(() => 0);
  const delta = (index: number, part: OutputPart) => {
    if (part.type === "text") return { content: part.text };
    if (part.type === "thinking") return { reasoning_content: part.text };
    const { id, name, arguments: text } = part;
    return { tool_calls: [{ index: toolCalls[index]++, id, type: "function", function: { name, arguments: text } }] };
  };
  let opening = choices.map((_, index) => chunk(index, { role: "assistant", content: "" })).join("");
  for await (const events of choiceEvents(choices)) {
    let text = opening;
    opening = "";
    for (const { index, token, result } of events) {
      if (token) logprobs[index].push(token);
      const parts = token ? partsOf(readers[index], token) : readers[index].end();
      for (const part of parts) {
        text += chunk(index, delta(index, part), sources && token ? { source: token.source } : {});
      }
      if (!result) continue;
      results[index] = result;
      const reason = toolCalls[index] > 0 ? "tool_calls" : finishReason(result);
      text += chunk(index, {}, { finish_reason: reason });
    }
    if (text !== "") yield text;
  }
  const usage = { ...common, choices: [], usage: usageOf(results), timings: timingsOf(results[0]) };
  const last = includeUsage ? sseEvent({ ...usage, drafting: draftingOf(results[0]) }) : "";
  yield `${last}${sseEvent("[DONE]")}`;
}
