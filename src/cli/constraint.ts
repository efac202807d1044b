import type { Constraint } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";
import { readInput } from "./flags.ts";

export interface ConstraintFlags {
  grammar?: string;
  jsonSchema?: string;
}

/** What the output must be. Throws `bad-argument` for files that cannot be read, and for both at once. */
export function constraintOf({ grammar, jsonSchema }: ConstraintFlags): Constraint | undefined {
  if (grammar !== undefined && jsonSchema !== undefined) {
    throw new DraftwrightError("bad-argument", "Give --grammar or --json-schema, not both.");
  }
  if (grammar !== undefined) return { grammar: readInput(grammar) };
  if (jsonSchema === undefined) return undefined;
  try {
    return { jsonSchema: JSON.parse(readInput(jsonSchema)) };
  } catch (cause) {
    if (cause instanceof DraftwrightError) throw cause;
    throw new DraftwrightError("bad-argument", `${jsonSchema} is not JSON: ${(cause as Error).message}.`, { cause });
  }
}
