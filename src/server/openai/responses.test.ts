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

  test("a conversation goes on from a response, or with items by reference, as if it were sent whole", async () => {
    const first = (await server.json("/v1/responses", { ...ask, instructions: "Be short." })).body;
    const next = { role: "user", content: "And?" };
    const asked = { role: "user", content: ask.input };
    const wanted = (await server.json("/v1/responses", { ...ask, input: [asked, ...first.output, next] })).body;
    const reference = { type: "item_reference", id: first.output[0].id };
    const ways = [
      { previous_response_id: first.id, input: "And?" },
      { previous_response_id: first.id, input: [next] },
      { input: [asked, reference, next] },
    ];
    for (const way of ways) {
      const { body } = await server.json("/v1/responses", { ...ask, ...way });
      expect(body.output[0].content).toEqual(wanted.output[0].content);
      expect(body.usage.input_tokens).toBe(wanted.usage.input_tokens);
    }
    const events = await sseEvents(
      await server.ask("/v1/responses", { ...ask, previous_response_id: first.id, stream: true }),
    );
    const { response } = JSON.parse(events.at(-1)?.data ?? "");
    expect(await (await server.ask(`/v1/responses/${response.id}`)).json()).toEqual(response);
    const removed = await server.ask(`/v1/responses/${first.id}`, undefined, { method: "DELETE" });
    expect(await removed.json()).toEqual({ id: first.id, object: "response", deleted: true });
    // What went on from it stays.
    const third = { ...ask, previous_response_id: response.id };
    expect((await server.json("/v1/responses", third)).status).toBe(200);
    expect((await server.ask(`/v1/responses/${first.id}`)).status).toBe(404);
  });

  test("store: false is kept nowhere", async () => {
    const { body } = await server.json("/v1/responses", { ...ask, store: false });
    expect(body.store).toBe(false);
    const { status, body: refused } = await server.json("/v1/responses", { ...ask, previous_response_id: body.id });
    expect([status, refused.error.param]).toEqual([404, "previous_response_id"]);
    const input = [{ type: "item_reference", id: body.output[0].id }];
    expect((await server.json("/v1/responses", { ...ask, input })).body.error.param).toBe("input[0]");
  });

  test("tools that are not the client's and unknown items are refused, not ignored", async () => {
    const refused = [
      ["tools[0].type", { tools: [{ type: "web_search" }] }],
      ["tool_choice", { tool_choice: { type: "file_search" } }],
      ["input[0]", { input: [{ type: "computer_call", id: "msg_1" }] }],
      [
        "input[1]",
        {
          input: [
            { role: "user", content: "x" },
            { type: "function_call", call_id: "a", name: "f" },
          ],
        },
      ],
    ] as const;
    for (const [param, more] of refused) {
      const { status, body } = await server.json("/v1/responses", { ...ask, ...more });
      expect([status, body.error.param]).toEqual([400, param]);
    }
  });
});
