// Tools in the prompt: through the model's own chat template where it knows tools, else in words.
import type { Prompt } from "../../engine/index.ts";
import type { ChatMessage } from "../../lm/chat-template.ts";
import type { ToolFormat } from "./readers.ts";
import type { Tool } from "./tool.ts";

type ChatPrompt = Extract<Prompt, { messages: unknown }>;

/** How the answers of a model with this chat template call tools. */
export function toolFormat(template: string | undefined): ToolFormat {
  if (!knowsTools(template) || template.includes("<tool_call>")) return "tagged";
  if (template.includes("[TOOL_CALLS]")) return "listed";
  return template.includes("<|python_tag|>") || template.includes('"parameters"') ? "bare" : "tagged";
}

export function toolPrompt(
  template: string | undefined,
  messages: readonly ChatMessage[],
  tools: readonly Tool[],
): ChatPrompt {
  if (knowsTools(template)) return { messages, tools: tools.map(withParameters) };
  const plain = messages.map(inWords);
  if (tools.length === 0) return { messages: plain };
  const [first, ...others] = plain;
  const explained = explain(tools);
  return first.role === "system"
    ? { messages: [{ ...first, content: `${first.content}\n\n${explained}` }, ...others] }
    : { messages: [{ role: "system", content: explained }, ...plain] };
}

function knowsTools(template: string | undefined): template is string {
  return template !== undefined && /\btools\b/.test(template);
}

/** Templates read `parameters` of every tool. */
function withParameters({ type, function: tool }: Tool) {
  const { name, description, parameters } = tool;
  return {
    type,
    function: { name, description: description ?? "", parameters: parameters ?? { type: "object", properties: {} } },
  };
}

/** Calls and their results as text, for templates that would leave them out. */
function inWords(message: ChatMessage): ChatMessage {
  if (message.role === "tool") {
    return { role: "user", content: `<tool_response>\n${message.content ?? ""}\n</tool_response>` };
  }
  if (message.role !== "assistant" || !message.tool_calls) return message;
  const calls = message.tool_calls.map(({ function: call }) => {
    const text = typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments);
    return `<tool_call>\n{"name": ${JSON.stringify(call.name)}, "arguments": ${text}}\n</tool_call>`;
  });
  return { role: "assistant", content: [message.content, ...calls].filter(Boolean).join("\n") };
}

function explain(tools: readonly Tool[]): string {
  const list = tools.map((tool) => JSON.stringify(withParameters(tool))).join("\n");
  return (
    `You may call these tools:\n<tools>\n${list}\n</tools>\nTo call one, answer with its name and arguments as JSON:\n` +
    '<tool_call>\n{"name": "<tool>", "arguments": {<arguments>}}\n</tool_call>'
  );
}
