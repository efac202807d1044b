import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadLanguageModel } from "../lm/load.ts";
import type { Constraint } from "./constraint.ts";
import { Model } from "./model.ts";
import type { GenerateOptions } from "./request.ts";
import { connectHost, openToy, toyOptions } from "./testing/toy-runtime.ts";

const schema = {
  type: "object",
  properties: {
    answer: { enum: ["yes", "no"] },
    reasons: { type: "array", items: { type: "string", maxLength: 8 }, maxItems: 2 },
  },
  required: ["answer", "reasons"],
};

describe("on the toy model", () => {
  let model: Model;
  beforeAll(async () => {
    model = await openToy({ load: { contextLength: 512, kvRows: 2048 } });
  });
  afterAll(() => model.dispose());

  test.each<[string, Constraint, (text: string) => void]>([
    ["JSON", { json: true }, (text) => expect(text[0]).toBe("{")],
    ["a grammar", { grammar: 'root ::= ("ab" | "cd"){3}' }, (text) => expect(text).toMatch(/^(ab|cd){3}$/)],
    [
      "a JSON schema",
      { jsonSchema: schema },
      (text) => expect(Object.keys(JSON.parse(text))).toEqual(["answer", "reasons"]),
    ],
  ])("%s: every choice of drafting gives the text of plain decoding", async (_, constraint, check) => {
    for (const [temperature, seed] of [
      [0, 1],
      [1, 2],
      [1.3, 3],
    ]) {
      const options = { constraint, temperature, seed, maxTokens: 150, presencePenalty: 0.1 };
      const plain = await model.generate("say", { ...options, draft: "off" }).result;
      check(plain.text);
      for (const more of [
        { draft: "lookup", budget: 6 },
        { draft: "auto" },
        { draft: ["lookup", "lookahead"], budget: 12 },
      ]) {
        const drafted = await model.generate("say", { ...options, ...more }).result;
        expect([drafted.text, drafted.finishReason]).toEqual([plain.text, plain.finishReason]);
        expect(drafted.drafting.bySource).toHaveProperty("grammar");
      }
    }
  });

  test("stop strings, logprobs, and several at once go together with it", async () => {
    const constraint = { grammar: "root ::= [a-f]{30}" };
    const all = await Promise.all(
      [1, 2, 3].map(
        (seed) => model.generate("x", { constraint, temperature: 1.5, seed, stop: ["f"], logprobs: 2 }).result,
      ),
    );
    for (const { text, stopString, finishReason, logprobs, tokenIds } of all) {
      expect(text).toMatch(/^[a-e]*$/);
      expect(finishReason).toBe("stop");
      expect(stopString).toBe(text.length < 30 ? "f" : undefined);
      expect(logprobs?.map(({ token }) => token)).toEqual(tokenIds);
      expect(logprobs?.every(({ top, logprob }) => top.length === 2 && logprob <= top[0].logprob)).toBe(true);
    }
  });

  test("the stop string that came first is named", async () => {
    const options = { temperature: 1, seed: 4, maxTokens: 60, logitBias: { 257: -100 } };
    const { text } = await model.generate("x", options).result;
    const [later, sooner] = [text.slice(30, 33), text.slice(20, 22)];
    const cut = await model.generate("x", { ...options, stop: [later, sooner] }).result;
    expect(cut.text).toBe(text.slice(0, Math.min(text.indexOf(sooner), text.indexOf(later))));
    expect(cut.stopString).toBe(text.indexOf(sooner) <= text.indexOf(later) ? sooner : later);
    expect(await model.generate("x", { ...options, maxTokens: 3, stop: "never" }).result).not.toHaveProperty(
      "stopString",
    );
  });

  test.each<[GenerateOptions, RegExp]>([
    [{ constraint: { grammar: "root ::= [" } }, /line 1/],
    [
      { constraint: { jsonSchema: { type: "string", contentEncoding: "base64" } } },
      /"contentEncoding" is not supported/,
    ],
    [{ constraint: { json: true, grammar: "x" } as never }, /must be/],
    [{ constraint: {} as never }, /must be/],
    [{ logprobs: 21 }, /from 0 to 20/],
  ])("%j is refused at once", (options, message) => {
    expect(() => model.generate("x", options)).toThrow(message);
  });

  test("what only the vocabulary shows is refused later, and others go on", async () => {
    const good = model.generate("x", { constraint: { grammar: 'root ::= "fine"' } }).result;
    const wide = model.generate("x", { constraint: { grammar: 'root ::= (("a"{9999}){9999}){9}' } }).result;
    const ambiguous = { grammar: 'root ::= "a" root "b" | "a" root "c" | "a" root "d" | "x"' };
    const bias = { 97: 100 };
    const many = model.generate("x", { constraint: ambiguous, logitBias: bias }).result;
    await expect(wide).rejects.toMatchObject({ code: "bad-argument" });
    await expect(many).rejects.toThrow(/too many ways/);
    expect((await good).text).toBe("fine");
  });
});

const path = "models/embedded-target.Q8_0.gguf";
describe.skipIf(!existsSync(path))("on the embedded model", () => {
  let model: Model;
  beforeAll(async () => {
    const drafts = ["models/embedded-drafter.Q8_0.gguf"];
    model = await Model.open(connectHost({ ...toyOptions, path, draftPaths: drafts }, loadLanguageModel));
  });
  afterAll(() => model.dispose());

  test("drafted and plain JSON are the same, and valid; keys are drafted", async () => {
    for (const temperature of [0, 0.8]) {
      const options = { constraint: { jsonSchema: schema }, temperature, seed: 3, maxTokens: 120 };
      const plain = await model.generate("The parties agree:", { ...options, draft: "off" }).result;
      const drafted = await model.generate("The parties agree:", { ...options, draft: ["lookup", "model"], budget: 6 })
        .result;
      expect(drafted.tokenIds).toEqual(plain.tokenIds);
      expect(Object.keys(JSON.parse(plain.text))).toEqual(["answer", "reasons"]);
      expect(drafted.drafting.bySource.grammar.accepted).toBeGreaterThan(0);
      expect(drafted.drafting.rounds).toBeLessThan(plain.drafting.rounds);
    }
  });

  test("log probabilities are the same with and without drafting", async () => {
    const options = { maxTokens: 40, logprobs: 4, temperature: 0.7, seed: 9 };
    const plain = await model.generate("The Tenant shall", { ...options, draft: "off" }).result;
    const drafted = await model.generate("The Tenant shall", { ...options, draft: "model", budget: 6 }).result;
    expect(drafted.drafting.accepted).toBeGreaterThan(5);
    expect(drafted.logprobs).toEqual(plain.logprobs);
  });
});
