// What a request for a response says: items of a conversation and tools, as the chat endpoints know them.
import { z } from "zod";
import type { ChatMessage } from "../../lm/chat-template.ts";
import { type Tool, type ToolChoice, toolSchema } from "../tools/index.ts";
import { contentSchema, type MessageBody, toChatMessage } from "./messages.ts";

const messageItem = z.object({
  type: z.literal("message").optional(),
  role: z.enum(["user", "assistant", "system", "developer"]),
  content: contentSchema,
});
const reasoningItem = z.object({
  type: z.literal("reasoning"),
  content: z.array(z.object({ type: z.literal("reasoning_text"), text: z.string() })).nullish(),
});
const callItem = z.object({
  type: z.literal("function_call"),
  call_id: z.string(),
  name: z.string().min(1),
  arguments: z.string(),
});
const callOutputItem = z.object({
  type: z.literal("function_call_output"),
  call_id: z.string(),
  output: contentSchema,
});

const referenceItem = z.object({ type: z.literal("item_reference"), id: z.string() });

const itemSchema = z.union([messageItem, reasoningItem, callItem, callOutputItem, referenceItem], {
  error: "it must be a message, or an item of type reasoning, function_call, function_call_output or item_reference",
});
export const inputSchema = z
  .union([z.string(), z.array(itemSchema).min(1)])
  .transform((input) => (typeof input === "string" ? [{ role: "user" as const, content: input }] : input));

/** Of a conversation, once references have been followed. */
export type Item = z.infer<typeof messageItem | typeof reasoningItem | typeof callItem | typeof callOutputItem>;

export const functionSchema = z.object(
  { type: z.literal("function"), ...toolSchema.shape.function.shape },
  { error: "only tools of type function: this server runs none of its own" },
);
export const functionChoiceSchema = z.union(
  [z.enum(["none", "auto", "required"]), z.object({ type: z.literal("function"), name: z.string() })],
  { error: 'it must be "none", "auto", "required" or { type: "function", name }' },
);

export function toTool({ type, ...definition }: z.infer<typeof functionSchema>): Tool {
  return { type, function: definition };
}

export function toToolChoice(choice: z.infer<typeof functionChoiceSchema>): ToolChoice {
  return typeof choice === "string" ? choice : { type: "function", function: { name: choice.name } };
}

/** Thoughts, text and calls that follow each other are one message of the assistant. */
export function toChatMessages(items: readonly Item[], instructions: string | null | undefined): ChatMessage[] {
  const messages: MessageBody[] = instructions ? [{ role: "system", content: instructions }] : [];
  let turn: Extract<MessageBody, { role: "assistant" }> = { role: "assistant" };
  const endTurn = () => {
    if (turn.content !== undefined || turn.tool_calls) messages.push(turn);
    turn = { role: "assistant" };
  };
  for (const item of items) {
    if (item.type === "reasoning") {
      if (turn.content !== undefined || turn.tool_calls) endTurn();
      turn.reasoning_content = item.content?.map(({ text }) => text).join("");
    } else if (item.type === "function_call") {
      const { call_id: id, name, arguments: given } = item;
      const call = { id, type: "function" as const, function: { name, arguments: given } };
      turn.tool_calls = [...(turn.tool_calls ?? []), call];
    } else if (item.type === "function_call_output") {
      endTurn();
      messages.push({ role: "tool", tool_call_id: item.call_id, content: item.output });
    } else if (item.role === "assistant") {
      if (turn.content !== undefined || turn.tool_calls) endTurn();
      turn.content = item.content;
    } else {
      endTurn();
      messages.push({ role: item.role, content: item.content });
    }
  }
  endTurn();
  return messages.map(toChatMessage);
}
