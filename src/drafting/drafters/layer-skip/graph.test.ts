// On ggml graphs: drafts leave nothing behind, and cost no memory but that of their own graph.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { type LoadedModel, loadLanguageModel } from "../../../lm/load.ts";
import { chainBatch } from "../../../lm/model.ts";
import { writeRandomModel } from "../../../lm/testing/index.ts";
import { Generation } from "../../generation.ts";
import { draftStep } from "./draft-step.ts";
import { type LayerSkipDrafter, layerSkipDrafter } from "./drafter.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-layer-skip-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const embedded = fileURLToPath(new URL("../../../../models/embedded-target.Q8_0.gguf", import.meta.url));

/** Greedy text under a forced budget of 4, or plain. */
function decode(
  { model }: LoadedModel,
  promptTokens: readonly number[],
  maxTokens: number,
  drafter?: LayerSkipDrafter,
) {
  const generation = new Generation({
    model,
    sequence: model.open({ rows: 256 }),
    promptTokens,
    sampling: { temperature: 0 },
    seed: 0,
    maxTokens,
    ...(drafter && { drafters: [drafter], policy: { mode: "forced", budget: 4 } as const }),
  });
  const tokens: number[] = [];
  while (generation.prefillStep(64) > 0);
  while (!generation.finishReason) tokens.push(...generation.step().emitted.map(({ token }) => token));
  generation.close();
  return tokens;
}

// Gemma 2 and 3 have sliding windows, norms after each sublayer and soft caps; llama none of it.
describe.each(["llama", "gemma2", "gemma3", "qwen3"] as const)("%s", (architecture) => {
  const path = join(folder, `${architecture}.gguf`);
  writeRandomModel(path, { architecture, layerCount: 4 });

  test("drafts change no bit of the exact logits after them", () => {
    using loaded = loadLanguageModel(path, { threads: 1, kvRows: 512 });
    const { model } = loaded;
    expect(model.numerics).toBe("exact");
    const [drafted, plain] = [model.open({ rows: 128 }), model.open({ rows: 128 })];
    const tokens = Array.from({ length: 40 }, (_, i) => (i * 89 + 7) % model.vocabSize);
    const sets = [
      { attention: [1, 2], mlp: [] },
      { attention: [0], mlp: [0, 3] },
      { attention: [0, 1, 2, 3], mlp: [0, 1, 2, 3] },
      { attention: [], mlp: [] },
    ];
    for (const sequence of [drafted, plain]) {
      model.forward(chainBatch(sequence, tokens, "none"));
      sequence.compact(tokens.map((_, i) => i));
    }
    for (const [i, skip] of sets.entries()) {
      for (let step = 0; step < 5; step++) draftStep(model, drafted, 11 * (step + i) + 1, skip);
      expect([drafted.length, drafted.pending]).toEqual([40 + 3 * i, 5]);
      drafted.compact([]);
      // A verification of three rows, all of them accepted.
      const rows = [i + 3, i + 50, i + 100];
      const got = model.forward(chainBatch(drafted, rows, "all"));
      const kept = rows.map((_, row) => got.logits(row).slice());
      const want = model.forward(chainBatch(plain, rows, "all"));
      for (const row of rows.keys()) expect(kept[row]).toEqual(want.logits(row).slice());
      for (const sequence of [drafted, plain]) sequence.compact([0, 1, 2]);
    }
  });

  test("the text is that of plain decoding", () => {
    using loaded = loadLanguageModel(path, { threads: 1, kvRows: 256 });
    for (const skip of [
      { attention: [2], mlp: [1] },
      { attention: [0, 1, 2, 3], mlp: [0, 1, 2, 3] },
    ]) {
      const drafter = layerSkipDrafter({ skip, threshold: { mode: "static", start: 0 } });
      expect(decode(loaded, [5, 6, 7], 40, drafter)).toEqual(decode(loaded, [5, 6, 7], 40));
      expect(drafter.report().drafted).toBeGreaterThan(30);
    }
  });
});

describe.skipIf(!existsSync(embedded))("the embedded model", () => {
  test("is drafted for by itself without a byte more of weights or of KV rows", () => {
    // Room for one sequence: a drafter that wanted rows of its own would fail.
    using loaded = loadLanguageModel(embedded, { threads: 1, kvRows: 256 });
    const prompt = Array.from(
      loaded.tokenizer.encode("The Tenant shall pay the rent on the first day of", { addSpecial: true }),
    );
    const plain = decode(loaded, prompt, 64);
    const before = loaded.memory();
    const drafter = layerSkipDrafter({
      skip: { attention: [1, 3], mlp: [2] },
      threshold: { mode: "static", start: 0 },
    });
    expect(decode(loaded, prompt, 64, drafter)).toEqual(plain);
    const after = loaded.memory();
    expect([after.weights, after.kv]).toEqual([before.weights, before.kv]);
    // What grows is the graphs of the draft steps and of wider forwards, not a second model.
    expect(after.graphs - before.graphs).toBeLessThan(before.weights / 10);
    expect(drafter.report().accepted).toBeGreaterThan(0);
  });
});
