// JSON that a model wrote as a call of a tool, in the spellings of common chat templates.
import { randomUUID } from "node:crypto";
import type { OutputPart } from "./output-reader.ts";

export type ToolCall = Extract<OutputPart, { type: "tool-call" }>;

/** One call: `{ name, arguments }` (Hermes, Qwen, Mistral) or `{ name, parameters }` (Llama 3.1). Undefined for any other. */
export function toolCall(value: unknown, names: ReadonlySet<string>): ToolCall | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, arguments: given, parameters } = value as Record<string, unknown>;
  if (typeof name !== "string" || !names.has(name)) return undefined;
  const input = given ?? parameters ?? {};
  // Some models write the arguments as JSON text, which is what clients get anyway.
  const text = typeof input === "string" ? input : JSON.stringify(input);
  return { type: "tool-call", id: `call_${randomUUID().replaceAll("-", "")}`, name, arguments: text };
}

/** Calls in a JSON text: one object, an array, or objects with semicolons or line ends between. Undefined if it is not that. */
export function toolCalls(text: string, names: ReadonlySet<string>): ToolCall[] | undefined {
  const values = jsonValues(text);
  if (values === undefined || values.length === 0) return undefined;
  const calls = values.flat().map((value) => toolCall(value, names));
  return calls.every((call) => call !== undefined) && calls.length > 0 ? calls : undefined;
}

function jsonValues(text: string): unknown[] | undefined {
  const values: unknown[] = [];
  let rest = text.trim();
  while (rest !== "") {
    const end = jsonEnd(rest);
    if (end === 0) return undefined;
    try {
      values.push(JSON.parse(rest.slice(0, end)));
    } catch {
      return undefined;
    }
    rest = rest.slice(end).replace(/^[\s;,]+/, "");
  }
  return values;
}

/** Length of the object or array at the beginning of a text; 0 when there is none, or it is not complete. */
function jsonEnd(text: string): number {
  if (text[0] !== "{" && text[0] !== "[") return 0;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (inString) {
      if (letter === "\\") i++;
      else if (letter === '"') inString = false;
    } else if (letter === '"') inString = true;
    else if (letter === "{" || letter === "[") depth++;
    else if ((letter === "}" || letter === "]") && --depth === 0) return i + 1;
  }
  return 0;
}
