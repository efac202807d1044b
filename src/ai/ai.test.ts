import { generateText, jsonSchema, streamText, tool } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Model } from "../engine/index.ts";
import { openToy } from "../engine/testing/toy-runtime.ts";
import { createDraftwright } from "./index.ts";
import { toChatMessages } from "./prompt.ts";

let model: Model;
beforeAll(async () => {
  model = await openToy({ load: { contextLength: 1024 } });
});
afterAll(() => model.dispose());

const ask = { prompt: "hello", maxOutputTokens: 20, temperature: 0.8, seed: 4, maxRetries: 0 };

describe("AI SDK provider", () => {
  test("generateText gives what generate gives, with usage and drafting", async () => {
    const expected = await model.generate(
      { messages: [{ role: "user", content: "hello" }] },
      { maxTokens: 20, temperature: 0.8, seed: 4 },
    ).result;
    const { text, usage, finishReason, providerMetadata } = await generateText({
      model: createDraftwright(model)(),
      ...ask,
    });
    expect(text).toBe(expected.text);
    expect(usage).toMatchObject({ inputTokens: expected.promptTokens, outputTokens: expected.tokens });
    expect(finishReason).toBe(expected.finishReason === "stop" ? "stop" : "length");
    expect(providerMetadata?.draftwright).toMatchObject({ rounds: expect.any(Number), numerics: expect.any(String) });
  });

  test("streamText gives the same; drafting options pass", async () => {
    const whole = await generateText({ model: createDraftwright(model)(), ...ask });
    const providerOptions = { draftwright: { draft: "lookup", budget: 2 } };
    const streamed = streamText({ model: createDraftwright(model)(), ...ask, providerOptions });
    let text = "";
    for await (const piece of streamed.textStream) text += piece;
    expect(text).toBe(whole.text);
    expect(await streamed.finishReason).toBe(whole.finishReason);
  });

  test("tools reach the prompt, and an abort ends the generation", async () => {
    const weather = tool({ description: "weather of a city", inputSchema: jsonSchema({ type: "object" }) });
    const { usage } = await generateText({ model: createDraftwright(model)(), ...ask, tools: { weather } });
    expect(usage.inputTokens).toBeGreaterThan(200);
    const controller = new AbortController();
    const aborted = generateText({
      model: createDraftwright(model)(),
      ...ask,
      maxOutputTokens: 900,
      abortSignal: controller.signal,
    });
    setImmediate(() => controller.abort());
    await expect(aborted).rejects.toThrow(/aborted/);
  });

  test("conversations with calls and results become chat messages; pictures are refused", () => {
    const messages = toChatMessages([
      { role: "system", content: "s" },
      { role: "user", content: [{ type: "text", text: "u" }] },
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "hm" },
          { type: "text", text: "a" },
          { type: "tool-call", toolCallId: "1", toolName: "f", input: { x: 1 } },
        ],
      },
      {
        role: "tool",
        content: [{ type: "tool-result", toolCallId: "1", toolName: "f", output: { type: "json", value: [2] } }],
      },
    ]);
    expect(messages).toEqual([
      { role: "system", content: "s" },
      { role: "user", content: "u" },
      {
        role: "assistant",
        content: "a",
        tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: { x: 1 } } }],
      },
      { role: "tool", name: "f", tool_call_id: "1", content: "[2]" },
    ]);
    const file = { type: "file" as const, mediaType: "image/png", data: { type: "data" as const, data: "AA==" } };
    expect(() => toChatMessages([{ role: "user", content: [file] }])).toThrow(/reads text only/);
  });
});
