import type { Constraint } from "../../engine/index.ts";
import { DraftwrightError } from "../../errors.ts";
import type { Tool, ToolChoice } from "./tool.ts";

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
  const calls = tools.map(({ function: { name, parameters } }, i) => ({
    type: "object",
    properties: {
      name: { const: name },
      arguments: rebased(parameters ?? { type: "object" }, `#/anyOf/${i}/properties/arguments`),
    },
    required: ["name", "arguments"],
  }));
  return { jsonSchema: { anyOf: calls } };
}

/** References of a schema that has become part of another one. */
function rebased(schema: unknown, root: string): unknown {
  if (Array.isArray(schema)) return schema.map((one) => rebased(one, root));
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      const isLocal = key === "$ref" && typeof value === "string" && value.startsWith("#");
      return [key, isLocal ? root + value.slice(1) : rebased(value, root)];
    }),
  );
}
