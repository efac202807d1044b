import { DraftwrightError } from "../../../errors.ts";
import type { JsonObject } from "./merge.ts";
import type { Rules } from "./rules.ts";

/** Turns schemas into the names of rules. */
export interface Converter {
  readonly rules: Rules;
  /** GBNF that stands for a value of the schema. */
  value(schema: unknown, hint: string): string;
}

export function asObject(schema: unknown, where: string): JsonObject {
  if (schema === true) return {};
  if (typeof schema === "object" && schema !== null && !Array.isArray(schema)) return schema as JsonObject;
  return refuse(`what stands for ${where} is ${JSON.stringify(schema)}, not a schema`);
}

export function list(keyword: string, value: unknown, least = 1): readonly unknown[] {
  if (Array.isArray(value) && value.length >= least) return value;
  return refuse(`${keyword} must be a list${least > 0 ? " that is not empty" : ""}`);
}

/** A length or a number of items. */
export function count(keyword: string, value: unknown): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0))
    return value as number | undefined;
  return refuse(`${keyword} must be a whole number, not ${JSON.stringify(value)}`);
}

export function refuse(what: string): never {
  throw new DraftwrightError("bad-argument", `This JSON schema cannot be a grammar: ${what}.`);
}
