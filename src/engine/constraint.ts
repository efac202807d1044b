import { DraftwrightError } from "../errors.ts";
import { jsonObjectGbnf, jsonSchemaToGbnf, parseGbnf } from "../lm/grammar/index.ts";

/**
 * What an output must be: a JSON object, JSON that is valid against a schema, or a text of a grammar in GBNF (llama.cpp's
 * dialect). See docs/constraints.md.
 */
export type Constraint = { readonly json: true } | { readonly jsonSchema: unknown } | { readonly grammar: string };

/** The grammar in GBNF. Throws `bad-argument` for a grammar that is wrong and a schema that no grammar can hold. */
export function toGbnf(constraint: Constraint): string {
  const { json, jsonSchema, grammar } = Object(constraint) as {
    json?: unknown;
    jsonSchema?: unknown;
    grammar?: unknown;
  };
  if ([json, jsonSchema, grammar].filter((one) => one !== undefined).length !== 1) {
    throw new DraftwrightError("bad-argument", "constraint must be { json: true }, { jsonSchema } or { grammar }.");
  }
  if (json === true) return jsonObjectGbnf();
  if (jsonSchema !== undefined) return jsonSchemaToGbnf(jsonSchema);
  if (typeof grammar !== "string") {
    throw new DraftwrightError("bad-argument", "constraint.grammar must be a text in GBNF, and constraint.json true.");
  }
  parseGbnf(grammar);
  return grammar;
}
