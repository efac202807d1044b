import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAiChunks, sseEvents } from "./testing/sse.ts";
import { openThinking, said, thinkingTemplates, thoughts } from "./testing/thinking-model.ts";
import { type ToyServer, toyServer } from "./testing/toy-server.ts";

// biome-ignore lint/suspicious/noExplicitAny: what came over the wire, looked at by assertions
type Any = any;

const form = '{"answer": "yes", "sure": true}';
const quiet = (prompt: string) =>
  prompt.includes("silent") ? form : prompt.includes("closed") ? `<think>\n\n</think>\n\n${said}` : undefined;

const schema = {
  type: "object",
  properties: { answer: { enum: ["yes", "no"] }, sure: { type: "boolean" } },
  required: ["answer", "sure"],
};
const response_format = { type: "json_schema", json_schema: { name: "answer", schema } };
const weather = { type: "function", function: { name: "weather", parameters: schema } };
const messages = [{ role: "user", content: "Well?" }];
const ask = { messages, temperature: 0, max_tokens: 300 };

describe.each(["possible", "begun"] as const)("a model whose thoughts are %s", (kind) => {
  let server: ToyServer;
  beforeAll(async () => {
    server = await toyServer({ model: await openThinking(thinkingTemplates[kind], quiet) });
  });
  afterAll(() => server.stop());
  const chat = async (more: object) => {
    const { status, body } = await server.json("/v1/chat/completions", { ...ask, ...more });
    expect([status, body.error?.message]).toEqual([200, undefined]);
    return body;
  };
  const streamed = async (more: object) => {
    const chunks = await openAiChunks(await server.ask("/v1/chat/completions", { ...ask, ...more, stream: true }));
    const joined = (name: string) => chunks.map(({ choices }) => choices[0]?.delta[name] ?? "").join("");
    const logprobs = chunks.flatMap(({ choices }) => choices[0]?.logprobs?.content ?? []);
    return { thinking: joined("reasoning_content"), text: joined("content"), chunks, logprobs };
  };

  test("a free answer: thoughts and text come apart, whole and streamed", async () => {
    const { choices, usage } = await chat({});
    expect(choices[0]).toMatchObject({
      message: { role: "assistant", content: said, reasoning_content: thoughts },
      finish_reason: "stop",
    });
    const written = kind === "begun" ? `${thoughts}\n</think>\n\n` : `<think>\n${thoughts}\n</think>\n\n`;
    // Tokens are bytes here; the opening tag is one only when it is whole.
    const tags = kind === "begun" ? 0 : "<think".length;
    expect(usage.completion_tokens_details.reasoning_tokens).toBe(written.length - tags);
    expect(await streamed({})).toMatchObject({ thinking: thoughts, text: said });
  });

  test("json_schema: free thoughts, then JSON; drafted and plain, streamed, n, with log probabilities", async () => {
    const form = { response_format, n: 2, logprobs: true, top_logprobs: 2 };
    const plain = await chat({ ...form, draft: "off" });
    for (const { message, logprobs } of plain.choices) {
      expect(message.reasoning_content).toBe(thoughts);
      expect(Object.keys(JSON.parse(message.content))).toEqual(["answer", "sure"]);
      const bytes = logprobs.content.flatMap((one: Any) => one.bytes);
      expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(message.content);
    }
    for (const draft of ["auto", { method: "lookup", budget: 6 }]) {
      const drafted = await chat({ ...form, draft });
      expect(drafted.choices).toEqual(plain.choices);
      expect(drafted.drafting.by_source).toHaveProperty("grammar");
    }
    const [{ message, logprobs }] = plain.choices;
    expect(await streamed({ ...form, n: 1 })).toMatchObject({
      thinking: thoughts,
      text: message.content,
      logprobs: logprobs.content,
    });
  });

  test("json_object and a forced tool", async () => {
    const object = await chat({ response_format: { type: "json_object" }, max_tokens: 100 });
    expect(object.choices[0].message.reasoning_content).toBe(thoughts);
    expect(object.choices[0].message.content).toMatch(/^\{/);
    const { choices } = await chat({ tools: [weather], tool_choice: "required" });
    const { content, reasoning_content: thought, tool_calls: calls } = choices[0].message;
    expect([content, thought, choices[0].finish_reason]).toEqual([null, thoughts, "tool_calls"]);
    expect(Object.keys(JSON.parse(calls[0].function.arguments))).toEqual(["answer", "sure"]);
  });

  test("stop strings end the text, not the thoughts", async () => {
    const { choices } = await chat({ stop: ["yes", "answer", "of"] });
    expect(choices[0].message).toMatchObject({ content: "Yes, ", reasoning_content: thoughts });
    const form = (await chat({ response_format, stop: "sure" })).choices[0];
    expect(form.message.reasoning_content).toBe(thoughts);
    expect(form.message.content).toMatch(/^\{\s*"answer":\s*"(yes|no)",\s*"$/);
  });

  test("what has no room for more than thoughts is thoughts", async () => {
    const { choices } = await chat({ response_format, max_tokens: 20 });
    const { content, reasoning_content: thought } = choices[0].message;
    expect([content, choices[0].finish_reason]).toEqual(["", "length"]);
    expect([thought.length > 5, thoughts.startsWith(thought)]).toEqual([true, true]);
  });

  test("no thoughts: none are shown, and the form begins at once", async () => {
    const silent = kind === "possible" ? "silent" : "closed";
    const calm = { messages: [{ role: "user", content: `Be ${silent}.` }] };
    const { choices } = await chat(calm);
    const content = kind === "possible" ? form : said;
    expect(choices[0].message).toEqual({ role: "assistant", content, refusal: null });
    if (kind === "begun") return;
    expect((await chat({ ...calm, response_format })).choices[0].message).toMatchObject({ content: form });
    const closed = { messages: [{ role: "user", content: "closed" }], response_format };
    for (const how of [{ reasoning_effort: "none" }, { chat_template_kwargs: { enable_thinking: false } }]) {
      const { message } = (await chat({ ...closed, ...how })).choices[0];
      expect(message).not.toHaveProperty("reasoning_content");
      expect(JSON.parse(message.content)).toHaveProperty("sure");
    }
  });

  test("Anthropic's messages: a block of its own, whole and streamed", async () => {
    const anthropic = { model: "default", ...ask };
    const { body } = await server.json("/v1/messages", anthropic);
    const blocks = [
      { type: "thinking", thinking: thoughts, signature: "" },
      { type: "text", text: said },
    ];
    expect(body.content).toEqual(blocks);
    const events = await sseEvents(await server.ask("/v1/messages", { ...anthropic, stream: true }));
    const data: Any[] = events.map((event) => JSON.parse(event.data));
    const starts = data.filter(({ type }) => type === "content_block_start");
    expect(starts.map(({ index, content_block: { type } }) => [index, type])).toEqual([
      [0, "thinking"],
      [1, "text"],
    ]);
    const of = (index: number) => data.filter((one) => one.type === "content_block_delta" && one.index === index);
    expect(
      of(0)
        .map(({ delta }) => delta.thinking)
        .join(""),
    ).toBe(thoughts);
    expect(
      of(1)
        .map(({ delta }) => delta.text)
        .join(""),
    ).toBe(said);
    const tools = [{ name: "weather", input_schema: schema }];
    const called = await server.json("/v1/messages", { ...anthropic, tools, tool_choice: { type: "any" } });
    expect(called.body.content.map(({ type }: Any) => type)).toEqual(["thinking", "tool_use"]);
    const again = [...messages, { role: "assistant", content: body.content }, ...messages];
    expect((await server.json("/v1/messages", { ...anthropic, messages: again })).status).toBe(200);
  });

  test("responses: an item of its own, whole and streamed, and taken back", async () => {
    const text = { format: { type: "json_schema", name: "answer", schema } };
    const wanted = { input: "Well?", temperature: 0, text };
    const { body } = await server.json("/v1/responses", wanted);
    const [reasoning, message] = body.output;
    expect(reasoning).toMatchObject({ type: "reasoning", content: [{ type: "reasoning_text", text: thoughts }] });
    expect(JSON.parse(message.content[0].text)).toHaveProperty("sure");
    expect(body.usage.output_tokens_details.reasoning_tokens).toBeGreaterThan(thoughts.length - 10);
    const events = await sseEvents(await server.ask("/v1/responses", { ...wanted, stream: true }));
    const data: Any[] = events.map((event) => JSON.parse(event.data));
    expect(data.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1])).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.reasoning_text.delta",
      "response.reasoning_text.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    const deltas = (type: string) => data.filter((one) => one.type === type).map(({ delta }) => delta);
    expect(deltas("response.reasoning_text.delta").join("")).toBe(thoughts);
    expect(deltas("response.output_text.delta").join("")).toBe(message.content[0].text);
    expect(data.flatMap(({ output_index: index }) => index ?? [])).toEqual(
      data.flatMap(({ output_index: index, type, item }) =>
        index === undefined ? [] : /reasoning/.test(type) || item?.type === "reasoning" ? 0 : 1,
      ),
    );
    const ids = (output: Any[]) => output.map(({ type, content }) => [type, content]);
    expect(ids(data.at(-1).response.output)).toEqual(ids(body.output));
    const input = [{ role: "user", content: "Well?" }, ...body.output, { role: "user", content: "And?" }];
    expect((await server.json("/v1/responses", { ...wanted, input })).status).toBe(200);
  });
});
