import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadLanguageModel } from "../lm/load.ts";
import { writeRandomModel } from "../lm/testing/index.ts";
import { profileKey } from "./learned-profile.ts";
import { writeRandomAdapter } from "./testing/random-adapter.ts";
import { openToy } from "./testing/toy-runtime.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-adapters-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [path, draft, adapter] = ["target.gguf", "draft.gguf", "style.gguf"].map((name) => join(folder, name));
writeRandomModel(path, { architecture: "llama" });
writeRandomModel(draft, {
  architecture: "llama",
  hiddenSize: 128,
  feedForwardSize: 256,
  headCount: 2,
  layerCount: 1,
});
writeRandomAdapter(adapter, path);

const open = (scale: number) => {
  const load = { threads: 1, kvRows: 2048, adapters: [{ path: adapter, scale }] };
  return openToy({ path, draftPaths: [draft], load }, loadLanguageModel);
};

test("a model with an adapter: another text, the same one drafted and plain; draft models go without", async () => {
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

test("each request has its own adapter, also beside others in rounds and after rows of theirs", async () => {
  await using idle = await open(0);
  await using half = await open(0.5);
  await using whole = await open(1);
  const prompt = "A lease is an agreement between two parties. ".repeat(5);
  const options = { maxTokens: 24, temperature: 0.7, seed: 5 } as const;
  const alone = (model: typeof idle) => model.generate(prompt, { ...options, draft: "off" }).result;
  const expected = [await alone(idle), await alone(half), await alone(whole)].map(({ tokenIds }) => tokenIds);
  expect(new Set(expected.map(String)).size).toBe(3);
  const choices = [false, { name: "style", scale: 0.5 }, "style"] as const;
  const ask = (adapter: (typeof choices)[number]) =>
    idle.generate(prompt, { ...options, draft: ["lookup", "model"], budget: 4, cacheScope: "a", adapter }).result;
  for (const warm of [false, true]) {
    const results = await Promise.all(choices.map(ask));
    expect(results.map(({ tokenIds }) => tokenIds)).toEqual(expected);
    expect(results.map(({ cachedTokens }) => cachedTokens > 0)).toEqual([warm, warm, warm]);
  }
  // Loaded at scale 0 it is not used unasked.
  expect((await idle.generate(prompt, { ...options, cacheScope: "a" }).result).tokenIds).toEqual(expected[0]);
  // What a model was loaded with, a request can leave out.
  expect((await whole.generate(prompt, { ...options, adapter: false }).result).tokenIds).toEqual(expected[0]);
  await expect(idle.generate(prompt, { adapter: "stile" }).result).rejects.toThrow(
    /no adapter "stile"\. Adapters: style/,
  );
});
