// The AI SDK's prompts as chat messages.
import type { LanguageModelV4Message, LanguageModelV4Prompt, LanguageModelV4ToolResultPart } from "@ai-sdk/provider";
import { DraftwrightError } from "../errors.ts";
import type { ChatMessage } from "../lm/chat-template.ts";

/** Throws `bad-argument` for pictures and files. */
export function toChatMessages(prompt: LanguageModelV4Prompt): ChatMessage[] {
  return prompt.flatMap(toMessages);
}

function toMessages(message: LanguageModelV4Message): ChatMessage[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: message.content }];
    case "user":
      return [{ role: "user", content: message.content.map((part) => textOf(part)).join("") }];
    case "assistant": {
      // Reasoning of earlier turns is left out, as chat templates do.
      const parts = message.content.filter((part) => part.type !== "reasoning" && part.type !== "tool-call");
      const calls = message.content
        .filter((part) => part.type === "tool-call")
        .map(({ toolCallId: id, toolName: name, input }) => ({
          id,
          type: "function",
          function: { name, arguments: input },
        }));
      const content = parts.map((part) => textOf(part)).join("");
      return [{ role: "assistant", content, ...(calls.length > 0 && { tool_calls: calls }) }];
    }
    case "tool":
      return message.content
        .filter((part) => part.type === "tool-result")
        .map((part) => ({
          role: "tool",
          name: part.toolName,
          tool_call_id: part.toolCallId,
          content: resultText(part),
        }));
  }
}

function textOf(part: { readonly type: string; readonly text?: string }): string {
  if (part.type === "text" && part.text !== undefined) return part.text;
  throw new DraftwrightError(
    "bad-argument",
    `A message has a part of type "${part.type}"; this model reads text only.`,
  );
}

function resultText({ output }: LanguageModelV4ToolResultPart): string {
  switch (output.type) {
    case "text":
    case "error-text":
      return output.value;
    case "json":
    case "error-json":
      return JSON.stringify(output.value);
    case "execution-denied":
      return output.reason ?? "The call was denied.";
    case "content":
      return output.value.map((part) => textOf(part)).join("");
  }
}
