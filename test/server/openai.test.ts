// OpenAI's own client against the server.
import OpenAI, { type APIError, AuthenticationError, BadRequestError, NotFoundError, RateLimitError } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ToyServer, toyServer } from "../../src/server/testing/toy-server.ts";

let server: ToyServer;
let openai: OpenAI;
const apiKey = "a-key-for-tests";
const messages = [{ role: "user" as const, content: "hello" }];
const ask = { model: "default", messages, max_tokens: 16, temperature: 0.8, seed: 4 };

beforeAll(async () => {
  server = await toyServer({ apiKeys: [apiKey], parallel: 1, queue: 1 });
  openai = new OpenAI({ apiKey, baseURL: `${server.url}/v1`, maxRetries: 0 });
});
afterAll(() => server.stop());

describe("openai", () => {
  test("models", async () => {
    const ids = [];
    for await (const model of openai.models.list()) ids.push(model.id);
    expect(ids).toEqual(["default", "toy"]);
    expect(await openai.models.retrieve("toy")).toMatchObject({ id: "toy", object: "model" });
  });

  test("chat, whole and streamed, and the stream helper's sums", async () => {
    const whole = await openai.chat.completions.create(ask);
    const stream = await openai.chat.completions.create({ ...ask, stream: true });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe(whole.choices[0].message.content);
    const helper = openai.chat.completions.stream({ ...ask, stream_options: { include_usage: true } });
    const final = await helper.finalChatCompletion();
    expect(final.choices[0].message.content).toBe(text);
    expect(final.usage).toMatchObject({ completion_tokens: whole.usage?.completion_tokens });
  });

  test("completions", async () => {
    const { choices } = await openai.completions.create({ model: "default", prompt: "abc", max_tokens: 4 });
    expect(choices[0].text).toEqual(expect.any(String));
  });

  test("predicted outputs", async () => {
    const plain = await openai.chat.completions.create({ ...ask, max_tokens: 40 });
    const content = plain.choices[0].message.content ?? "";
    const { choices, usage } = await openai.chat.completions.create({
      ...ask,
      max_tokens: 40,
      prediction: { type: "content", content },
      ...{ draft: { method: "prediction", budget: 4 } },
    });
    expect(choices[0].message.content).toBe(content);
    expect(usage?.completion_tokens_details?.accepted_prediction_tokens).toBeGreaterThan(5);
  });

  test("errors are the client's classes", async () => {
    await expect(openai.chat.completions.create({ ...ask, model: "gpt-9" })).rejects.toThrow(NotFoundError);
    const wrong = openai.chat.completions.create({ ...ask, temperature: 9 });
    await expect(wrong).rejects.toThrow(BadRequestError);
    await expect(wrong).rejects.toMatchObject({ status: 400, code: "invalid_value", param: "temperature" });
    const stranger = new OpenAI({ apiKey: "not-the-key", baseURL: `${server.url}/v1`, maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toThrow(AuthenticationError);
    const streamed = openai.chat.completions.create({
      ...ask,
      messages: [{ role: "user", content: "x".repeat(600) }],
      stream: true,
    });
    await expect(streamed).rejects.toMatchObject({ status: 400, code: "context_length_exceeded" });
  });

  test("a busy server is retried after the time it names, then gives up", async () => {
    const long = { ...ask, max_tokens: 480, logit_bias: { 257: -100 } };
    const streams = await Promise.all([1, 2].map(() => openai.chat.completions.create({ ...long, stream: true })));
    const refused = openai.chat.completions.create(ask);
    await expect(refused).rejects.toThrow(RateLimitError);
    const { headers } = (await refused.catch((error) => error)) as APIError;
    expect(Number((headers as Headers).get("retry-after"))).toBeGreaterThanOrEqual(1);
    const patient = openai.chat.completions.create(ask, { maxRetries: 2 });
    for (const stream of streams) stream.controller.abort();
    expect((await patient).choices).toHaveLength(1);
  });

  test("leaving a stream ends its generation", async () => {
    const stream = await openai.chat.completions.create({
      ...ask,
      max_tokens: 480,
      logit_bias: { 257: -100 },
      stream: true,
    });
    for await (const _ of stream) break;
    const next = await openai.chat.completions.create({ ...ask, max_tokens: 1 }, { maxRetries: 3 });
    expect(next.choices).toHaveLength(1);
  });
});
