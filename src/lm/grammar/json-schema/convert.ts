import { arrayRule, objectRule } from "./containers.ts";
import { type JsonObject, merge } from "./merge.ts";
import { type Bound, integerBetween, numberBetween } from "./numbers.ts";
import { literal, Rules } from "./rules.ts";
import { asObject, type Converter, count, list, refuse } from "./schema.ts";
import { stringRule } from "./strings.ts";

/** What says nothing about a value. */
const remarks = new Set([
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
  "$schema",
  "$id",
  "$comment",
  "$defs",
  "definitions",
]);
const keywordsOf: Readonly<Record<string, readonly string[]>> = {
  object: ["properties", "required", "additionalProperties", "propertyNames"],
  array: ["items", "prefixItems", "minItems", "maxItems"],
  string: ["minLength", "maxLength", "pattern", "format"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  integer: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  boolean: [],
  null: [],
};
const known = new Set(["type", ...Object.values(keywordsOf).flat()]);

/**
 * The grammar of JSON texts that are valid against a schema (drafts 7 to 2020-12), in GBNF. Every text of the grammar is
 * valid; not every valid text is in it: properties come in the schema's order, `additionalProperties` is false unless given,
 * white space is short. `oneOf` is read as `anyOf`. Throws "bad-argument" for a keyword that a grammar cannot hold, so that
 * none is ignored; docs/constraints.md lists them.
 */
export function jsonSchemaToGbnf(schema: unknown): string {
  const rules = new Rules();
  const root = new SchemaConverter(schema, rules).value(schema, "value");
  return rules.toGbnf(root);
}

/** The grammar of JSON objects. */
export function jsonObjectGbnf(): string {
  return jsonSchemaToGbnf({ type: "object", additionalProperties: true });
}

const deepest = 200;

class SchemaConverter implements Converter {
  readonly rules: Rules;
  readonly #document: unknown;
  readonly #references = new Map<string, string>();
  #depth = 0;

  constructor(document: unknown, rules: Rules) {
    this.#document = document;
    this.rules = rules;
  }

  value(schema: unknown, hint: string): string {
    if (schema === true) return this.#anything();
    if (schema === false) refuse("false allows no value at all");
    return this.#object(asObject(schema, hint), hint);
  }

  #object(schema: JsonObject, hint: string): string {
    if (++this.#depth > deepest) refuse(`it is nested deeper than ${deepest} levels, or contains itself`);
    const name = this.#combined(schema, hint);
    this.#depth--;
    return name;
  }

  /** What several schemas say together, or one of them. */
  #combined(schema: JsonObject, hint: string): string {
    const { $ref, allOf, anyOf, oneOf, enum: values, const: single, ...rest } = schema;
    const beside = Object.fromEntries(Object.entries(rest).filter(([key]) => !remarks.has(key)));
    const isBare =
      Object.keys(beside).length === 0 && [allOf, anyOf, oneOf, values, single].every((one) => one === undefined);
    if ($ref !== undefined) {
      if (isBare) return this.#reference($ref);
      return this.#object(merge(asObject(this.#resolve($ref), hint), without(schema, "$ref")), hint);
    }
    if (allOf !== undefined) {
      const parts = list("allOf", allOf).map((part) => asObject(this.#flat(part, 0), hint));
      return this.#object(parts.reduce(merge, without(schema, "allOf")), hint);
    }
    for (const [keyword, branches] of [
      ["anyOf", anyOf],
      ["oneOf", oneOf],
    ] as const) {
      if (branches === undefined) continue;
      const common = without(schema, keyword);
      const isCommon = Object.keys(beside).length > 0 || Object.keys(common).some((key) => !remarks.has(key));
      const names = list(keyword, branches).map((branch, i) =>
        this.value(isCommon ? merge(asObject(this.#flat(branch, 0), hint), common) : branch, `${hint}-${i + 1}`),
      );
      return this.rules.add(hint, [...new Set(names)].join(" | "));
    }
    if (values !== undefined || single !== undefined) {
      return this.#literals(values === undefined ? [single] : list("enum", values), beside, hint);
    }
    return this.#typed(beside, hint);
  }

  #literals(values: readonly unknown[], beside: JsonObject, hint: string): string {
    const { type, ...others } = beside;
    const [odd] = Object.keys(others);
    if (odd !== undefined)
      refuse(`"${odd}" beside enum or const is not supported: leave out the values it would refuse`);
    const types = type === undefined ? undefined : typesOf(type);
    const fitting = values.filter((value) => types === undefined || types.some((one) => isOf(value, one)));
    if (fitting.length === 0) refuse("enum and const leave no value of the right type");
    return this.rules.add(hint, fitting.map((value) => literal(JSON.stringify(value))).join(" | "));
  }

  #typed(schema: JsonObject, hint: string): string {
    const unknown = Object.keys(schema).find((key) => !known.has(key));
    if (unknown !== undefined) refuse(`the keyword "${unknown}" is not supported`);
    const types = schema.type === undefined ? impliedTypes(schema) : typesOf(schema.type);
    if (types.length === 0) return this.#anything();
    const names = types.map((type) => this.#ofType(type, schema, hint));
    return names.length === 1 ? names[0] : this.rules.add(hint, [...new Set(names)].join(" | "));
  }

  #ofType(type: string, schema: JsonObject, hint: string): string {
    switch (type) {
      case "object":
        return objectRule(this, schema, hint);
      case "array":
        return arrayRule(this, schema, hint);
      case "string":
        return stringRule(this.rules, {
          minLength: count("minLength", schema.minLength),
          maxLength: count("maxLength", schema.maxLength),
          pattern: text("pattern", schema.pattern),
          format: text("format", schema.format),
        });
      case "integer":
        return this.rules.add("integer", integerBetween(...boundsOf(schema)));
      case "number":
        return this.rules.add("number", numberBetween(...boundsOf(schema)));
      case "boolean":
        return this.rules.add("boolean", '"true" | "false"');
      default:
        return this.rules.add("null", '"null"');
    }
  }

  /** Any JSON value. */
  #anything(): string {
    const key = "any value";
    const found = this.#references.get(key);
    if (found !== undefined) return found;
    const name = this.rules.reserve("any");
    this.#references.set(key, name);
    const types = ["object", "array", "string", "number", "boolean", "null"];
    const names = types.map((type) => this.#ofType(type, { additionalProperties: true }, `any-${type}`));
    this.rules.define(name, names.join(" | "));
    return name;
  }

  /** Schemas may refer to themselves: the rule's name is known before its body. */
  #reference($ref: unknown): string {
    const target = this.#resolve($ref);
    const key = String($ref);
    const found = this.#references.get(key);
    if (found !== undefined) return found;
    const name = this.rules.reserve(key.split("/").at(-1) ?? "ref");
    this.#references.set(key, name);
    this.rules.define(name, this.value(target, name));
    return name;
  }

  /** A schema whose own $ref, if it has one, is replaced by what it names. */
  #flat(schema: unknown, depth: number): unknown {
    if (typeof schema !== "object" || schema === null || !("$ref" in schema)) return schema;
    if (depth > 20) refuse("references lead in a circle");
    const { $ref, ...rest } = schema as JsonObject;
    return merge(asObject(this.#flat(this.#resolve($ref), depth + 1), "$ref"), rest);
  }

  #resolve($ref: unknown): unknown {
    if (typeof $ref !== "string" || !/^#(\/|$)/.test($ref)) {
      refuse(`$ref ${JSON.stringify($ref)} is not supported: it must point into the schema itself (#/$defs/..)`);
    }
    let at: unknown = this.#document;
    for (const part of decodeURIComponent($ref.slice(1)).split("/").slice(1)) {
      const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
      if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) refuse(`$ref "${$ref}" points nowhere`);
      at = (at as JsonObject)[key];
    }
    return at;
  }
}

function boundsOf(schema: JsonObject): [Bound | undefined, Bound | undefined] {
  const side = (closedName: string, openName: string, tighter: (a: number, b: number) => boolean) => {
    const closed = finite(closedName, schema[closedName]);
    const open = finite(openName, schema[openName]);
    if (open !== undefined && (closed === undefined || !tighter(closed, open))) return { value: open, open: true };
    return closed === undefined ? undefined : { value: closed, open: false };
  };
  return [side("minimum", "exclusiveMinimum", (a, b) => a > b), side("maximum", "exclusiveMaximum", (a, b) => a < b)];
}

/** Of a schema without `type`: those that its keywords speak of. */
function impliedTypes(schema: JsonObject): string[] {
  const types = ["object", "array", "string", "number"];
  return types.filter((type) => keywordsOf[type].some((keyword) => schema[keyword] !== undefined));
}

function typesOf(type: unknown): string[] {
  const types = Array.isArray(type) ? type : [type];
  for (const one of types)
    if (!Object.hasOwn(keywordsOf, String(one))) refuse(`type ${JSON.stringify(one)} does not exist`);
  return types as string[];
}

function isOf(value: unknown, type: string): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  return typeof value === type && value !== null && !Array.isArray(value);
}

function finite(keyword: string, value: unknown): number | undefined {
  if (value === undefined || Number.isFinite(value)) return value as number | undefined;
  return refuse(`${keyword} must be a number, not ${JSON.stringify(value)}`);
}

function text(keyword: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  return refuse(`${keyword} must be a text, not ${JSON.stringify(value)}`);
}

function without(schema: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== key));
}
