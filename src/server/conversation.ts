// One turn of a conversation, whichever protocol asked for it: messages and tools in, parts of an answer out.
import type { GenerateOptions, GenerateResult, Generating } from "../engine/index.ts";
import type { ChatMessage } from "../lm/chat-template.ts";
import { ApiError, refusePending } from "./http/api-error.ts";
import type { Run } from "./run.ts";
import {
  type Constraint,
  callConstraint,
  chosenTools,
  engineConstrains,
  type OutputPart,
  type OutputReader,
  type Tool,
  type ToolChoice,
  toolFormat,
  toolPrompt,
  toolReader,
} from "./tools/index.ts";

export interface Turn {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice;
  readonly constraint: Constraint | undefined;
  /** One generation for each. */
  readonly options: readonly GenerateOptions[];
}

export interface StartedTurn {
  readonly choices: readonly Generating[];
  /** One for each choice. */
  readonly readers: readonly OutputReader[];
}

/** Throws `ApiError` 400. */
export function startTurn(run: Run, { messages, tools, toolChoice, constraint, options }: Turn): StartedTurn {
  const { template } = run.model.info.chat;
  const chosen = chosenTools(tools, toolChoice);
  if (chosen.forced && constraint) {
    throw new ApiError(400, "An answer cannot be a forced tool call and have a response_format too: leave one out.", {
      param: "response_format",
    });
  }
  const prompt = toolPrompt(template, messages, chosen.tools);
  const names = chosen.tools.map((tool) => tool.function.name);
  const format = chosen.forced ? "bare" : toolFormat(template);
  const rule = chosen.forced ? callConstraint(chosen.tools) : constraint;
  if (rule && !engineConstrains) {
    if (chosen.forced) refusePending("A forced tool call", "tool_choice");
    refusePending("Output in a format", "response_format");
  }
  return {
    choices: options.map((one) => run.generate(prompt, { ...one, ...(rule && { constraint: rule }) })),
    // What must be JSON of another kind is never a call.
    readers: options.map(() => toolReader(format, constraint ? [] : names)),
  };
}

/** The parts of a whole answer. */
export function wholeAnswer(reader: OutputReader, { text }: GenerateResult): OutputPart[] {
  return [...reader.push(text), ...reader.end()];
}

/** The text of an answer, and its calls. */
export function textAndCalls(parts: readonly OutputPart[]) {
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  return { text, calls: parts.filter((part) => part.type === "tool-call") };
}
