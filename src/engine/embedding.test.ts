import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Oracle } from "../ggml/index.ts";
import { loadLanguageModel } from "../lm/load.ts";
import { chainBatch } from "../lm/model.ts";
import { toyModel } from "../lm/toy/index.ts";
import { Model } from "./model.ts";
import { connectHost, openToy, toyOptions, vocabSize } from "./testing/toy-runtime.ts";

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>) =>
    Array.from(x).reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

describe("embeddings", () => {
  let model: Model;
  beforeAll(async () => {
    model = await openToy({ load: { contextLength: 512, kvRows: 1024 } });
  });
  afterAll(() => model.dispose());

  test("are the mean of the normed hidden states, of length 1, for texts of several chunks too", async () => {
    const texts = ["a", "the quick brown fox", "x".repeat(300)];
    const { embeddings, tokens } = await model.embed(texts);
    expect(tokens).toBe(2 + 20 + 301);
    const same = toyModel({ vocabSize, contextLength: 512, maxRows: 512, seed: "target".length });
    for (const [i, text] of texts.entries()) {
      const sequence = same.open();
      const row = [256, ...new TextEncoder().encode(text)];
      const layer = same.layerCount + 1;
      const wantHidden = { layers: [layer], rows: new Uint8Array(row.length).fill(1) };
      const result = same.forward({ ...chainBatch(sequence, row, "none"), wantHidden });
      const sum = new Float64Array(same.hiddenSize);
      for (let at = 0; at < row.length; at++) {
        result.hidden(at, layer).forEach((value, j) => {
          sum[j] += value;
        });
      }
      expect(cosine(embeddings[i], sum)).toBeCloseTo(1, 6);
      expect(Math.hypot(...embeddings[i])).toBeCloseTo(1, 6);
      sequence.close();
    }
  });

  test("do not depend on what else is asked, and disturb no generation", async () => {
    const alone = await model.embed(["one", "two"]);
    const options = { temperature: 1, seed: 3, maxTokens: 30, logitBias: { 257: -100 } };
    const text = (await model.generate("hello", options).result).text;
    const [together, tokens, swapped] = await Promise.all([
      model.generate("hello", options).result,
      model.embed([{ tokens: [256, ...new TextEncoder().encode("two")] }]),
      model.embed(["two", "one"]),
    ]);
    expect(together.text).toBe(text);
    expect(tokens.embeddings[0]).toEqual(alone.embeddings[1]);
    expect(swapped.embeddings).toEqual([...alone.embeddings].reverse());
  });

  test("empty and too long texts are refused; an abort frees the rows", async () => {
    await expect(model.embed([{ tokens: [] }])).rejects.toMatchObject({ code: "bad-argument" });
    await expect(model.embed(["ok", "x".repeat(600)])).rejects.toMatchObject({ code: "context-overflow" });
    expect((await model.embed([])).embeddings).toEqual([]);
    const controller = new AbortController();
    const running = [1, 2, 3].map(() => model.embed(["x".repeat(500), "y".repeat(500)], { signal: controller.signal }));
    setImmediate(() => controller.abort());
    for (const one of running) await expect(one).rejects.toMatchObject({ code: "aborted" });
    await expect(model.embed(["a"], { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    expect((await model.embed(["x".repeat(500)])).embeddings).toHaveLength(1);
  });
});

const path = "models/embedded-target.Q8_0.gguf";
describe.skipIf(!existsSync(path))("on the embedded model", () => {
  test("the direction that llama.cpp's mean pooling gives", async () => {
    await using model = await Model.open(connectHost({ ...toyOptions, path }, loadLanguageModel));
    using oracle = new Oracle(path, { contextLength: 512, threads: 1, embeds: true, repack: false });
    const texts = ["The Tenant shall pay rent on the first day of each month.", "Confidential information."];
    const { embeddings } = await model.embed(texts);
    for (const [i, text] of texts.entries()) {
      oracle.truncate(0);
      oracle.decode(await model.tokenize(text), "all");
      expect(cosine(embeddings[i], oracle.embedding())).toBeGreaterThan(0.9999);
    }
    const similar = await model.embed(["The Lessee shall pay rent each month.", "Bananas ripen in boxes."]);
    const [rent] = embeddings;
    expect(cosine(rent, similar.embeddings[0])).toBeGreaterThan(cosine(rent, similar.embeddings[1]));
  });
});
