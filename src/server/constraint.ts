import { z } from "zod";
import type { Constraint } from "../engine/index.ts";

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
