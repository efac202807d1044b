import { DraftwrightError } from "../../errors.ts";
import type { Tool, ToolChoice } from "./tool.ts";

/** Whether `GenerateOptions` has `constraint` already; what needs it is refused until then. */
export const engineConstrains: boolean = false;

/** What the output must be, as the engine takes it. */
export type Constraint = { readonly json: true } | { readonly jsonSchema: unknown } | { readonly grammar: string };

/** What `tool_choice` leaves of the tools. `forced`: the output must be a call of one of them. Throws `bad-argument`. */
export function chosenTools(tools: readonly Tool[], choice: ToolChoice): { tools: readonly Tool[]; forced: boolean } {
  if (choice === "none") return { tools: [], forced: false };
  if (choice === "auto") return { tools, forced: false };
  const wanted = choice === "required" ? tools : tools.filter((tool) => tool.function.name === choice.function.name);
  if (wanted.length === 0) {
    throw new DraftwrightError("bad-argument", "tool_choice asks for a tool that `tools` does not have.");
  }
  return { tools: wanted, forced: true };
}

/** Output that is a call of one of these tools: `{ "name": .., "arguments": .. }`. */
export function callConstraint(tools: readonly Tool[]): Constraint {
  const calls = tools.map(({ function: { name, parameters } }) => ({
    type: "object",
    properties: { name: { const: name }, arguments: parameters ?? { type: "object" } },
    required: ["name", "arguments"],
    additionalProperties: false,
  }));
  return { jsonSchema: calls.length === 1 ? calls[0] : { anyOf: calls } };
}
