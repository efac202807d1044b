// Structured output through the clients' own helpers: schemas made by zod, answers checked by zod.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { ChatOpenAI } from "@langchain/openai";
import { generateObject, generateText, streamObject, tool } from "ai";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createDraftwright } from "../../src/ai/index.ts";
import { openToy } from "../../src/engine/testing/toy-runtime.ts";
import { type ToyServer, toyServer } from "../../src/server/testing/toy-server.ts";

let server: ToyServer;
beforeAll(async () => {
  server = await toyServer({ model: await openToy({ load: { contextLength: 1024, kvRows: 4096 } }) });
});
afterAll(() => server.stop());

const recipe = z.object({
  title: z.string().max(6),
  minutes: z.int().min(1).max(90),
  kind: z.enum(["soup", "cake"]),
  steps: z.array(z.object({ text: z.string().max(4), hot: z.boolean() })).max(2),
  note: z.string().max(3).nullable(),
  source: z.discriminatedUnion("from", [
    z.object({ from: z.literal("book"), page: z.number().min(0).max(9) }),
    z.object({ from: z.literal("friend"), name: z.string().max(3) }),
  ]),
});
/** Toy prompts have a token for each byte. */
const small = recipe.pick({ title: true, minutes: true, kind: true });
const prompt = "A recipe, please.";
const messages = [{ role: "user" as const, content: prompt }];

describe("openai with zod", () => {
  const client = () => new OpenAI({ apiKey: "none", baseURL: `${server.url}/v1`, maxRetries: 0 });
  const ask = { model: "default", messages, temperature: 1, max_tokens: 400 };

  test("chat.completions.parse and the stream helper", async () => {
    for (let seed = 0; seed < 3; seed++) {
      const response_format = zodResponseFormat(recipe, "recipe");
      const parsed = await client().chat.completions.parse({ ...ask, seed, response_format });
      expect(recipe.safeParse(parsed.choices[0].message.parsed).success).toBe(true);
      const stream = client().chat.completions.stream({ ...ask, seed, response_format });
      const final = await stream.finalChatCompletion();
      expect(final.choices[0].message.parsed).toEqual(parsed.choices[0].message.parsed);
    }
  });

  test("responses.parse", async () => {
    const text = { format: zodTextFormat(recipe, "recipe") };
    const { output_parsed } = await client().responses.parse({ model: "default", input: prompt, text });
    expect(recipe.safeParse(output_parsed).success).toBe(true);
  });

  test("logprobs arrive through the stream helper", async () => {
    const streamed = client().chat.completions.stream({
      ...ask,
      max_tokens: 20,
      seed: 1,
      logprobs: true,
      top_logprobs: 2,
    });
    const { choices } = await streamed.finalChatCompletion();
    const whole = await client().chat.completions.create({
      ...ask,
      max_tokens: 20,
      seed: 1,
      logprobs: true,
      top_logprobs: 2,
    });
    expect(choices[0].logprobs?.content).toEqual(whole.choices[0].logprobs?.content);
    expect(whole.choices[0].logprobs?.content?.length).toBeGreaterThan(10);
  });
});

describe("ai", () => {
  const models = [
    [
      "over HTTP",
      () =>
        createOpenAICompatible({ name: "dw", baseURL: `${server.url}/v1`, supportsStructuredOutputs: true })("default"),
    ],
    ["in the process", () => createDraftwright(server.model)()],
  ] as const;
  const ask = { prompt, temperature: 1, maxOutputTokens: 400, maxRetries: 0 };

  test.each(models)("generateObject and streamObject, %s", async (_, model) => {
    const { object } = await generateObject({ model: model(), schema: recipe, ...ask, seed: 3 });
    expect(recipe.safeParse(object).success).toBe(true);
    const streamed = streamObject({ model: model(), schema: recipe, ...ask, seed: 3 });
    let parts = 0;
    for await (const _ of streamed.partialObjectStream) parts++;
    expect(await streamed.object).toEqual(object);
    expect(parts).toBeGreaterThan(3);
  });

  test.each(models)("toolChoice required, %s", async (_, model) => {
    const tools = { cook: tool({ inputSchema: small }) };
    const { toolCalls } = await generateText({ model: model(), ...ask, seed: 5, tools, toolChoice: "required" });
    expect(toolCalls).toHaveLength(1);
    expect(toolCalls[0]).toMatchObject({ toolName: "cook" });
    expect(small.safeParse(toolCalls[0].input).success).toBe(true);
  });
});

test("LangChain's withStructuredOutput, both ways", async () => {
  const configuration = { baseURL: `${server.url}/v1`, apiKey: "none" };
  const model = new ChatOpenAI({ model: "default", configuration, apiKey: "none", maxRetries: 0, maxTokens: 400 });
  for (const method of ["jsonSchema", "functionCalling"] as const) {
    const found = await model.withStructuredOutput(small, { method, name: "recipe" }).invoke(prompt);
    expect(small.safeParse(found).success).toBe(true);
  }
});

test("Anthropic's forced tools", async () => {
  const anthropic = new Anthropic({ apiKey: "none", baseURL: server.url, maxRetries: 0 });
  const input_schema = z.toJSONSchema(small) as Anthropic.Tool.InputSchema;
  const { content, stop_reason } = await anthropic.messages.create({
    model: "default",
    max_tokens: 400,
    messages,
    tools: [{ name: "cook", input_schema }],
    tool_choice: { type: "tool", name: "cook" },
  });
  expect(stop_reason).toBe("tool_use");
  const [call] = content;
  expect(call.type === "tool_use" && small.safeParse(call.input).success).toBe(true);
});
