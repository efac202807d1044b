import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Backend, openGguf } from "../ggml/index.ts";
import { readConfig } from "../lm/config.ts";
import { loadLanguageModel } from "../lm/load.ts";
import { writeRandomModel } from "../lm/testing/index.ts";
import { Lora, loraDefaults } from "../lm/training/index.ts";
import { Parameters, saveParameters } from "../nn/index.ts";
import { profileKey } from "./learned-profile.ts";
import { openToy } from "./testing/toy-runtime.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-adapters-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a model with an adapter: another text, the same one drafted and plain; draft models go without", async () => {
  const [path, draft, adapter] = ["target.gguf", "draft.gguf", "style.gguf"].map((name) => join(folder, name));
  writeRandomModel(path, { architecture: "llama" });
  writeRandomModel(draft, {
    architecture: "llama",
    hiddenSize: 128,
    feedForwardSize: 256,
    headCount: 2,
    layerCount: 1,
  });
  const backend = new Backend(undefined, { threads: 1 });
  using all = new Parameters(backend, 3);
  using gguf = openGguf(path);
  const lora = new Lora(all, readConfig(gguf), { ...loraDefaults, rank: 4 });
  for (const p of all.all) p.write(Float32Array.from({ length: p.elements }, () => all.random.normal() / 16));
  saveParameters(adapter, all, lora.metadata);
  const open = (scale: number) => {
    const load = { threads: 1, adapters: [{ path: adapter, scale }] };
    return openToy({ path, draftPaths: [draft], load }, loadLanguageModel);
  };
  await using base = await open(0);
  await using changed = await open(1);
  expect(changed.info.adapters).toEqual([{ name: "style", scale: 1 }]);
  expect(changed.info.numerics).toBe("exact");
  const run = async (model: typeof base, choice: string | string[], temperature: number) =>
    (
      await model.generate("abcabcabc", {
        draft: choice,
        ...(choice !== "off" && { budget: 5 }),
        temperature,
        seed: 3,
        maxTokens: 40,
      }).result
    ).tokenIds;
  for (const temperature of [0, 0.8]) {
    const plain = await run(changed, "off", temperature);
    expect(await run(base, "off", temperature)).not.toEqual(plain);
    expect(await run(changed, ["lookup", "model"], temperature)).toEqual(plain);
  }
  const keyOf = (scale: number) => {
    using loaded = loadLanguageModel(path, { threads: 1, adapters: [{ path: adapter, scale }] });
    return profileKey(loaded).modelHash;
  };
  expect(new Set([keyOf(0), keyOf(0.5), keyOf(1)]).size).toBe(3);
});
