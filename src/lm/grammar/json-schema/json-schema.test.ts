import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type GrammarState, GrammarVocabulary, jsonObjectGbnf, jsonSchemaToGbnf, TokenGrammar } from "../index.ts";

const bytes = { vocabSize: 257, endOfGeneration: [256], pieceBytes: (token: number) => Uint8Array.of(token) };
const vocabulary = new GrammarVocabulary(bytes);

function start(schema: unknown): GrammarState {
  return new TokenGrammar(jsonSchemaToGbnf(schema), vocabulary).start;
}

function accepts(schema: unknown, text: string): boolean {
  let state: GrammarState | undefined = start(schema);
  for (const byte of new TextEncoder().encode(text)) state = state?.advance(byte);
  return state?.accepting ?? false;
}

/** A text of the grammar, by a walk that likes to close what is open. Undefined when it does not come to an end. */
function randomText(first: GrammarState, random: () => number): string | undefined {
  const written: number[] = [];
  let state = first;
  while (written.length < 3000) {
    if (state.complete || (state.accepting && random() < 0.3))
      return new TextDecoder().decode(Uint8Array.from(written));
    const logits = new Float32Array(257);
    state.mask(logits);
    const weights = logits.map((logit, byte) =>
      logit < 0 || byte > 255
        ? 0
        : byte > 127
          ? 0.02
          : '"}]'.includes(String.fromCharCode(byte))
            ? 25
            : byte < 32
              ? 0.2
              : 1,
    );
    let left = random() * weights.reduce((a, b) => a + b, 0);
    const byte = weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
    written.push(byte);
    state = state.advance(byte) as GrammarState;
  }
  return undefined;
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const person = {
  type: "object",
  properties: {
    name: { type: "string" },
    age: { type: "integer", minimum: 0, maximum: 130 },
    mail: { type: "string" },
  },
  required: ["name"],
  additionalProperties: false,
};
const tree = {
  $defs: {
    node: {
      type: "object",
      properties: {
        value: { type: "number" },
        children: { type: "array", items: { $ref: "#/$defs/node" }, maxItems: 2 },
      },
      required: ["value"],
    },
  },
  $ref: "#/$defs/node",
};

// Schema, texts inside, texts outside.
const cases: [string, unknown, readonly string[], readonly string[]][] = [
  [
    "anything",
    {},
    ["1", '"a"', "null", '[1, {"a": [true]}]', "-0.5e-3", '{"a":{}}'],
    ["", "01", "tru", "1e999", "[1,]", "{a:1}", '"\n"'],
  ],
  [
    "an object",
    person,
    ['{"name":"a"}', '{ "name": "a", "age": 7}', '{\n  "name": "é\\n",\n  "mail": ""\n}'],
    ["{}", '{"age":7,"name":"a"}', '{"name":"a","age":131}', '{"name":"a","x":1}', '{"name":1}'],
  ],
  [
    "properties that may all be missing",
    { type: "object", properties: { a: { type: "null" }, b: { type: "null" } } },
    ["{}", '{"a":null}', '{"b":null}', '{"a":null,"b":null}'],
    ['{"b":null,"a":null}', '{"a":null,}', "{,}"],
  ],
  [
    "additional properties",
    { type: "object", properties: { ab: { type: "integer" } }, additionalProperties: { type: "boolean" } },
    ['{"ab":1,"a":true,"abc":false}', '{"x":true}', "{}", '{"":true}'],
    ['{"ab":true}', '{"a":1}', '{"\\u0061b":true}'],
  ],
  [
    "a required name that is no property",
    { type: "object", required: ["k"], additionalProperties: { type: "integer" } },
    ['{"k":1,"l":2}'],
    ["{}", '{"l":2}'],
  ],
  [
    "a record",
    { type: "object", propertyNames: { type: "string", pattern: "^x" }, additionalProperties: { type: "integer" } },
    ['{"x1":1}', "{}"],
    ['{"y":1}'],
  ],
  [
    "names of every kind",
    {
      type: "object",
      properties: { 'a"b\\': { const: 1 }, __proto__x: { const: 2 }, "": { const: 3 }, "é😀": { const: 4 } },
      required: ['a"b\\', "", "é😀"],
    },
    ['{"a\\"b\\\\":1,"":3,"é😀":4}'],
    ['{"":3}'],
  ],
  ["integers", { type: "integer" }, ["0", "-12", "900719925474099"], ["1.5", "00", "+1", "1e3"]],
  [
    "integers between",
    { type: "integer", minimum: -13, exclusiveMaximum: 208 },
    ["-13", "-9", "0", "7", "99", "100", "199", "207"],
    ["-14", "208", "1000", "-100"],
  ],
  ["integers from", { type: "integer", minimum: 42 }, ["42", "99", "100", "123456789"], ["41", "0", "-50"]],
  ["integers to", { type: "integer", maximum: -5 }, ["-5", "-6", "-100"], ["-4", "0", "5"]],
  [
    "zod's integers",
    z.toJSONSchema(z.int()),
    ["9007199254740991", "-9007199254740991", "0"],
    ["9007199254740992", "1.0"],
  ],
  [
    "numbers between",
    { type: "number", minimum: -1.5, maximum: 2.25 },
    ["-1.5", "-1.49", "0", "0.001", "1", "2", "2.25", "2.24", "2.1"],
    ["-1.51", "2.26", "2.3", "3", "-2"],
  ],
  ["numbers above", { type: "number", exclusiveMinimum: 0 }, ["0.1", "0.01", "1", "12.5"], ["0", "-1", "0.0"]],
  [
    "numbers within one",
    { type: "number", minimum: 0.25, exclusiveMaximum: 0.5 },
    ["0.25", "0.3", "0.49", "0.499", "0.2500"],
    ["0.5", "0.24", "1", "0"],
  ],
  [
    "numbers below nought",
    { type: "number", exclusiveMaximum: 0, minimum: -2 },
    ["-2", "-0.5", "-1.999"],
    ["0", "-2.1", "1"],
  ],
  ["one number", { type: "number", minimum: 3, maximum: 3 }, ["3"], ["3.1", "2", "4"]],
  [
    "lengths",
    { type: "string", minLength: 2, maxLength: 3 },
    ['"ab"', '"é😀\\n"', '"\\ud83d\\ude00a"'],
    ['"a"', '"abcd"', '"\\ud83d\\ude00"', '"\\ud83dab"'],
  ],
  [
    "enum and const",
    { enum: ["a", 1, null, { x: [1] }] },
    ['"a"', "1", "null", '{"x":[1]}'],
    ['"b"', "2", '{"x": [1]}'],
  ],
  ["enum with a type", { type: "string", enum: ["a", 1] }, ['"a"'], ["1"]],
  ["several types", { type: ["string", "null"], maxLength: 1 }, ['"a"', "null"], ["1", '"ab"']],
  [
    "lists",
    { type: "array", items: { type: "integer" }, minItems: 1, maxItems: 3 },
    ["[1]", "[1, 2, 3]", "[\n  1,\n  2\n]"],
    ["[]", "[1,2,3,4]", '["a"]'],
  ],
  ["any list", { type: "array" }, ["[]", '[1,"a",[]]'], ["[,]"]],
  [
    "tuples",
    { type: "array", prefixItems: [{ type: "integer" }, { type: "string" }], items: { type: "null" }, maxItems: 3 },
    ['[1,"a"]', '[1,"a",null]'],
    ["[1]", '[1,"a",null,null]'],
  ],
  [
    "tuples of draft 7",
    { type: "array", items: [{ type: "integer" }, { type: "string" }] },
    ['[1,"a"]'],
    ['[1,"a",2]'],
  ],
  ["nothing in a list", { type: "array", maxItems: 0 }, ["[]"], ["[1]"]],
  [
    "choices",
    { anyOf: [{ type: "integer" }, { type: "object", properties: { a: { const: 1 } }, required: ["a"] }] },
    ["5", '{"a":1}'],
    ["{}", '"a"'],
  ],
  [
    "choices with something in common",
    {
      type: "object",
      properties: { kind: { type: "string" } },
      required: ["kind"],
      oneOf: [
        { properties: { kind: { const: "a" }, x: { type: "null" } }, required: ["x"] },
        { properties: { kind: { const: "b" } } },
      ],
    },
    ['{"kind":"a","x":null}', '{"kind":"b"}'],
    ['{"kind":"a"}', '{"kind":"c"}'],
  ],
  [
    "allOf",
    {
      allOf: [
        { type: "object", properties: { a: { type: "integer" } }, required: ["a"] },
        { properties: { a: { minimum: 3 }, b: { type: "null" } }, required: ["b"] },
      ],
    },
    ['{"a":3,"b":null}'],
    ['{"a":2,"b":null}', '{"a":3}'],
  ],
  [
    "references, and to itself",
    tree,
    ['{"value":1}', '{"value":1,"children":[{"value":2,"children":[]}]}'],
    ['{"value":1,"children":[{}]}'],
  ],
  [
    "a reference with more beside it",
    { $defs: { n: { type: "integer" } }, $ref: "#/$defs/n", minimum: 5 },
    ["5"],
    ["4"],
  ],
  [
    "a schema that is its own part",
    { type: "object", properties: { next: { $ref: "#" } } },
    ["{}", '{"next":{"next":{}}}'],
    ['{"next":1}'],
  ],
  [
    "formats",
    {
      type: "array",
      prefixItems: [
        { type: "string", format: "date" },
        { type: "string", format: "date-time" },
        { type: "string", format: "uuid" },
        { type: "string", format: "email" },
        { type: "string", format: "ipv4" },
        { type: "string", format: "time" },
      ],
    },
    [
      '["2024-02-28","2024-12-31T23:59:59.5+01:00","123e4567-e89b-12d3-a456-426614174000","a.b@c-d.org","192.168.0.1","00:00:00Z"]',
    ],
    ['["2024-02-31","2024-12-31T23:59:59Z","123e4567-e89b-12d3-a456-426614174000","a@b.c","1.2.3.4","00:00:00Z"]'],
  ],
  ["implied types", { properties: { a: { minLength: 1 } }, required: ["a"] }, ['{"a":"x"}'], ['{"a":""}', "1"]],
  [
    "remarks",
    { title: "t", description: "d", default: 1, examples: [1], $schema: "x", $id: "y", $comment: "z", type: "null" },
    ["null"],
    ["1"],
  ],
];

const patterns: [string, readonly string[], readonly string[]][] = [
  ["^[a-c]{2}\\d?$", ["ab", "cc7"], ["a", "abc", "ab77"]],
  ["b+", ["b", "abba", "xb\n"], ["", "ac"]],
  ["^(?:foo|(bar)+)$|^x", ["foo", "barbar", "xyz"], ["fo", "ax"]],
  ['^["\\\\/]\\x41\\u00e9\\t$', ['"Aé\t', "\\Aé\t"], ["Aé"]],
  ["^\\w+@\\S+?\\.[^.]$", ["a_1@bc.d", "x@é.y"], ["@b.c", "a@ .c"]],
  ["^.$", ["a", "é", "😀", '"', "\\"], ["", "ab", "\n"]],
  ["^[\\w.-]*[^\\d]$", ["a-b", "..x"], ["a1"]],
  ["^(?<year>[0-9]{4})-\\u{31}$", ["2024-1"], ["2024-2"]],
];

/** zod compares no objects, reads schemas without a type as anything, and knows no flag u. */
const unread = new Set(["enum and const", "choices with something in common", "^(?<year>[0-9]{4})-\\u{31}$"]);

describe("JSON schemas as grammars", () => {
  test.each(cases)("%s", (_, schema, inside, outside) => {
    for (const text of inside) expect(accepts(schema, text), text).toBe(true);
    for (const text of outside) expect(accepts(schema, text), text).toBe(false);
  });

  test.each(patterns)("pattern %s", (pattern, inside, outside) => {
    for (const text of inside) {
      expect(new RegExp(pattern, "u").test(text), text).toBe(true);
      expect(accepts({ type: "string", pattern }, JSON.stringify(text)), text).toBe(true);
    }
    for (const text of outside) expect(accepts({ type: "string", pattern }, JSON.stringify(text)), text).toBe(false);
  });

  test.each(
    [
      ...cases.map(([name, schema]) => [name, schema] as const),
      ...patterns.map(([pattern]) => [pattern, { type: "string", pattern }] as const),
    ].filter(([name]) => !unread.has(name)),
  )("%s: every text is valid JSON that another validator accepts", (_, schema) => {
    const validator = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
    const first = start(schema);
    const random = generator(11);
    let finished = 0;
    for (let i = 0; i < 30; i++) {
      const text = randomText(first, random);
      if (text === undefined) continue;
      finished++;
      const { success, error } = validator.safeParse(JSON.parse(text));
      expect(success, `${text} ${error?.message}`).toBe(true);
    }
    expect(finished).toBeGreaterThan(10);
  });

  test("numbers are in exactly when they are within their limits", () => {
    const decimal = fc.tuple(fc.integer({ min: -30, max: 30 }), fc.constantFrom(1, 10, 100)).map(([a, b]) => a / b);
    fc.assert(
      fc.property(decimal, decimal, decimal, fc.boolean(), fc.boolean(), (a, b, value, openLow, openHigh) => {
        fc.pre(a !== b);
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const schema = {
          type: "number",
          [openLow ? "exclusiveMinimum" : "minimum"]: low,
          [openHigh ? "exclusiveMaximum" : "maximum"]: high,
        };
        for (const one of [value, low, high]) {
          const isInside = (openLow ? one > low : one >= low) && (openHigh ? one < high : one <= high);
          expect(accepts(schema, String(one)), `${one} in ${JSON.stringify(schema)}`).toBe(isInside);
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test("the grammar of JSON objects", () => {
    const { start } = new TokenGrammar(jsonObjectGbnf(), vocabulary);
    const random = generator(3);
    for (let i = 0; i < 30; i++) {
      const text = randomText(start, random);
      if (text !== undefined) expect(typeof JSON.parse(text)).toBe("object");
    }
  });

  test.each<[unknown, RegExp]>([
    [{ not: {} }, /"not" is not supported/],
    [{ type: "array", uniqueItems: true }, /"uniqueItems"/],
    [{ type: "number", multipleOf: 2 }, /"multipleOf"/],
    [{ type: "object", patternProperties: {} }, /"patternProperties"/],
    [{ type: "object", if: {} }, /"if"/],
    [{ type: "string", format: "iri" }, /format "iri"/],
    [{ type: "string", pattern: "^(?=a)" }, /look-around/],
    [{ type: "string", pattern: "a\\b" }, /"\\b" is not supported/],
    [{ type: "string", pattern: "(a" }, /not closed/],
    [{ type: "string", pattern: "a$b" }, /stands inside/],
    [{ type: "string", pattern: "*" }, /repeats nothing/],
    [{ type: "string", pattern: "a", minLength: 2 }, /beside a pattern/],
    [{ type: "string", minLength: 3, maxLength: 2 }, /less than minLength/],
    [{ type: "string", minLength: -1 }, /whole number/],
    [{ type: "integer", minimum: 5, maximum: 4 }, /there is none/],
    [{ type: "integer", minimum: 0.1, maximum: 0.9 }, /there is none/],
    [{ type: "number", minimum: "3" }, /must be a number/],
    [{ type: "any" }, /does not exist/],
    [{ $ref: "http://x" }, /point into the schema/],
    [{ $ref: "#/$defs/none" }, /points nowhere/],
    [{ type: "object", required: ["a"], additionalProperties: false }, /none of the properties/],
    [{ type: "object", required: "a" }, /required must be a list/],
    [{ enum: [] }, /not empty/],
    [{ anyOf: [] }, /not empty/],
    [{ type: "string", enum: [1] }, /right type/],
    [{ enum: ["a"], minLength: 3 }, /beside enum/],
    [{ allOf: [{ type: "string" }, { type: "null" }] }, /given twice/],
    [{ $defs: { a: { allOf: [{ $ref: "#/$defs/a" }] } }, $ref: "#/$defs/a" }, /contains itself/],
    [false, /no value at all/],
    [3, /not a schema/],
    [{ type: "array", items: [] }, /not empty/],
    [{ type: "array", items: false, minItems: 1 }, /minItems is 1/],
  ])("refuses %j", (schema, message) => {
    expect(() => jsonSchemaToGbnf(schema)).toThrow(message);
  });

  test("a reference that leads only to itself is refused by the grammar", () => {
    expect(() => start({ $defs: { a: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" })).toThrow(/can begin with itself/);
  });
});
