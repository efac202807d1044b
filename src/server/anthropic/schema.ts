// Anthropic's Messages API: what a request may hold, and what it means to chat templates.
import { z } from "zod";
import type { ChatMessage } from "../../lm/chat-template.ts";
import { samplingFields } from "../openai/fields.ts";
import type { Tool, ToolChoice } from "../tools/tool.ts";

const textBlock = z.object({ type: z.literal("text"), text: z.string() });
const toolUse = z.object({
  type: z.literal("tool_use"),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
});
const toolResult = z.object({
  type: z.literal("tool_result"),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(textBlock)]).nullish(),
});
const thinking = z.object({ type: z.literal("thinking"), thinking: z.string() });
const redactedThinking = z.object({ type: z.literal("redacted_thinking") });

const toolChoice = z.discriminatedUnion("type", [
  z.object({ type: z.enum(["auto", "any", "none"]) }),
  z.object({ type: z.literal("tool"), name: z.string() }),
]);

const messageSchema = z.discriminatedUnion("role", [
  z.object({ role: z.literal("user"), content: z.union([z.string(), z.array(z.union([textBlock, toolResult]))]) }),
  z.object({
    role: z.literal("assistant"),
    content: z.union([z.string(), z.array(z.union([textBlock, toolUse, thinking, redactedThinking]))]),
  }),
]);

const toolSchema = z.object({
  name: z.string().regex(/^[\w.-]{1,64}$/, "a name has 1 to 64 letters, digits, dots, dashes or underscores"),
  description: z.string().nullish(),
  input_schema: z.record(z.string(), z.unknown()),
});

export const messagesSchema = z.object({
  model: z.string(),
  max_tokens: z.int().min(1),
  messages: z.array(messageSchema).min(1, "it needs a message"),
  system: z.union([z.string(), z.array(textBlock)]).nullish(),
  temperature: z.number().min(0).max(1).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  stop_sequences: z.array(z.string().min(1)).max(16).nullish(),
  stream: z.boolean().nullish(),
  tools: z.array(toolSchema).max(128).nullish(),
  tool_choice: toolChoice.nullish(),
  thinking: z.object({ type: z.string() }).nullish(),
  draft: samplingFields.draft,
  adapter: samplingFields.adapter,
});

export type MessagesBody = z.infer<typeof messagesSchema>;

export function toChatMessages({ system, messages }: MessagesBody): ChatMessage[] {
  const first: ChatMessage[] = system ? [{ role: "system", content: textOf(system) }] : [];
  return [
    ...first,
    ...messages.flatMap((message) => (message.role === "user" ? fromUser(message) : fromAssistant(message))),
  ];
}

/** Results of tools come from the user here, and are messages of their own there. */
function fromUser({ content }: Extract<MessagesBody["messages"][number], { role: "user" }>): ChatMessage[] {
  if (typeof content === "string") return [{ role: "user", content }];
  const results = content
    .filter((block) => block.type === "tool_result")
    .map(
      (block): ChatMessage => ({ role: "tool", tool_call_id: block.tool_use_id, content: textOf(block.content ?? "") }),
    );
  const texts = content.filter((block) => block.type === "text");
  return texts.length === 0 ? results : [...results, { role: "user", content: textOf(texts) }];
}

function fromAssistant({ content }: Extract<MessagesBody["messages"][number], { role: "assistant" }>): ChatMessage[] {
  if (typeof content === "string") return [{ role: "assistant", content }];
  const text = textOf(content.filter((block) => block.type === "text"));
  const calls = content
    .filter((block) => block.type === "tool_use")
    .map(({ id, name, input }) => ({ id, type: "function", function: { name, arguments: input } }));
  const thoughts = content.flatMap((block) => (block.type === "thinking" ? [block.thinking] : [])).join("\n");
  return [
    {
      role: "assistant",
      content: text,
      ...(thoughts && { reasoning_content: thoughts }),
      ...(calls.length > 0 && { tool_calls: calls }),
    },
  ];
}

export function toTools({ tools }: MessagesBody): Tool[] {
  return (tools ?? []).map(({ name, description, input_schema: parameters }) => ({
    type: "function",
    function: { name, description, parameters },
  }));
}

export function toToolChoice({ tool_choice: choice }: MessagesBody): ToolChoice {
  if (choice?.type === "tool") return { type: "function", function: { name: choice.name } };
  return choice?.type === "any" ? "required" : (choice?.type ?? "auto");
}

function textOf(content: string | readonly { text: string }[]): string {
  return typeof content === "string" ? content : content.map(({ text }) => text).join("\n");
}
