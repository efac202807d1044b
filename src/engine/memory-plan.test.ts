import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { quantizeRows } from "../ggml/index.ts";
import { loadLanguageModel } from "../lm/load.ts";
import { writeRandomModel } from "../lm/testing/index.ts";
import { planMemory, planTable } from "./memory-plan.ts";
import { writeRandomAdapter } from "./testing/random-adapter.ts";

const path = "models/embedded-target.Q8_0.gguf";
const mib = 2 ** 20;

describe.skipIf(!existsSync(path))("memory plan", () => {
  test("weights and KV rows are what loading takes", async () => {
    const { needs } = await planMemory({ parallel: 3, contextLength: 512 });
    using loaded = loadLanguageModel(path, { contextLength: 512, kvRows: 3 * 512 });
    const { weights, kv } = loaded.memory();
    const planned = (part: string) => needs.find(({ what }) => what.startsWith(`model: ${part}`))?.bytes ?? 0;
    expect(planned("weights") / weights).toBeCloseTo(1, 1);
    expect(planned("keys") / kv).toBeCloseTo(1, 2);
    expect(needs.map(({ what }) => what.split(":")[0])).toEqual([
      ...["model", "model", "model", "drafter 1", "drafter 1", "drafter 1", "drafter 2", "drafter 2", "drafter 2"],
      "program",
    ]);
  });

  test("where memory is short, fewer run at once, then contexts get shorter", async () => {
    const ask = { parallel: 8, fewer: true, draftModels: [] };
    const full = await planMemory({ ...ask, availableBytes: 1e12 });
    expect([full.parallel, full.shrunk]).toEqual([8, false]);
    const kv = full.needs[1].bytes;
    const tight = await planMemory({ ...ask, availableBytes: full.totalBytes - kv / 2 });
    expect([tight.parallel, tight.contextLength, tight.shrunk]).toEqual([4, full.contextLength, true]);
    const tighter = await planMemory({ ...ask, availableBytes: full.totalBytes - kv + kv / 16 });
    expect([tighter.parallel, tighter.contextLength]).toEqual([1, full.contextLength / 2]);
    expect(tighter.totalBytes).toBeLessThanOrEqual(tighter.availableBytes);
  });

  test("what was asked for by number is refused with the table, not changed", async () => {
    const small = { availableBytes: 300 * mib, draftModels: [] };
    const given = planMemory({ parallel: 4096, contextLength: 2048, ...small });
    await expect(given).rejects.toMatchObject({ code: "out-of-memory" });
    await expect(given).rejects.toThrow(/keys and values of 8388608 tokens +\d+ MiB\n[\s\S]*may be used +300 MiB/);
    await expect(planMemory({ parallel: 1, fewer: true, availableBytes: mib })).rejects.toThrow(/fewer --parallel/);
    const plan = await planMemory({ parallel: 2, contextLength: 256 });
    expect(planTable(plan)).toMatch(/^2 at once, context 256\nmodel: weights +\d+ MiB\n/);
  });
});

describe("adapters in the memory plan", () => {
  const folder = mkdtempSync(join(tmpdir(), "draftwright-plan-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const everything = ["attn_q", "attn_k", "attn_v", "attn_qkv", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];

  test.each([
    ["llama", everything],
    ["llama", ["attn_v"]],
    ["qwen3", ["attn_q", "ffn_down"]],
    ["phi3", everything],
  ] as const)("%s, %j: what loading them takes, each on a line of its own", async (architecture, targets) => {
    const [model, style, tone] = ["model", "style", "tone"].map((name) => join(folder, `${name}.gguf`));
    writeRandomModel(model, { architecture, weightType: "Q8_0", quantizeRows });
    writeRandomAdapter(style, model, { targets, rank: 8 });
    writeRandomAdapter(tone, model, { targets, rank: 16 });
    const adapters = [{ path: style }, { path: tone, name: "calm", scale: 0 }];
    const plan = await planMemory({ model, draftModels: [], adapters, contextLength: 64, parallel: 1 });
    const needs = plan.needs.filter(({ what }) => what.startsWith("adapter"));
    expect(needs.map(({ what }) => what)).toEqual(["adapter style", "adapter calm"]);
    const weights = (adapters: { path: string }[]) => {
      using loaded = loadLanguageModel(model, { threads: 1, contextLength: 64, adapters });
      return loaded.memory().weights;
    };
    const base = weights([]);
    // Buffers are rounded up to whole lines of memory.
    for (const [i, adapter] of adapters.entries()) {
      const taken = weights([adapter]) - base;
      expect(needs[i].bytes / taken).toBeGreaterThan(0.99);
      expect(needs[i].bytes).toBeLessThanOrEqual(taken);
    }
    const alone = await planMemory({ model, draftModels: [], contextLength: 64, parallel: 1 });
    const limit = { model, draftModels: [], contextLength: 64, parallel: 1, availableBytes: alone.totalBytes };
    expect(await planMemory(limit)).toMatchObject({ shrunk: false });
    const refused = planMemory({ ...limit, adapters });
    await expect(refused).rejects.toMatchObject({ code: "out-of-memory" });
    await expect(refused).rejects.toThrow(/adapter style +\d+ MiB[\s\S]*fewer adapters/);
  });

  test("a file that is no adapter is refused before anything is loaded", async () => {
    const model = join(folder, "model.gguf");
    writeRandomModel(model, { architecture: "llama" });
    await expect(planMemory({ model, parallel: 1, adapters: [{ path: model }] })).rejects.toMatchObject({
      code: "bad-model",
    });
  });
});
