import { DraftwrightError } from "../../errors.ts";

/** One line of a prompts file: a text to continue, or what a user says turn after turn. */
export type PromptEntry = ({ readonly prompt: string } | { readonly turns: readonly string[] }) & {
  /** The subtask. Spec-Bench's eight categories of MT-bench are `mt`. */
  readonly category?: string;
  /** What the output will be like. */
  readonly prediction?: string;
};

const mtBench = /^(writing|roleplay|reasoning|math|coding|extraction|stem|humanities)$/;

/**
 * Parses JSON lines with `prompt` or `turns`, and perhaps `category` and `prediction`. HumanEval's and GSM8K's own files are
 * understood too: a `task_id` names a HumanEval prompt, a `question` is asked as one turn. Other fields are ignored. Throws `bad-argument` with the line. */
export function parsePrompts(text: string, file: string): PromptEntry[] {
  const entries = text
    .split("\n")
    .map((line, i) => ({ line: line.trim(), number: i + 1 }))
    .filter(({ line }) => line !== "")
    .map(({ line, number }) => parseLine(line, `${file}, line ${number}`));
  if (entries.length === 0)
    throw new DraftwrightError("bad-argument", `${file} holds no prompts; write one JSON object a line.`);
  return entries;
}

function parseLine(line: string, where: string): PromptEntry {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `${where}: not JSON (${(cause as Error).message}).`, { cause });
  }
  const { prompt, turns, question, task_id, category, prediction } = (value ?? {}) as Record<string, unknown>;
  const known = {
    ...(typeof category === "string" && { category: mtBench.test(category) ? "mt" : category }),
    ...(typeof prediction === "string" && { prediction }),
  };
  if (typeof prompt === "string") {
    return { prompt, ...(typeof task_id === "string" && { category: "humaneval" }), ...known };
  }
  if (Array.isArray(turns) && turns.length > 0 && turns.every((turn) => typeof turn === "string")) {
    return { turns, ...known };
  }
  if (typeof question === "string") return { turns: [question], category: "gsm8k", ...known };
  throw new DraftwrightError("bad-argument", `${where}: needs "prompt" (a text) or "turns" (a list of texts).`);
}
