import { DraftwrightError } from "../../../errors.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** One schema that says what both say. Throws "bad-argument" where two keywords cannot become one. */
export function merge(a: JsonObject, b: JsonObject): JsonObject {
  const both: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    both[key] = key in a && JSON.stringify(a[key]) !== JSON.stringify(value) ? mergeKeyword(key, a[key], value) : value;
  }
  return both;
}

function mergeKeyword(key: string, a: unknown, b: unknown): unknown {
  switch (key) {
    case "properties": {
      const [left, right] = [a as JsonObject, b as JsonObject];
      const names = new Set([...Object.keys(left), ...Object.keys(right)]);
      return Object.fromEntries([...names].map((name) => [name, mergeProperty(left[name], right[name])]));
    }
    case "required":
      return [...new Set([...(a as string[]), ...(b as string[])])];
    case "type": {
      const right = [b].flat();
      const common = [a]
        .flat()
        .filter((type) => right.includes(type) || (type === "integer" && right.includes("number")));
      if (common.length > 0) return common;
      break;
    }
    case "enum": {
      const right = (b as unknown[]).map((value) => JSON.stringify(value));
      const common = (a as unknown[]).filter((value) => right.includes(JSON.stringify(value)));
      if (common.length > 0) return common;
      break;
    }
    case "minimum":
    case "exclusiveMinimum":
    case "minLength":
    case "minItems":
      return Math.max(a as number, b as number);
    case "maximum":
    case "exclusiveMaximum":
    case "maxLength":
    case "maxItems":
      return Math.min(a as number, b as number);
    case "title":
    case "description":
    case "default":
    case "examples":
    case "$id":
    case "$comment":
      return a;
    case "$defs":
    case "definitions":
      return { ...(a as object), ...(b as object) };
  }
  throw new DraftwrightError(
    "bad-argument",
    `This JSON schema cannot be a grammar: "${key}" is given twice, as ${JSON.stringify(a)} and ${JSON.stringify(b)}.`,
  );
}

function mergeProperty(a: unknown, b: unknown): unknown {
  if (a === undefined || a === true) return b ?? a;
  if (b === undefined || b === true) return a;
  return merge(a as JsonObject, b as JsonObject);
}
