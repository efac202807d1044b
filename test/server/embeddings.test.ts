// Vectors through the clients: base64 by default (openai, LangChain), floats (AI SDK), and in the process.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { OpenAIEmbeddings } from "@langchain/openai";
import { embed, embedMany } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDraftwright } from "../../src/ai/index.ts";
import { type ToyServer, toyServer } from "../../src/server/testing/toy-server.ts";

let server: ToyServer;
let expected: number[][];
const texts = ["rent", "a house with a garden", "é"];
beforeAll(async () => {
  server = await toyServer({ limits: { embeddingInputs: 3 } });
  expected = (await server.model.embed(texts)).embeddings.map((vector) => [...vector]);
});
afterAll(() => server.stop());

test("openai: base64 behind its back, floats, tokens, usage", async () => {
  const client = new OpenAI({ apiKey: "none", baseURL: `${server.url}/v1`, maxRetries: 0 });
  for (const encoding_format of [undefined, "float"] as const) {
    const { data, usage, model } = await client.embeddings.create({ model: "default", input: texts, encoding_format });
    expect(data.map(({ embedding }) => embedding)).toEqual(expected);
    expect(data.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect([usage.prompt_tokens, usage.total_tokens, model]).toEqual([5 + 22 + 3, 5 + 22 + 3, "toy"]);
  }
  const input = [...(await server.model.tokenize("rent"))];
  const { data } = await client.embeddings.create({ model: "default", input });
  expect(data[0].embedding).toEqual(expected[0]);
  const raw = await server.json("/v1/embeddings", { input: "rent", encoding_format: "base64" });
  expect(Buffer.from(raw.body.data[0].embedding, "base64")).toHaveLength(4 * expected[0].length);
});

test("what cannot be done is refused", async () => {
  const { hiddenSize } = server.model.info;
  const ask = (body: object) => server.json("/v1/embeddings", body);
  expect((await ask({ input: "a", dimensions: hiddenSize })).status).toBe(200);
  for (const [body, param] of [
    [{ input: "a", dimensions: 2 }, "dimensions"],
    [{ input: "" }, "input"],
    [{ input: [] }, "input"],
    [{ input: ["a", "b", "c", "d"] }, "input"],
    [{ input: [999] }, "input"],
    [{ input: "a", encoding_format: "hex" }, "encoding_format"],
    [{ input: "x".repeat(600) }, null],
  ] as const) {
    const { status, body: answer } = await ask(body);
    expect([status, answer.error.param]).toEqual([400, param]);
  }
  expect((await ask({ input: "a", model: "none" })).status).toBe(404);
});

test("LangChain", async () => {
  const embeddings = new OpenAIEmbeddings({
    model: "default",
    apiKey: "none",
    configuration: { baseURL: `${server.url}/v1` },
    maxRetries: 0,
  });
  expect(await embeddings.embedDocuments(texts)).toEqual(expected);
  expect(await embeddings.embedQuery("é")).toEqual(expected[2]);
});

test("ai, over HTTP and in the process", async () => {
  const http = createOpenAICompatible({ name: "dw", baseURL: `${server.url}/v1` }).embeddingModel("default");
  for (const model of [http, createDraftwright(server.model).embeddingModel()]) {
    const { embeddings, usage } = await embedMany({ model, values: texts, maxRetries: 0 });
    expect(embeddings).toEqual(expected);
    expect(usage.tokens).toBe(30);
    expect((await embed({ model, value: "rent", maxRetries: 0 })).embedding).toEqual(expected[0]);
  }
});
