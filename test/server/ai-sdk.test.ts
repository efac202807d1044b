// The AI SDK through @ai-sdk/openai-compatible, over HTTP.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, jsonSchema, streamText } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDraftwright } from "../../src/ai/index.ts";
import { openThinking, said, thinkingTemplates, thoughts } from "../../src/server/testing/thinking-model.ts";
import { type ToyServer, toyServer } from "../../src/server/testing/toy-server.ts";

let server: ToyServer;
const provider = () => createOpenAICompatible({ name: "draftwright", baseURL: `${server.url}/v1`, includeUsage: true });
const ask = { prompt: "hello", maxOutputTokens: 16, temperature: 0.8, seed: 4, maxRetries: 0 };

beforeAll(async () => {
  server = await toyServer();
});
afterAll(() => server.stop());

describe("ai with @ai-sdk/openai-compatible", () => {
  test("generateText and streamText agree, and usage arrives", async () => {
    const model = provider()("default");
    const whole = await generateText({ model, ...ask });
    expect(whole.text).not.toBe("");
    expect(whole.usage).toMatchObject({ inputTokens: expect.any(Number), outputTokens: expect.any(Number) });
    const streamed = streamText({ model, ...ask });
    let text = "";
    for await (const piece of streamed.textStream) text += piece;
    expect(text).toBe(whole.text);
    expect((await streamed.usage).outputTokens).toBe(whole.usage.outputTokens);
  });

  test("accepted and rejected predictions are in the provider's metadata", async () => {
    const model = provider()("default");
    const whole = await generateText({ model, ...ask, maxOutputTokens: 40 });
    const { text, providerMetadata } = await generateText({
      model,
      ...ask,
      maxOutputTokens: 40,
      providerOptions: {
        draftwright: {
          prediction: { type: "content", content: whole.text },
          draft: { method: "prediction", budget: 4 },
        },
      },
    });
    expect(text).toBe(whole.text);
    expect(providerMetadata?.draftwright?.acceptedPredictionTokens).toBeGreaterThan(5);
  });

  test("errors carry our message", async () => {
    await expect(generateText({ model: provider()("gpt-9"), ...ask })).rejects.toThrow(/does not exist here/);
  });
});

describe("a reasoning model", () => {
  const schema = jsonSchema<{ answer: string }>({
    type: "object",
    properties: { answer: { enum: ["yes", "no"] } },
    required: ["answer"],
  });
  test.each(["over HTTP", "in the process"])("%s: reasoning apart, text and objects", async (where) => {
    const loaded = await openThinking(thinkingTemplates.possible, () => undefined);
    const server = await toyServer({ model: loaded });
    const http = createOpenAICompatible({
      name: "draftwright",
      baseURL: `${server.url}/v1`,
      includeUsage: true,
      supportsStructuredOutputs: true,
    });
    const model = where === "over HTTP" ? http("default") : createDraftwright(loaded)();
    const ask = { model, prompt: "Well?", maxOutputTokens: 200, temperature: 0, maxRetries: 0 };
    try {
      const whole = await generateText(ask);
      expect([whole.reasoningText, whole.text]).toEqual([thoughts, said]);
      expect(whole.usage.outputTokenDetails.reasoningTokens).toBeGreaterThan(thoughts.length);
      const streamed = streamText(ask);
      expect([await streamed.reasoningText, await streamed.text]).toEqual([thoughts, said]);
      const { object, reasoning } = await generateObject({ ...ask, schema });
      expect([["yes", "no"].includes(object.answer), reasoning]).toEqual([true, thoughts]);
    } finally {
      await server.stop();
    }
  });
});
