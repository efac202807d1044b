// OpenAI's chat messages, and the ones that chat templates know.
import { z } from "zod";
import type { ChatMessage } from "../../lm/chat-template.ts";

const textPart = z.object({ type: z.enum(["text", "input_text", "output_text"]), text: z.string() });
const refusalPart = z.object({ type: z.literal("refusal"), refusal: z.string() });
export const contentSchema = z.union([z.string(), z.array(z.union([textPart, refusalPart]))], {
  error: "it must be a text, or an array of text parts (this server reads no images, audio or files)",
});

const toolCall = z.object({
  id: z.string().optional(),
  type: z.literal("function").default("function"),
  function: z.object({ name: z.string().min(1), arguments: z.string() }),
});

export const messageSchema = z.discriminatedUnion(
  "role",
  [
    z.object({ role: z.enum(["system", "developer", "user"]), content: contentSchema, name: z.string().optional() }),
    z.object({
      role: z.literal("assistant"),
      content: contentSchema.nullish(),
      reasoning_content: z.string().nullish(),
      name: z.string().optional(),
      tool_calls: z.array(toolCall).nullish(),
    }),
    z.object({ role: z.literal("tool"), content: contentSchema, tool_call_id: z.string() }),
  ],
  { error: "role must be system, developer, user, assistant or tool" },
);

export type MessageBody = z.infer<typeof messageSchema>;

export function toChatMessage(message: MessageBody): ChatMessage {
  const text = textOf(message.content ?? null);
  switch (message.role) {
    case "assistant": {
      const { tool_calls: calls, role, name, reasoning_content: thoughts } = message;
      return {
        role,
        content: text,
        ...(thoughts && { reasoning_content: thoughts }),
        ...(name && { name }),
        ...(calls?.length && { tool_calls: calls }),
      };
    }
    case "tool":
      return { ...message, content: text };
    default: {
      const { role, name } = message;
      return { role: role === "developer" ? "system" : role, content: text, ...(name && { name }) };
    }
  }
}

function textOf(body: z.infer<typeof contentSchema> | null): string | null {
  if (!Array.isArray(body)) return body;
  return body.map((part) => (part.type === "refusal" ? part.refusal : part.text)).join("");
}
