import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openToy } from "../engine/testing/toy-runtime.ts";
import { openAiChunks } from "./testing/sse.ts";
import { type ToyServer, toyServer } from "./testing/toy-server.ts";

let server: ToyServer;
beforeAll(async () => {
  server = await toyServer({ model: await openToy({ load: { contextLength: 1024, kvRows: 4096 } }) });
});
afterAll(() => server.stop());

const messages = [{ role: "user" as const, content: "hello" }];
const schema = {
  type: "object",
  properties: { city: { type: "string", maxLength: 5 }, rain: { type: "boolean" } },
  required: ["city", "rain"],
};
const response_format = { type: "json_schema", json_schema: { name: "weather", schema, strict: true } };
const weather = { type: "function", function: { name: "weather", parameters: schema } };
const clock = {
  type: "function",
  function: {
    name: "clock",
    parameters: {
      type: "object",
      properties: { zone: { $ref: "#/$defs/zone" } },
      required: ["zone"],
      $defs: { zone: { enum: ["CET", "UTC"] } },
    },
  },
};

describe("constraints over HTTP", () => {
  test("json_schema: n choices, whole and streamed, with and without drafts, are valid and the same", async () => {
    const ask = { messages, response_format, max_tokens: 100, temperature: 1, seed: 5, n: 3, presence_penalty: 0.5 };
    const { body } = await server.json("/v1/chat/completions", ask);
    const texts = body.choices.map((choice: { message: { content: string } }) => choice.message.content);
    for (const text of texts) {
      const { city, rain, ...rest } = JSON.parse(text);
      expect([typeof city, typeof rain, rest]).toEqual(["string", "boolean", {}]);
      expect([...city].length).toBeLessThanOrEqual(5);
    }
    expect(new Set(texts).size).toBeGreaterThan(1);
    for (const draft of ["off", { method: "lookup", budget: 5 }]) {
      const again = await server.json("/v1/chat/completions", { ...ask, draft });
      expect(again.body.choices).toEqual(body.choices);
    }
    const chunks = await openAiChunks(await server.ask("/v1/chat/completions", { ...ask, stream: true }));
    const streamed = ["", "", ""];
    for (const { choices } of chunks) streamed[choices[0].index] += choices[0].delta.content ?? "";
    expect(streamed).toEqual(texts);
  });

  test("json_object and a grammar", async () => {
    const object = { messages, response_format: { type: "json_object" }, max_tokens: 30, temperature: 0 };
    expect((await server.json("/v1/chat/completions", object)).body.choices[0].message.content).toMatch(/^\{/);
    const response_format = { type: "grammar", grammar: 'root ::= "yes" | "no"' };
    const { body } = await server.json("/v1/chat/completions", { messages, response_format });
    expect(body.choices[0]).toMatchObject({
      message: { content: expect.stringMatching(/^(yes|no)$/) },
      finish_reason: "stop",
    });
  });

  test("a forced tool is called, with arguments of its schema; one of several where any will do", async () => {
    for (const tool_choice of ["required", { type: "function", function: { name: "clock" } }]) {
      for (let seed = 0; seed < 4; seed++) {
        const ask = { messages, tools: [weather, clock], tool_choice, temperature: 1.5, seed, max_tokens: 200 };
        const { body } = await server.json("/v1/chat/completions", ask);
        const { message, finish_reason } = body.choices[0];
        expect([finish_reason, message.content, message.tool_calls.length]).toEqual(["tool_calls", null, 1]);
        const { name, arguments: given } = message.tool_calls[0].function;
        if (typeof tool_choice === "object") expect(name).toBe("clock");
        if (name === "clock") expect(["CET", "UTC"]).toContain(JSON.parse(given).zone);
        else expect(Object.keys(JSON.parse(given))).toEqual(["city", "rain"]);
      }
    }
  });

  test("responses and Anthropic's messages", async () => {
    const text = { format: { type: "json_schema", name: "weather", schema } };
    const { body } = await server.json("/v1/responses", { input: "hello", text, max_output_tokens: 200 });
    expect(Object.keys(JSON.parse(body.output[0].content[0].text))).toEqual(["city", "rain"]);
    const tools = [{ name: "weather", input_schema: schema }];
    const tool_choice = { type: "any" };
    const ask = { model: "default", max_tokens: 200, messages, tools, tool_choice };
    const answer = (await server.json("/v1/messages", ask)).body;
    expect(answer).toMatchObject({ stop_reason: "tool_use", content: [{ type: "tool_use", name: "weather" }] });
    expect(Object.keys(answer.content[0].input)).toEqual(["city", "rain"]);
  });
});

describe("log probabilities over HTTP", () => {
  const ask = { messages, max_tokens: 30, temperature: 1, seed: 8, logprobs: true, top_logprobs: 3 };

  test("chat: whole and streamed are the same, whatever was drafted; their tokens are the text", async () => {
    const { choices } = (await server.json("/v1/chat/completions", { ...ask, draft: "off" })).body;
    const { content } = choices[0].logprobs;
    const bytes = content.flatMap((one: { bytes: number[] }) => one.bytes);
    expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(choices[0].message.content);
    for (const one of content) {
      expect(one.top_logprobs).toHaveLength(3);
      expect(one.logprob).toBeLessThanOrEqual(one.top_logprobs[0].logprob);
    }
    const streamed = { ...ask, stream: true, draft: { method: "lookup", budget: 6 } };
    const chunks = await openAiChunks(await server.ask("/v1/chat/completions", streamed));
    expect(chunks.flatMap((chunk) => chunk.choices[0].logprobs?.content ?? [])).toEqual(content);
  });

  test("a stop string is not among them, nor is what was held back for it", async () => {
    // Letters only: the toy model likes bytes that are no characters.
    const response_format = { type: "grammar", grammar: "root ::= [a-d]{30}" };
    const letters = { ...ask, response_format, temperature: 2, seed: 3 };
    const whole = (await server.json("/v1/chat/completions", letters)).body.choices[0].message.content;
    const stop = whole.slice(10, 13);
    expect(whole.indexOf(stop)).toBeGreaterThan(3);
    const { choices } = (await server.json("/v1/chat/completions", { ...letters, stop })).body;
    expect(choices[0].message.content).toBe(whole.slice(0, whole.indexOf(stop)));
    const { content } = choices[0].logprobs;
    const bytes = content.flatMap((one: { bytes: number[] }) => one.bytes);
    expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(choices[0].message.content);
    const chunks = await openAiChunks(await server.ask("/v1/chat/completions", { ...letters, stop, stream: true }));
    expect(chunks.flatMap((chunk) => chunk.choices[0].logprobs?.content ?? [])).toEqual(content);
  });

  test("completions: OpenAI's older form, with offsets that go on through a stream", async () => {
    const old = { prompt: "abc", max_tokens: 12, temperature: 1, seed: 2, logprobs: 2 };
    const { logprobs, text } = (await server.json("/v1/completions", old)).body.choices[0];
    expect(logprobs.token_logprobs).toHaveLength(logprobs.tokens.length);
    expect(Object.keys(logprobs.top_logprobs[0])).toHaveLength(2);
    expect(
      logprobs.tokens.map((token: string, i: number) => text.startsWith(token, logprobs.text_offset[i])),
    ).not.toContain(false);
    const chunks = await openAiChunks(await server.ask("/v1/completions", { ...old, stream: true }));
    const parts = chunks.flatMap((chunk) => chunk.choices[0].logprobs ?? []);
    for (const name of ["tokens", "token_logprobs", "top_logprobs", "text_offset"]) {
      expect(parts.flatMap((part) => part[name])).toEqual(logprobs[name]);
    }
  });

  test("echo judges the prompt: what generation said of the same tokens, by texts or by ids", async () => {
    const said = (await server.json("/v1/completions", { prompt: "abc", max_tokens: 12, temperature: 0, logprobs: 2 }))
      .body.choices[0];
    const ids = Array.from({ length: 3 }, (_, i) => 97 + i);
    const output = said.logprobs.tokens.map((token: string) => token.charCodeAt(0));
    const judge = { prompt: [256, ...ids, ...output], max_tokens: 0, temperature: 0, logprobs: 2, echo: true };
    const { choices, usage } = (await server.json("/v1/completions", judge)).body;
    const [{ logprobs, text, finish_reason: reason }] = choices;
    expect([text, reason, usage.completion_tokens]).toEqual([`abc${said.text}`, "length", 0]);
    expect(logprobs.tokens.slice(0, 4)).toEqual(["", "a", "b", "c"]);
    expect([logprobs.token_logprobs[0], logprobs.top_logprobs[0]]).toEqual([null, null]);
    expect(logprobs.token_logprobs.slice(4)).toEqual(said.logprobs.token_logprobs);
    expect(logprobs.top_logprobs.slice(4)).toEqual(said.logprobs.top_logprobs);
    expect(logprobs.text_offset.slice(4)).toEqual(said.logprobs.text_offset.map((offset: number) => offset + 3));
    // As vLLM names them; with a text, and what is said after it.
    const named = { prompt: ["abc", "xyz"], max_tokens: 2, logprobs: 1, echo: true, return_tokens_as_token_ids: true };
    const both = (await server.json("/v1/completions", { ...named, temperature: 0 })).body.choices;
    expect(both[0].logprobs.tokens.slice(0, 4)).toEqual(["token_id:256", "token_id:97", "token_id:98", "token_id:99"]);
    expect(both[1].logprobs.tokens).toHaveLength(6);
    expect(both[1].logprobs.top_logprobs.slice(1).every((one: object) => /^token_id:/.test(Object.keys(one)[0]))).toBe(
      true,
    );
    for (const odd of [{ stream: true }, { echo: false }]) {
      expect((await server.json("/v1/completions", { ...judge, ...odd })).status).toBe(400);
    }
  });
});
