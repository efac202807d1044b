import type { JsonObject } from "./merge.ts";
import { literal, type Rules } from "./rules.ts";
import { asObject, type Converter, count, list, refuse } from "./schema.ts";
import { otherStrings } from "./strings.ts";

/** Where JSON may have white space: none, one blank, or a line end and its indentation. */
function space(rules: Rules): string {
  return rules.add("ws", '" "? | "\\n" [ \\t]{0,20}');
}

/** Properties in the schema's order, then additional ones. Those that are not required may be missing. */
export function objectRule(converter: Converter, schema: JsonObject, hint: string): string {
  const { rules } = converter;
  const ws = space(rules);
  const properties = new Map(Object.entries(asObject(schema.properties ?? {}, "properties")));
  const required = new Set((schema.required === undefined ? [] : list("required", schema.required, 0)).map(String));
  const additional = schema.additionalProperties ?? (properties.size === 0 && required.size === 0);
  for (const name of required) {
    if (properties.has(name)) continue;
    if (additional === false) refuse(`"${name}" is required, but it is none of the properties`);
    properties.set(name, additional);
  }
  const pair = (key: string, value: string) => `${key} ":" " "? ${value}`;
  const names = [...properties.keys()];
  const pairs = names.map((name) => {
    const value = converter.value(properties.get(name), `${hint}-${name}`);
    return rules.add(`${hint}-${name}-pair`, pair(literal(JSON.stringify(name)), value));
  });
  const more = additional === false ? undefined : additionalPair(converter, schema, additional, names, hint, pair);

  // What can stand from property i on, after another property and at the beginning.
  let after = rules.add(`${hint}-end`, more === undefined ? ws : `("," ${ws} ${more})* ${ws}`);
  let first = more === undefined ? '""' : `(${more} ${after})?`;
  for (let i = names.length - 1; i >= 0; i--) {
    const isRequired = required.has(names[i]);
    first = `${pairs[i]} ${after}${isRequired ? "" : ` | ${first}`}`;
    after = rules.add(`${hint}-rest`, `("," ${ws} ${pairs[i]})${isRequired ? "" : "?"} ${after}`);
    first = rules.add(`${hint}-first`, first);
  }
  return rules.add(hint, `"{" ${ws} (${first}) "}"`);
}

function additionalPair(
  converter: Converter,
  schema: JsonObject,
  additional: unknown,
  names: readonly string[],
  hint: string,
  pair: (key: string, value: string) => string,
): string {
  const { rules } = converter;
  const value = converter.value(additional, `${hint}-additional`);
  if (schema.propertyNames === undefined) return rules.add(`${hint}-more`, pair(otherStrings(rules, names), value));
  if (names.length > 0) refuse("propertyNames beside properties is not supported");
  const keys = asObject(schema.propertyNames, "propertyNames");
  if (keys.type !== undefined && keys.type !== "string") refuse("propertyNames must be strings");
  return rules.add(`${hint}-more`, pair(converter.value({ ...keys, type: "string" }, `${hint}-key`), value));
}

/** First the items of `prefixItems`, each of them, then as many of `items` as the limits allow. */
export function arrayRule(converter: Converter, schema: JsonObject, hint: string): string {
  const { rules } = converter;
  const ws = space(rules);
  const least = count("minItems", schema.minItems) ?? 0;
  const most = count("maxItems", schema.maxItems) ?? Number.POSITIVE_INFINITY;
  if (most < least) refuse(`maxItems ${most} is less than minItems ${least}`);
  // Draft 7 has a list in `items` where later ones have `prefixItems`.
  const isTuple = Array.isArray(schema.items);
  const given = schema.prefixItems ?? (isTuple ? schema.items : undefined);
  const tuple = given === undefined ? [] : list("prefixItems", given).slice(0, most);
  const items = isTuple ? false : (schema.items ?? given === undefined);
  const parts = tuple.map((item, i) => converter.value(item, `${hint}-${i + 1}`));
  if (items === false) {
    if (parts.length < least) refuse(`minItems is ${least}, but there are ${parts.length} items`);
    return rules.add(hint, parts.length === 0 ? '"[" "]"' : `"[" ${ws} ${parts.join(` "," ${ws} `)} ${ws} "]"`);
  }
  if (most === 0) return rules.add(hint, '"[" "]"');
  const item = converter.value(items, `${hint}-item`);
  const fixed = parts.length > 0 ? parts : [item];
  const rest = (count: number) => (Number.isFinite(count) ? String(Math.max(0, count - fixed.length)) : "");
  const body = `${fixed.join(` "," ${ws} `)} ("," ${ws} ${item}){${rest(least)},${rest(most)}} ${ws}`;
  return rules.add(hint, `"[" ${ws} ${least === 0 && parts.length === 0 ? `(${body})?` : body} "]"`);
}
