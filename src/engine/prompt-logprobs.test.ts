import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadLanguageModel } from "../lm/load.ts";
import { Model } from "./model.ts";
import { connectHost, openToy, toyOptions } from "./testing/toy-runtime.ts";

describe("log probabilities of the prompt", () => {
  let model: Model;
  beforeAll(async () => {
    model = await openToy({ load: { contextLength: 512, kvRows: 1024 } });
  });
  afterAll(() => model.dispose());

  test("are those of the same tokens when they are generated", async () => {
    const prompt = Array.from("the cat sat on the mat, ".repeat(9), (c) => c.charCodeAt(0));
    const options = { maxTokens: 30, logprobs: 3, draft: "off", logitBias: { 257: -100 } };
    const said = await model.generate({ tokens: prompt }, options).result;
    const tokens = [...prompt, ...said.tokenIds];
    const judged = await model.generate({ tokens }, { maxTokens: 1, promptLogprobs: 3 }).result;
    expect(judged.promptLogprobs).toHaveLength(tokens.length - 1);
    expect(judged.promptLogprobs?.map(({ token }) => token)).toEqual(tokens.slice(1));
    expect(judged.promptLogprobs?.slice(prompt.length - 1)).toEqual(said.logprobs);
  });

  test("are there although the cache knows the prompt, and for a prompt of one token", async () => {
    const tokens = Array.from({ length: 200 }, (_, i) => i % 50);
    const ask = (promptLogprobs?: number) =>
      model.generate({ tokens }, { maxTokens: 4, cacheScope: "a", promptLogprobs }).result;
    const plain = await ask();
    const first = await ask(0);
    expect(first.promptLogprobs).toHaveLength(199);
    expect([first.cachedTokens, first.tokenIds]).toEqual([0, plain.tokenIds]);
    expect((await model.generate({ tokens: [7] }, { maxTokens: 1, promptLogprobs: 2 }).result).promptLogprobs).toEqual(
      [],
    );
    expect("promptLogprobs" in plain).toBe(false);
    expect(() => model.generate("a", { promptLogprobs: 21 })).toThrow(/promptLogprobs/);
  });
});

const path = "models/embedded-target.Q8_0.gguf";
describe.skipIf(!existsSync(path))("on the embedded model", () => {
  test("asking for them changes no bit of what follows, nor of rows that others find", async () => {
    await using model = await Model.open(
      connectHost({ ...toyOptions, path, load: { contextLength: 512, kvRows: 2048, threads: 2 } }, loadLanguageModel),
    );
    const tokens = (await model.tokenize("The Tenant shall pay rent to the Landlord. ".repeat(30))).slice(0, 220);
    const options = { maxTokens: 12, logprobs: 20, draft: "off" };
    const plain = await model.generate({ tokens }, options).result;
    const judged = await model.generate({ tokens }, { ...options, promptLogprobs: 5, cacheScope: "a" }).result;
    const found = await model.generate({ tokens }, { ...options, cacheScope: "a" }).result;
    expect(judged.logprobs).toEqual(plain.logprobs);
    expect([found.cachedTokens, found.logprobs]).toEqual([219, plain.logprobs]);
  });
});
