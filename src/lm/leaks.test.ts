import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { loadLanguageModel } from "./load.ts";
import { chainBatch } from "./model.ts";
import { writeRandomModel } from "./testing/index.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-leaks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("1,000 cycles of load, forward and dispose keep no memory", async () => {
  const path = join(folder, "model.gguf");
  writeRandomModel(path, { architecture: "llama", layerCount: 1 });
  const resident: number[] = [];
  for (let cycle = 1; cycle <= 1000; cycle++) {
    using loaded = loadLanguageModel(path, { threads: 1 });
    const sequence = loaded.model.open({ rows: 64 });
    loaded.model.forward(chainBatch(sequence, [1, 2, 3], "all"));
    sequence.compact([0]);
    loaded.model.forward(chainBatch(sequence, [4], "last"));
    // A model that is disposed with open sequences must not keep them either, so this one stays open.
    if (cycle % 200 === 0) resident.push(process.memoryUsage().rss);
    // Finalizers of native views run between turns of the event loop.
    await setImmediate();
  }
  expect(resident[4] - resident[0]).toBeLessThan(10 * 2 ** 20);
});

test("a load that fails half-way keeps nothing", async () => {
  const path = join(folder, "failing.gguf");
  writeRandomModel(path, { architecture: "llama", layerCount: 1 });
  let before = 0;
  for (let cycle = 0; cycle < 150; cycle++) {
    // The weights fit, the KV rows do not: everything taken so far is given back.
    expect(() => loadLanguageModel(path, { threads: 1, kvRows: 2 ** 40 })).toThrow(
      expect.objectContaining({ code: "out-of-memory" }),
    );
    if (cycle === 50) before = process.memoryUsage().rss;
    await setImmediate();
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(10 * 2 ** 20);
});
