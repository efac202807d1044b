import { ChatOpenAI } from "@langchain/openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ToyServer, toyServer } from "../../src/server/testing/toy-server.ts";

let server: ToyServer;
beforeAll(async () => {
  server = await toyServer();
});
afterAll(() => server.stop());

const chat = () =>
  new ChatOpenAI({
    model: "default",
    apiKey: "unused",
    maxTokens: 16,
    temperature: 0,
    maxRetries: 0,
    configuration: { baseURL: `${server.url}/v1` },
  });

describe("@langchain/openai", () => {
  test("invoke and stream agree, and usage arrives", async () => {
    const whole = await chat().invoke("hello");
    let text = "";
    for await (const chunk of await chat().stream("hello")) text += chunk.content;
    expect(text).toBe(whole.content);
    expect(whole.usage_metadata).toMatchObject({ output_tokens: expect.any(Number) });
  });
});
