// One turn of a conversation, whichever protocol asked for it: messages and tools in, parts of an answer out.
import type { Constraint, GenerateOptions, Generating } from "../engine/index.ts";
import type { ChatMessage } from "../lm/chat-template.ts";
import { ApiError } from "./http/api-error.ts";
import type { Run } from "./run.ts";
import {
  callConstraint,
  chosenTools,
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
  /** For the chat template. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** One generation for each. */
  readonly options: readonly GenerateOptions[];
}

export interface StartedTurn {
  readonly choices: readonly Generating[];
  /** One for each choice. */
  readonly readers: readonly OutputReader[];
}

/** Throws `ApiError` 400. */
export function startTurn(run: Run, turn: Turn): StartedTurn {
  const { messages, tools, toolChoice, constraint, options } = turn;
  const { template } = run.model.info.chat;
  const chosen = chosenTools(tools, toolChoice);
  if (chosen.forced && constraint) {
    throw new ApiError(400, "An answer cannot be a forced tool call and have a response_format too: leave one out.", {
      param: "response_format",
    });
  }
  const names = chosen.tools.map((tool) => tool.function.name);
  const format = chosen.forced ? "bare" : toolFormat(template);
  const rule = chosen.forced ? callConstraint(chosen.tools) : constraint;
  const prompt = { ...toolPrompt(template, messages, chosen.tools), variables: turn.variables };
  return {
    choices: options.map((one) => run.generate(prompt, { ...one, ...(rule && { constraint: rule }) })),
    // What must be JSON of another kind is never a call.
    readers: options.map(() => toolReader(format, constraint ? [] : names)),
  };
}

/** Thoughts and text of an answer, and its calls. */
export function sortedParts(parts: readonly OutputPart[]) {
  const textOf = (type: "text" | "thinking") => parts.map((part) => (part.type === type ? part.text : "")).join("");
  return {
    thinking: textOf("thinking"),
    text: textOf("text"),
    calls: parts.filter((part) => part.type === "tool-call"),
  };
}
