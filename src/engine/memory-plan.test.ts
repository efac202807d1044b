import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadLanguageModel } from "../lm/load.ts";
import { planMemory, planTable } from "./memory-plan.ts";

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
