import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Oracle } from "../ggml/index.ts";
import { loadLanguageModel, openTokenizer } from "../lm/load.ts";
import { writeRandomModel } from "../lm/testing/index.ts";
import { defaultShape, trainLm, trainLora, trainTokenizer } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-text-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const model = join(folder, "model.gguf");
writeRandomModel(model, { architecture: "llama", layerCount: 1, weightType: "Q8_0" });
const data = join(folder, "data.txt");
writeFileSync(data, Array.from({ length: 40 }, (_, i) => `abc abc abd ${"abc ".repeat(3 + (i % 3))}`).join("\n\n"));
const options = { model, data: [data], budget: { steps: 30 }, rows: 16, texts: 2, threads: 1, heldOut: 0.1 };

test("an adapter learns new text; the model's file keeps its bytes", async () => {
  const before = readFileSync(model);
  const losses: number[] = [];
  const result = await trainLora({
    ...options,
    out: join(folder, "adapter.gguf"),
    rate: 1e-2,
    lora: { rank: 4, alpha: 8, targets: ["attn_q", "attn_v", "ffn_down"] },
    onEvent: (e) => void (e.event === "evaluation" && losses.push(e.measures["held-out loss"])),
  });
  expect(result.best).toBeLessThan(losses[0] / 2);
  expect(readFileSync(model).equals(before)).toBe(true);
});

test.each([true, false])("all weights learn (fresh: %s) and are written as a model that loads", async (fresh) => {
  const out = join(folder, `lm-${fresh}.gguf`);
  const losses: number[] = [];
  const result = await trainLm({
    ...options,
    out,
    rate: 1e-2,
    fresh,
    onEvent: (e) => void (e.event === "evaluation" && losses.push(e.measures["held-out loss"])),
  });
  expect(result.best).toBeLessThan(losses[0] / 2);
  using loaded = loadLanguageModel(out, { threads: 1 });
  expect(loaded.config.weights.output.type.name).toBe("Q8_0");
});

const shape = { ...defaultShape, layers: 2, width: 64, heads: 4, kvHeads: 2, feedForward: 96 };

test("a new model learns with a vocabulary of one's own, and is written as a file that loads", async () => {
  const [tokenizer, out] = [join(folder, "vocabulary.gguf"), join(folder, "new.gguf")];
  await trainTokenizer({ data: [data], out: tokenizer, vocabulary: 270 });
  const losses: number[] = [];
  const result = await trainLm({
    ...options,
    model: { tokenizer, shape },
    out,
    rate: 1e-2,
    onEvent: (e) => void (e.event === "evaluation" && losses.push(e.measures["held-out loss"])),
  });
  expect(losses[0]).toBeCloseTo(Math.log(270), 0);
  expect(result.best).toBeLessThan(losses[0] / 2);
  using loaded = loadLanguageModel(out, { threads: 1 });
  expect(loaded.config).toMatchObject({
    vocabSize: 270,
    layerCount: 2,
    hiddenSize: 64,
    headSize: 16,
    tiedOutput: true,
  });
  expect(loaded.config.weights.output.type.name).toBe("Q8_0");
  using alone = openTokenizer(tokenizer);
  expect(loaded.tokenizer.hash).toBe(alone.hash);
  using oracle = new Oracle(out, { threads: 1, contextLength: 64 });
  expect(oracle.vocabSize).toBe(270);
});

test.each([
  ["heads of an even size", { heads: 3 }],
  ["share 3 key", { kvHeads: 3 }],
  ["feed-forward size of 100 is no multiple of 32", { feedForward: 100 }],
])("a new model's sizes must fit: %s", async (message, change) => {
  const training = trainLm({
    ...options,
    model: { tokenizer: model, shape: { ...shape, ...change } },
    out: "x",
    rate: 1,
  });
  await expect(training).rejects.toThrow(message);
});
