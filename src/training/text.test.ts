import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadLanguageModel } from "../lm/load.ts";
import { writeRandomModel } from "../lm/testing/index.ts";
import { trainLm, trainLora } from "./index.ts";

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
