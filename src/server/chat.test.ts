import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAiChunks } from "./testing/sse.ts";
import { type ToyServer, toyServer } from "./testing/toy-server.ts";

let server: ToyServer;
beforeAll(async () => {
  server = await toyServer();
});
afterAll(() => server.stop());

const messages = [{ role: "user" as const, content: "hello" }];
const json = (body: object, path = "/v1/chat/completions") => server.json(path, body);

describe("chat completions", () => {
  test("an answer has OpenAI's shape and the text that generate gives", async () => {
    const { status, body } = await json({ model: "default", messages, max_tokens: 24, temperature: 0.9, seed: 7 });
    const expected = await server.model.generate({ messages }, { maxTokens: 24, temperature: 0.9, seed: 7 }).result;
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-/),
      object: "chat.completion",
      created: expect.any(Number),
      model: "toy",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: expected.text },
          logprobs: null,
          finish_reason: expected.finishReason === "stop" ? "stop" : "length",
        },
      ],
      usage: {
        prompt_tokens: expected.promptTokens,
        completion_tokens: expected.tokens,
        total_tokens: expected.promptTokens + expected.tokens,
      },
    });
  });

  test("a stream: role first, deltas, finish reason, no usage unless asked, [DONE]", async () => {
    const ask = { messages, max_tokens: 24, temperature: 0.9, seed: 7 };
    const whole = (await json(ask)).body;
    const chunks = await openAiChunks(await server.ask("/v1/chat/completions", { ...ask, stream: true }));
    expect(chunks[0].choices[0].delta).toEqual({ role: "assistant", content: "" });
    expect(chunks.at(-1).choices[0]).toMatchObject({ delta: {}, finish_reason: whole.choices[0].finish_reason });
    expect(chunks.every((chunk) => chunk.object === "chat.completion.chunk" && chunk.id === chunks[0].id)).toBe(true);
    expect(chunks.some((chunk) => "usage" in chunk)).toBe(false);
    const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("");
    expect(text).toBe(whole.choices[0].message.content);

    const asked = await openAiChunks(
      await server.ask("/v1/chat/completions", { ...ask, stream: true, stream_options: { include_usage: true } }),
    );
    expect(asked.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect(asked.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
  });

  test("n choices differ by seed, the first is that of n = 1; in a stream too", async () => {
    const ask = { messages, max_tokens: 12, temperature: 1.5, seed: 3 };
    const one = (await json(ask)).body.choices[0].message.content;
    const three = (await json({ ...ask, n: 3 })).body;
    const texts = three.choices.map((choice: { message: { content: string } }) => choice.message.content);
    expect(texts[0]).toBe(one);
    expect(new Set(texts).size).toBe(3);
    const chunks = await openAiChunks(await server.ask("/v1/chat/completions", { ...ask, n: 3, stream: true }));
    const streamed = ["", "", ""];
    for (const { choices } of chunks) for (const { index, delta } of choices) streamed[index] += delta.content ?? "";
    expect(streamed).toEqual(texts);
    expect(three.usage.completion_tokens).toBeGreaterThan(12);
  });

  test("stop, logit_bias, penalties and max_completion_tokens reach the sampler", async () => {
    const ask = { messages, max_tokens: 30, temperature: 0 };
    const plain: string = (await json(ask)).body.choices[0].message.content;
    const stopped = (await json({ ...ask, stop: plain.slice(5, 7) })).body.choices[0];
    expect(stopped).toMatchObject({
      finish_reason: "stop",
      message: { content: plain.slice(0, plain.indexOf(plain.slice(5, 7))) },
    });
    const forced = (await json({ ...ask, logit_bias: { 65: 100 }, max_completion_tokens: 4 })).body;
    expect(forced.choices[0].message.content).toBe("AAAA");
    const penalised = (
      await json({ ...ask, logit_bias: { 65: 30 }, frequency_penalty: 2, presence_penalty: 2, max_tokens: 40 })
    ).body;
    expect(penalised.choices[0].message.content).not.toBe("A".repeat(40));
  });

  test("a prediction is counted, drafting can be turned off, and neither changes the text", async () => {
    const ask = { messages, max_tokens: 40, temperature: 0 };
    const off = (await json({ ...ask, draft: "off" })).body;
    const text = off.choices[0].message.content;
    expect(off.drafting).toMatchObject({ proposed: 0, accepted: 0 });
    const prediction = { type: "content", content: text };
    const predicted = (await json({ ...ask, prediction, draft: { method: "prediction", budget: 4 } })).body;
    expect(predicted.choices[0].message.content).toBe(text);
    const { accepted_prediction_tokens: accepted, rejected_prediction_tokens: rejected } =
      predicted.usage.completion_tokens_details;
    expect(accepted).toBeGreaterThan(10);
    expect(accepted + rejected).toBe(predicted.drafting.proposed);
    const ignored = (await json({ ...ask, prediction, draft: "off" })).body;
    expect(ignored.choices[0].message.content).toBe(text);
  });

  test("draft.sources shows who proposed each token of a stream", async () => {
    const ask = { messages, max_tokens: 60, temperature: 0, stream: true };
    const chunks = await openAiChunks(
      await server.ask("/v1/chat/completions", { ...ask, draft: { method: "lookup", budget: 2, sources: true } }),
    );
    const sources = new Set(chunks.map(({ choices }) => choices[0].source).filter(Boolean));
    expect([...sources].sort()).toEqual(["lookup", "target"]);
  });

  test("max_tokens -1 is as much as there is room for; truncation: auto cuts the beginning of what is too long", async () => {
    const endless = { temperature: 0, logit_bias: { 65: 100 } };
    const { choices, usage } = (await json({ ...endless, messages, max_tokens: -1 })).body;
    expect([usage.total_tokens, choices[0].finish_reason]).toEqual([512, "length"]);
    const completed = (await json({ ...endless, prompt: "a", max_tokens: -1 }, "/v1/completions")).body;
    expect(completed.usage.total_tokens).toBe(512);
    const long = [{ role: "user", content: "x".repeat(600) }];
    const cut = await json({ ...endless, messages: long, max_tokens: 4, truncation: "auto" });
    expect([cut.status, cut.body.choices[0].message.content]).toEqual([200, "AAAA"]);
    expect(cut.body.usage.prompt_tokens).toBe(508);
    const refused = (await json({ messages: long })).body.error.message;
    expect(refused).toContain('truncation: "auto"');
  });

  test("text parts, developer messages and earlier tool calls are read", async () => {
    const { status } = await json({
      messages: [
        { role: "developer", content: [{ type: "text", text: "Be short." }] },
        { role: "user", content: [{ type: "text", text: "hi" }] },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "a", content: "42" },
      ],
      max_tokens: 2,
    });
    expect(status).toBe(200);
  });
});

describe("completions", () => {
  test("texts and tokens, several prompts, echo", async () => {
    const ask = { max_tokens: 6, temperature: 0 };
    const one = (await json({ ...ask, prompt: "abc" }, "/v1/completions")).body;
    expect(one).toMatchObject({ object: "text_completion", id: expect.stringMatching(/^cmpl-/) });
    const tokens = [256, 97, 98, 99];
    const many = (await json({ ...ask, prompt: [[...tokens], tokens], echo: true }, "/v1/completions")).body;
    const text = `abc${one.choices[0].text}`;
    expect(many.choices.map((choice: { text: string }) => choice.text)).toEqual([text, text]);
    expect(many.usage).toMatchObject({ prompt_tokens: 8, completion_tokens: 12 });
    const chunks = await openAiChunks(await server.ask("/v1/completions", { ...ask, prompt: "abc", stream: true }));
    expect(chunks.map(({ choices }) => choices[0].text).join("")).toBe(one.choices[0].text);
  });

  test("16 tokens unless asked otherwise", async () => {
    const { body } = await json({ prompt: "a", logit_bias: { 65: 100 } }, "/v1/completions");
    expect(body.choices[0]).toMatchObject({ text: "A".repeat(16), finish_reason: "length" });
  });
});

describe("refusals", () => {
  const wrong = { code: "invalid_value", param: null };
  const broken = { code: "invalid_json", param: null };
  const long = [{ role: "user", content: "x".repeat(600) }];
  const picture = [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }];
  const refused: [string, object | string, number, object][] = [
    ["an unknown model", { model: "gpt-9", messages }, 404, { code: "model_not_found", param: "model" }],
    ["no messages", { messages: [] }, 400, { ...wrong, param: "messages" }],
    ["an odd role", { messages: [{ role: "judge", content: "x" }] }, 400, { ...wrong, param: "messages[0].role" }],
    ["a picture", { messages: picture }, 400, { ...wrong, param: "messages[0].content" }],
    ["max_tokens 0", { messages, max_tokens: 0 }, 400, { ...wrong, param: "max_tokens" }],
    ["temperature 3", { messages, temperature: 3 }, 400, { ...wrong, param: "temperature" }],
    ["a token that is none", { messages, logit_bias: { 99999: 1 } }, 400, wrong],
    ["an unknown drafter", { messages, draft: "oracle" }, 400, wrong],
    ["an unknown drafter in a stream", { messages, draft: "oracle", stream: true }, 400, wrong],
    ["too long a prompt", { messages: long }, 400, { code: "context_length_exceeded", param: null }],
    ["the same in a stream", { messages: long, stream: true }, 400, { code: "context_length_exceeded", param: null }],
    ["top_logprobs alone", { messages, top_logprobs: 2 }, 400, { code: "invalid_value", param: "top_logprobs" }],
    ["a grammar that is wrong", { messages, response_format: { type: "grammar", grammar: "root ::= [" } }, 400, wrong],
    [
      "a schema that no grammar holds, in a stream",
      {
        messages,
        response_format: { type: "json_schema", json_schema: { name: "x", schema: { not: {} } } },
        stream: true,
      },
      400,
      wrong,
    ],
    ["a forced call of no tool", { messages, tool_choice: "required" }, 400, wrong],
    ["half a body", '{"messages": [', 400, broken],
    ["a body that is a number", "3", 400, wrong],
    ["deep nesting", "[".repeat(100_000), 400, broken],
    ["too many choices", { messages, n: 17 }, 400, { ...wrong, param: "n" }],
  ];
  test.each(refused)("%s", async (_, body, status, error) => {
    expect(await server.json("/v1/chat/completions", body)).toEqual({
      status,
      body: { error: { message: expect.any(String), type: "invalid_request_error", ...error } },
    });
  });

  test("paths and methods that are none", async () => {
    expect((await server.ask("/v1/nothing")).status).toBe(404);
    const wrong = await server.ask("/v1/chat/completions");
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await server.ask("/v1/chat/completions", "x", { headers: { "content-type": "text/plain" } })).status).toBe(
      415,
    );
  });
});
