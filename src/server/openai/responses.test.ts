import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sseEvents } from "../testing/sse.ts";
import { type ToyServer, toyServer } from "../testing/toy-server.ts";

let server: ToyServer;
beforeAll(async () => {
  server = await toyServer();
});
afterAll(() => server.stop());

const ask = { model: "default", input: "hello", max_output_tokens: 20, temperature: 0 };

describe("responses", () => {
  test("the text that chat gives, whole and as events in OpenAI's order", async () => {
    const { body } = await server.json("/v1/responses", { ...ask, instructions: "Be short." });
    const messages = [
      { role: "system", content: "Be short." },
      { role: "user", content: "hello" },
    ];
    const chat = (await server.json("/v1/chat/completions", { messages, temperature: 0, max_tokens: 20 })).body;
    const [item] = body.output;
    expect(item.content).toEqual([
      { type: "output_text", text: chat.choices[0].message.content, annotations: [], logprobs: [] },
    ]);
    expect(body).toMatchObject({
      object: "response",
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      usage: { input_tokens: chat.usage.prompt_tokens, output_tokens: 20 },
    });
    const events = await sseEvents(
      await server.ask("/v1/responses", { ...ask, instructions: "Be short.", stream: true }),
    );
    const data = events.map((event) => JSON.parse(event.data));
    expect(data.map(({ sequence_number: number }) => number)).toEqual(data.map((_, i) => i));
    const types = data.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
    expect(types).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.incomplete",
    ]);
    const deltas = data.filter(({ type }) => type === "response.output_text.delta");
    expect(deltas.map(({ delta }) => delta).join("")).toBe(item.content[0].text);
  });

  test("log probabilities where they are included: those of chat", async () => {
    const include = ["message.output_text.logprobs"];
    const { body } = await server.json("/v1/responses", { ...ask, include, top_logprobs: 2 });
    const [{ text, logprobs }] = body.output[0].content;
    const messages = [{ role: "user", content: "hello" }];
    const same = { messages, temperature: 0, max_tokens: 20, logprobs: true, top_logprobs: 2 };
    const chat = (await server.json("/v1/chat/completions", same)).body.choices[0];
    expect([text, logprobs]).toEqual([chat.message.content, chat.logprobs.content]);
    const stream = await server.ask("/v1/responses", { ...ask, include, top_logprobs: 2, stream: true });
    const data = (await sseEvents(stream)).map((event) => JSON.parse(event.data));
    const deltas = data.filter(({ type }) => type === "response.output_text.delta");
    expect(deltas.flatMap((delta) => delta.logprobs)).toEqual(logprobs);
    expect(data.at(-1).response.output[0].content[0].logprobs).toEqual(logprobs);
    expect((await server.json("/v1/responses", { ...ask, top_logprobs: 2 })).body.error.param).toBe("top_logprobs");
  });

  test("what needs storage or tools is refused, not ignored", async () => {
    expect((await server.json("/v1/responses", { ...ask, previous_response_id: "resp_1" })).status).toBe(400);
    const tools = [{ type: "web_search" }];
    expect((await server.json("/v1/responses", { ...ask, tools })).body.error.param).toBe("tools");
  });
});
