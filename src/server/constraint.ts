import { z } from "zod";
import { ApiError } from "./http/api-error.ts";
import type { Tool, ToolChoice } from "./tools/tool.ts";

/** What the output must be, as the engine takes it. */
export type Constraint = { readonly json: true } | { readonly jsonSchema: unknown } | { readonly grammar: string };

const schema = z.record(z.string(), z.unknown());

export const responseFormatSchema = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal("text") }),
    z.object({ type: z.literal("json_object") }),
    z.object({ type: z.literal("json_schema"), json_schema: z.object({ schema }) }),
    z.object({ type: z.literal("grammar"), grammar: z.string().min(1) }),
  ],
  { error: 'type must be "text", "json_object", "json_schema" or "grammar" (GBNF)' },
);

/** Undefined: the output is free. */
export function formatConstraint(
  format: z.infer<typeof responseFormatSchema> | null | undefined,
): Constraint | undefined {
  switch (format?.type) {
    case "json_object":
      return { json: true };
    case "json_schema":
      return { jsonSchema: format.json_schema.schema };
    case "grammar":
      return { grammar: format.grammar };
    default:
      return undefined;
  }
}

/** What `tool_choice` leaves of the tools. `forced`: the output must be a call of one of them. Throws `ApiError` 400. */
export function chosenTools(tools: readonly Tool[], choice: ToolChoice): { tools: readonly Tool[]; forced: boolean } {
  if (choice === "none") return { tools: [], forced: false };
  if (choice === "auto") return { tools, forced: false };
  const wanted = choice === "required" ? tools : tools.filter((tool) => tool.function.name === choice.function.name);
  if (wanted.length === 0) {
    throw new ApiError(400, "tool_choice asks for a tool that `tools` does not have.", { param: "tool_choice" });
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
