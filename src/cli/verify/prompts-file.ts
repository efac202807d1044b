import { DraftwrightError } from "../../errors.ts";

/** One line of a prompts file: a text to continue, or what a user says turn after turn. */
export type PromptEntry = { readonly prompt: string } | { readonly turns: readonly string[] };

/** Parses JSON lines with `prompt` or `turns`; other fields are ignored. Throws `bad-argument` with the line. */
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
  const { prompt, turns } = (value ?? {}) as { prompt?: unknown; turns?: unknown };
  if (typeof prompt === "string") return { prompt };
  if (Array.isArray(turns) && turns.length > 0 && turns.every((turn) => typeof turn === "string")) return { turns };
  throw new DraftwrightError("bad-argument", `${where}: needs "prompt" (a text) or "turns" (a list of texts).`);
}
