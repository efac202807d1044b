import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sseEvents } from "../testing/sse.ts";
import { type ToyServer, toyServer } from "../testing/toy-server.ts";

let server: ToyServer;
beforeAll(async () => {
  server = await toyServer();
});
afterAll(() => server.stop());

const ask = { model: "default", max_tokens: 20, temperature: 0, messages: [{ role: "user", content: "hello" }] };

describe("messages", () => {
  test("an answer, and the same as named events", async () => {
    const { status, body } = await server.json("/v1/messages", ask);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      type: "message",
      role: "assistant",
      model: "toy",
      content: [{ type: "text", text: expect.any(String) }],
      stop_reason: "max_tokens",
      stop_sequence: null,
      usage: { input_tokens: expect.any(Number), output_tokens: 20 },
    });
    const events = await sseEvents(await server.ask("/v1/messages", { ...ask, stream: true }));
    const data = events.map((event) => JSON.parse(event.data));
    expect(events.every(({ event }, i) => event === data[i].type)).toBe(true);
    const types = data.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
    expect(types).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    const text = data.map(({ delta }) => delta?.text ?? "").join("");
    expect(text).toBe(body.content[0].text);
    // The second time all but the last token of the prompt is known.
    const { input_tokens: read } = body.usage;
    const usage = { cache_read_input_tokens: read - 1, input_tokens: 1, output_tokens: 20 };
    expect(data.at(-2)).toMatchObject({ delta: { stop_reason: "max_tokens" }, usage });
  });

  test("the stop sequence that ended it is named", async () => {
    const { body } = await server.json("/v1/messages", ask);
    const stop = body.content[0].text.slice(6, 8);
    const stopped = await server.json("/v1/messages", { ...ask, stop_sequences: ["never!", stop] });
    expect(stopped.body).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: stop });
  });

  test("system texts, tools and their results are read", async () => {
    const { status } = await server.json("/v1/messages", {
      ...ask,
      system: [{ type: "text", text: "Be short." }],
      tools: [{ name: "f", input_schema: { type: "object" } }],
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", content: [{ type: "tool_use", id: "a", name: "f", input: {} }] },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "a", content: "42" },
            { type: "text", text: "so?" },
          ],
        },
      ],
    });
    expect(status).toBe(200);
  });

  test("errors have Anthropic's shape", async () => {
    const { status, body } = await server.json("/v1/messages", { ...ask, max_tokens: undefined });
    expect(status).toBe(400);
    expect(body).toEqual({
      type: "error",
      error: { type: "invalid_request_error", message: expect.stringContaining("max_tokens") },
    });
    const unknown = await server.json("/v1/messages", { ...ask, model: "claude-9" });
    expect([unknown.status, unknown.body.error.type]).toEqual([404, "not_found_error"]);
  });
});
