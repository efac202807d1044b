// The clients' own tool loops: the model asks, the client calls, the model answers.

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { tool as langchainTool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, isStepCount, jsonSchema, type LanguageModel, streamText, tool } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDraftwright } from "../../src/ai/index.ts";
import { type ToyServer, toyServer } from "../../src/server/testing/toy-server.ts";
import { finalAnswer, openWeatherModel, weatherParameters } from "../../src/server/testing/weather.ts";

let server: ToyServer;
beforeAll(async () => {
  server = await toyServer({ model: await openWeatherModel() });
});
afterAll(() => server.stop());

const question = "How is the weather in Bern?";
const call = { name: "weather", arguments: '{"city":"Bern"}' };

describe("openai", () => {
  const client = () => new OpenAI({ apiKey: "none", baseURL: `${server.url}/v1`, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: question }];
  const tools = [{ type: "function" as const, function: { name: "weather", parameters: weatherParameters } }];

  test("a call, whole and streamed", async () => {
    const ask = { model: "default", messages, tools, temperature: 0 };
    const { choices } = await client().chat.completions.create(ask);
    expect(choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { content: "I look.", tool_calls: [{ type: "function", function: call }] },
    });
    const final = await client().chat.completions.stream(ask).finalChatCompletion();
    expect(final.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { content: "I look.", tool_calls: [{ type: "function", function: call }] },
    });
  });

  test("tool_choice none leaves the tools out", async () => {
    const ask = { model: "default", messages, tools, tool_choice: "none" as const, temperature: 0 };
    const { choices } = await client().chat.completions.create(ask);
    expect(choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "Hello." } });
  });

  test("runTools goes round until the answer", async () => {
    const cities: string[] = [];
    const runner = client().chat.completions.runTools({
      model: "default",
      messages,
      temperature: 0,
      tools: [
        {
          type: "function",
          function: {
            name: "weather",
            description: "the weather of a city",
            parameters: weatherParameters,
            parse: JSON.parse,
            function: ({ city }: { city: string }) => {
              cities.push(city);
              return "rain";
            },
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe(finalAnswer);
    expect(cities).toEqual(["Bern"]);
  });
});

describe("openai, responses", () => {
  const client = () => new OpenAI({ apiKey: "none", baseURL: `${server.url}/v1`, maxRetries: 0 });
  const tools = [
    { type: "function" as const, name: "weather", parameters: weatherParameters, strict: true, description: "" },
  ];
  const input: OpenAI.Responses.ResponseInputItem[] = [{ role: "user", content: question }];
  const ask = { model: "default", tools, temperature: 0 };
  const expected = [
    { type: "message", content: [{ type: "output_text", text: "I look." }] },
    { type: "function_call", ...call, status: "completed" },
  ];

  test("a call, whole and streamed, and the answer to its result", async () => {
    const whole = await client().responses.create({ ...ask, input });
    expect(whole).toMatchObject({ status: "completed", output: expected, tool_choice: "auto" });
    const final = await client()
      .responses.stream({ ...ask, input })
      .finalResponse();
    expect(final).toMatchObject({ status: "completed", output: expected, usage: whole.usage });
    const called = whole.output.find((item) => item.type === "function_call");
    const result = { type: "function_call_output" as const, call_id: called?.call_id ?? "", output: "rain" };
    const said = whole.output as OpenAI.Responses.ResponseInputItem[];
    const answer = await client().responses.create({ ...ask, input: [...input, ...said, result] });
    expect(answer.output_text).toBe(finalAnswer);
  });

  test("events of a call, in OpenAI's order", async () => {
    const events: OpenAI.Responses.ResponseStreamEvent[] = [];
    for await (const event of await client().responses.create({ ...ask, input, stream: true })) events.push(event);
    const types = events
      .map(({ type }) => type.slice("response.".length))
      .filter((type, i, all) => type !== all[i - 1]);
    const message = ["output_item.added", "content_part.added", "output_text.delta", "output_text.done"];
    const ended = ["content_part.done", "output_item.done"];
    const called = ["output_item.added", "function_call_arguments.delta", "function_call_arguments.done"];
    expect(types).toEqual(["created", "in_progress", ...message, ...ended, ...called, "output_item.done", "completed"]);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, i) => i));
  });

  test("tool_choice: none, a name, required", async () => {
    const none = await client().responses.create({ ...ask, input, tool_choice: "none" });
    expect(none.output_text).toBe("Hello.");
    const forced = [{ type: "function" as const, name: "weather" }, "required" as const];
    for (const tool_choice of forced) {
      const { output } = await client().responses.create({ ...ask, input, tool_choice, max_output_tokens: 200 });
      expect(output.map(({ type }) => type)).toEqual(["function_call"]);
      expect(output[0]).toMatchObject({ name: "weather", arguments: expect.stringContaining("city") });
    }
  });
});

describe("ai", () => {
  const tools = {
    weather: tool({
      inputSchema: jsonSchema<{ city: string }>(weatherParameters),
      execute: async ({ city }) => `rain in ${city}`,
    }),
  };
  const models: [string, () => LanguageModel][] = [
    ["over HTTP", () => createOpenAICompatible({ name: "draftwright", baseURL: `${server.url}/v1` })("default")],
    ["through responses", () => createOpenAI({ apiKey: "none", baseURL: `${server.url}/v1` })("default")],
    ["in the process", () => createDraftwright(server.model)()],
  ];

  test.each(models)("steps of generateText and streamText, %s", async (_, model) => {
    const ask = { model: model(), prompt: question, tools, temperature: 0, stopWhen: isStepCount(3), maxRetries: 0 };
    const { text, steps } = await generateText(ask);
    expect(text).toBe(finalAnswer);
    expect(steps[0].toolCalls).toMatchObject([{ toolName: "weather", input: { city: "Bern" } }]);
    expect(steps[0].toolResults).toMatchObject([{ output: "rain in Bern" }]);
    const streamed = streamText(ask);
    await streamed.consumeStream();
    expect(await streamed.text).toBe(finalAnswer);
    expect(await streamed.steps).toHaveLength(2);
  });
});

test.each([false, true])("@langchain/openai: bound tools; through responses: %s", async (useResponsesApi) => {
  const weather = langchainTool(() => "rain", { name: "weather", description: "", schema: weatherParameters });
  const chat = new ChatOpenAI({
    model: "default",
    apiKey: "none",
    temperature: 0,
    maxRetries: 0,
    useResponsesApi,
    configuration: { baseURL: `${server.url}/v1` },
  });
  const { tool_calls: calls } = await chat.bindTools([weather]).invoke(question);
  expect(calls).toMatchObject([{ name: "weather", args: { city: "Bern" } }]);
});

describe("@anthropic-ai/sdk", () => {
  const client = () => new Anthropic({ apiKey: "none", baseURL: server.url, maxRetries: 0 });
  const ask = {
    model: "default",
    max_tokens: 300,
    temperature: 0,
    messages: [{ role: "user" as const, content: question }],
  };
  const tools = [{ name: "weather", input_schema: weatherParameters }];

  test("texts and calls, whole and streamed", async () => {
    const hello = await client().messages.create(ask);
    expect(hello).toMatchObject({ content: [{ type: "text", text: "Hello." }], stop_reason: "end_turn" });
    const expected = [
      { type: "text", text: "I look." },
      { type: "tool_use", name: "weather", input: { city: "Bern" } },
    ];
    const whole = await client().messages.create({ ...ask, tools });
    expect(whole).toMatchObject({ content: expected, stop_reason: "tool_use" });
    const streamed = await client()
      .messages.stream({ ...ask, tools })
      .finalMessage();
    expect(streamed).toMatchObject({ content: expected, stop_reason: "tool_use", usage: whole.usage });
    const answer = await client().messages.create({
      ...ask,
      tools,
      messages: [
        ...ask.messages,
        { role: "assistant", content: whole.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "x", content: "rain" }] },
      ],
    });
    expect(answer.content).toMatchObject([{ type: "text", text: finalAnswer }]);
  });

  test("errors are the client's classes", async () => {
    await expect(client().messages.create({ ...ask, model: "claude-9" })).rejects.toThrow(Anthropic.NotFoundError);
    await expect(client().messages.create({ ...ask, max_tokens: 0 })).rejects.toThrow(Anthropic.BadRequestError);
  });
});

test("openai: responses, whole and streamed", async () => {
  const client = new OpenAI({ apiKey: "none", baseURL: `${server.url}/v1`, maxRetries: 0 });
  const ask = { model: "default", input: question, temperature: 0 };
  expect((await client.responses.create(ask)).output_text).toBe("Hello.");
  const final = await client.responses.stream(ask).finalResponse();
  expect([final.output_text, final.status]).toEqual(["Hello.", "completed"]);
});
