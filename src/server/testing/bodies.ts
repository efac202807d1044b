// Bodies for every text endpoint: mostly right, with wrong values, missing fields and other types mixed in.
import fc from "fast-check";

const junk = fc.oneof(
  fc.constantFrom(null, true, -1, 0.5, 1e300, "", "\u0000", "\ud800", [], {}, [[]], { type: "x" }),
  fc.jsonValue({ maxDepth: 3 }),
);
const right = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof({ weight: 40, arbitrary }, { weight: 1, arbitrary: junk });
const text = fc.string({ minLength: 1, maxLength: 30, unit: "grapheme" });
const parts = fc.array(fc.record({ type: fc.constantFrom("text", "text", "text", "image_url"), text: right(text) }), {
  maxLength: 3,
});
const content = right(fc.oneof(text, parts));
const call = fc.record({
  id: text,
  type: fc.constant("function"),
  function: fc.record({ name: text, arguments: text }),
});
const message = right(
  fc.record(
    {
      role: fc.constantFrom("system", "user", "assistant", "tool", "developer"),
      content,
      tool_calls: right(fc.array(call, { maxLength: 2 })),
      tool_call_id: right(text),
    },
    { requiredKeys: ["role", "content"] },
  ),
);
const messages = right(fc.array(message, { minLength: 1, maxLength: 3 }));
const tool = fc.record({
  type: fc.constant("function"),
  function: fc.record({
    name: fc.constantFrom("f", "g", "h", "i", "no good"),
    parameters: right(fc.constant({ type: "object" })),
  }),
});

const sampling = {
  model: right(fc.constantFrom("default", "toy")),
  max_tokens: right(fc.integer({ min: 1, max: 6 })),
  temperature: right(fc.double({ min: 0, max: 2, noNaN: true })),
  top_p: right(fc.double({ min: 0, max: 1, noNaN: true })),
  top_k: right(fc.nat(50)),
  min_p: right(fc.double({ min: 0, max: 1, noNaN: true })),
  presence_penalty: right(fc.double({ min: -2, max: 2, noNaN: true })),
  frequency_penalty: right(fc.double({ min: -2, max: 2, noNaN: true })),
  logit_bias: right(fc.dictionary(fc.nat(257).map(String), fc.integer({ min: -100, max: 100 }), { maxKeys: 3 })),
  seed: right(fc.maxSafeInteger()),
  stop: right(fc.oneof(text, fc.array(text, { maxLength: 3 }))),
  n: right(fc.integer({ min: 1, max: 3 })),
  stream: right(fc.boolean()),
  stream_options: right(fc.record({ include_usage: fc.boolean() })),
  prediction: right(fc.record({ type: fc.constant("content"), content: text })),
  draft: right(fc.constantFrom("auto", "off", "lookup", ["lookup"], { method: "lookup", budget: 2 }, "none such")),
  truncation: right(fc.constantFrom("auto", "disabled")),
  adapter: right(fc.constantFrom(false, "none such")),
  tools: right(fc.array(tool, { maxLength: 2 })),
  tool_choice: right(fc.constantFrom("none", "auto", "required", { type: "function", function: { name: "f" } })),
};
/** Small ones, good and bad: answers must stay short. */
const format = fc.oneof(
  fc.constantFrom<object>(
    { type: "text" },
    { type: "json_object" },
    { type: "grammar", grammar: "root ::= [a-z]{1,3}" },
  ),
  fc.string({ maxLength: 20 }).map((grammar) => ({ type: "grammar", grammar: `root ::= ${grammar}` })),
  fc
    .oneof(
      fc.constantFrom<object>(
        { type: "boolean" },
        { enum: ["a", 1] },
        { type: "string", pattern: "^a" },
        { $ref: "#" },
      ),
      fc.dictionary(
        fc.constantFrom("type", "items", "minimum", "pattern", "anyOf", "not"),
        fc.jsonValue({ maxDepth: 2 }),
      ),
    )
    .map((schema) => ({ type: "json_schema", json_schema: { name: "x", schema } })),
);
const chat = {
  response_format: right(format),
  logprobs: right(fc.boolean()),
  top_logprobs: right(fc.nat(22)),
  reasoning_effort: right(fc.constantFrom("none", "low")),
  chat_template_kwargs: right(fc.dictionary(text, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 })),
};
const always = { max_tokens: fc.integer({ min: 1, max: 6 }) };
const body = (fields: Record<string, fc.Arbitrary<unknown>>, required: string[]) => {
  const all: Record<string, fc.Arbitrary<unknown>> = { ...sampling, ...fields, ...always };
  return fc.record(all, { requiredKeys: ["max_tokens", ...required] });
};

const prompt = right(
  fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 2 }), fc.array(fc.nat(258), { minLength: 1, maxLength: 5 })),
);

/** A path and what is posted to it, as an object or as (possibly broken) text. */
export const chatBodies = fc
  .oneof(
    fc.record({ path: fc.constant("/v1/chat/completions"), body: body({ messages, ...chat }, ["messages"]) }),
    fc.record({ path: fc.constant("/v1/completions"), body: body({ prompt, logprobs: right(fc.nat(6)) }, ["prompt"]) }),
    fc.record({
      path: fc.constant("/v1/embeddings"),
      body: body({ input: prompt, encoding_format: right(fc.constantFrom("float", "base64")) }, ["input"]),
    }),
    fc.record({ path: fc.constant("/v1/messages"), body: body({ messages, system: content }, ["model", "messages"]) }),
    fc.record({
      path: fc.constant("/v1/responses"),
      body: body({ input: right(fc.oneof(text, messages)), max_output_tokens: fc.constant(3) }, [
        "input",
        "max_output_tokens",
      ]),
    }),
  )
  .chain(({ path, body }) => {
    const json = JSON.stringify(body);
    const cut = fc.nat(json.length).map((at) => json.slice(0, at));
    return fc.record({
      path: fc.constant(path),
      body: fc.oneof({ weight: 9, arbitrary: fc.constant(json) }, { weight: 1, arbitrary: cut }),
    });
  });
