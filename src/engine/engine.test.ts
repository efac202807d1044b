import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { DraftwrightError } from "../errors.ts";
import { toyModel } from "../lm/toy/index.ts";
import type { GenerateOptions, GenerateResult, Generating } from "./index.ts";
import type { LoadModelFile } from "./runtime.ts";
import { loadToy, openToy, toyEngineModel, vocabSize } from "./testing/toy-runtime.ts";

const repeating = "the cat sat on the mat, the cat sat on the ";

async function collect(generating: Generating) {
  const tokens = [];
  for await (const token of generating) tokens.push(token);
  return { tokens, result: await generating.result };
}
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "none",
    (error) => (error instanceof DraftwrightError ? error.code : String(error)),
  );

describe("generate", () => {
  test("tokens as they come are the result, and drafting changes nothing but the rounds", async () => {
    await using model = await openToy({ draftPaths: ["draft."] });
    const options: GenerateOptions = { maxTokens: 40, temperature: 0.8, seed: 7 };
    const plain = await collect(model.generate(repeating, { ...options, draft: "off" }));
    expect(plain.result.drafting).toMatchObject({ rounds: 40, proposed: 0, accepted: 0, meanEmitted: 1, bySource: {} });
    for (const draft of ["lookup", "model", "auto", ["model", "lookup"]]) {
      const { tokens, result } = await collect(model.generate(repeating, { ...options, draft, budget: 4 }));
      expect(result.tokenIds).toEqual(plain.result.tokenIds);
      expect(result.text).toBe(plain.result.text);
      expect(tokens.map((t) => t.token)).toEqual(result.tokenIds);
      expect(tokens.map((t) => t.text).join("")).toBe(result.text);
      expect(result.drafting.proposed).toBeGreaterThan(0);
      expect(tokens.filter((t) => t.source !== "target")).toHaveLength(result.drafting.accepted);
    }
  });

  test("by ratio a draft model's tokens are kept more often; tables and greedy texts stay as they are", async () => {
    await using model = await openToy({ draftPaths: ["draft."] });
    const run = (options: GenerateOptions): Promise<GenerateResult> =>
      model.generate(repeating, { maxTokens: 40, budget: 2, ...options }).result;
    for (const options of [{ draft: "model" }, { temperature: 1, seed: 3, draft: "lookup" }]) {
      expect((await run({ ...options, verify: "ratio" })).tokenIds).toEqual((await run(options)).tokenIds);
    }
    const accepted = { match: 0, ratio: 0 };
    for (const verify of ["match", "ratio"] as const) {
      for (let seed = 0; seed < 12; seed++) {
        const { drafting, tokenIds } = await run({ temperature: 1, seed, draft: "model", verify });
        expect(tokenIds).toHaveLength(40);
        accepted[verify] += drafting.accepted;
      }
    }
    expect(accepted.ratio).toBeGreaterThan(accepted.match);
    expect(() => model.generate("a", { verify: "typical" as "match" })).toThrow(/"match" or "ratio"/);
  });

  test("every drafter there is gives the plain text, and drafts", async () => {
    const drafting = { layerSkip: { skip: { attention: [1], mlp: [] } }, lookahead: { text: true } };
    await using model = await openToy({ draftPaths: ["draft.", "draft2."], drafting });
    const options: GenerateOptions = { maxTokens: 60, temperature: 0.5, seed: 7 };
    const plain = await model.generate(repeating, { ...options, draft: "off" }).result;
    expect(model.info.drafters).toEqual(
      expect.arrayContaining(["lookup", "model", "cascade", "ouroboros", "lookahead", "hierarchy", "layer-skip"]),
    );
    for (const draft of [...model.info.drafters, model.info.drafters]) {
      const result = await model.generate(repeating, { ...options, draft, budget: 6 }).result;
      expect(result.tokenIds).toEqual(plain.tokenIds);
      expect(result.drafting.proposed).toBeGreaterThan(0);
    }
  });

  test("a prediction is drafted from, as text or tokens, beside other drafters or alone", async () => {
    await using model = await openToy();
    const options: GenerateOptions = { maxTokens: 40, budget: 4 };
    const plain = await model.generate("abc", { maxTokens: 40, draft: "off" }).result;
    for (const draft of ["auto", "prediction", "lookup"]) {
      const { tokenIds, drafting } = await model.generate("abc", {
        ...options,
        draft,
        prediction: { tokens: plain.tokenIds },
      }).result;
      expect(tokenIds).toEqual(plain.tokenIds);
      expect(drafting.bySource.prediction.accepted).toBeGreaterThan(20);
    }
    const asText = await model.generate("abc", { ...options, draft: "prediction", prediction: "no such text" }).result;
    expect(asText.tokenIds).toEqual(plain.tokenIds);
    expect(asText.drafting.bySource.prediction.proposed).toBeGreaterThan(0);
    expect(() => model.generate("abc", { draft: "off", prediction: "x" })).toThrow(/needs drafting/);
    expect(() => model.generate("abc", { prediction: { tokens: [0.5] } })).toThrow(/token ids/);
    expect(await codeOf(model.generate("abc", { draft: "prediction" }).result)).toBe("bad-argument");
  });

  test("phrases are kept in a file where that is asked for, and nowhere else", async () => {
    const folder = mkdtempSync(join(tmpdir(), "draftwright-pool-"));
    const path = join(folder, "phrases.pool");
    try {
      for (const pool of ["request", "session", { path }] as const) {
        const model = await openToy({ drafting: { ouroboros: { pool } } });
        await model.generate(repeating, { draft: "ouroboros", budget: 4, maxTokens: 20 }).result;
        await model.dispose();
        expect(existsSync(path)).toBe(typeof pool === "object");
      }
      await using again = await openToy({ drafting: { ouroboros: { pool: { path } } } });
      const warm = await again.generate(repeating, { draft: "ouroboros", budget: 4, maxTokens: 20 }).result;
      expect(warm.drafting.accepted).toBeGreaterThan(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("the result says what was asked for", async () => {
    await using model = await openToy();
    const { result } = await collect(model.generate("abc", { maxTokens: 3, draft: "off" }));
    expect(result).toEqual<GenerateResult>({
      text: result.text,
      tokenIds: result.tokenIds,
      tokens: 3,
      promptTokens: 4,
      cachedTokens: 0,
      finishReason: "length",
      timings: {
        loadMs: expect.any(Number),
        prefillMs: expect.any(Number),
        decodeMs: expect.any(Number),
        tokensPerSecond: expect.any(Number),
      },
      drafting: { rounds: 3, proposed: 0, accepted: 0, meanEmitted: 1, bySource: {}, numerics: "exact" },
    });
  });

  test("a stop string ends the text before it, wherever it falls in a draft", async () => {
    await using model = await openToy();
    const options: GenerateOptions = { maxTokens: 60, temperature: 1, seed: 3 };
    const whole = (await model.generate("xyz", { ...options, draft: "off" }).result).text;
    const stop = whole.slice(20, 23);
    for (const draft of ["off", "lookup"]) {
      const { tokens, result } = await collect(model.generate("xyz", { ...options, draft, stop }));
      expect(result.text).toBe(whole.slice(0, whole.indexOf(stop)));
      expect(result.finishReason).toBe("stop");
      expect(tokens.map((t) => t.text).join("")).toBe(result.text);
    }
  });

  test("messages go through the chat template, here the plain fallback", async () => {
    await using model = await openToy();
    const messages = [{ role: "user" as const, content: "hi" }];
    expect(await model.applyChatTemplate(messages)).toBe("User: hi\n\nAssistant:");
    const { result } = await collect(model.generate({ messages }, { maxTokens: 2 }));
    expect(result.promptTokens).toBe(1 + "User: hi\n\nAssistant:".length);
  });

  test("token ids are taken as they are", async () => {
    await using model = await openToy();
    const tokens = await model.tokenize("abc");
    expect([...tokens]).toEqual([256, 97, 98, 99]);
    expect(await model.detokenize(tokens)).toBe("abc");
    const options = { maxTokens: 5 };
    const [a, b] = [model.generate("abc", options), model.generate({ tokens }, options)];
    expect((await a.result).tokenIds).toEqual((await b.result).tokenIds);
  });

  test("every round can be watched", async () => {
    await using model = await openToy();
    const widths: number[] = [];
    const { result } = await collect(
      model.generate("aaaa", {
        maxTokens: 10,
        draft: "lookup",
        budget: 2,
        onRound: ({ trace }) => widths.push(trace.width),
      }),
    );
    expect(widths).toHaveLength(result.drafting.rounds);
  });
});

describe("arguments", () => {
  test.each<[string, object, RegExp]>([
    ["an unknown option", { tempreature: 1 }, /Unknown option "tempreature"/],
    ["no tokens", { maxTokens: 0 }, /maxTokens/],
    ["half a seed", { seed: 1.5 }, /seed/],
    ["a budget without a drafter", { budget: 4, draft: "off" }, /needs a drafter/],
    ["auto among others", { draft: ["auto", "lookup"] }, /cannot be combined/],
    ["no drafter at all", { draft: [] }, /empty list/],
    ["an unknown overflow", { overflow: "wrap" }, /overflow/],
  ])("%s is refused at once", async (_, options, message) => {
    await using model = await openToy();
    expect(() => model.generate("a", options)).toThrow(message);
  });

  test.each<[string, object, RegExp]>([
    ["an unknown drafter", { draft: "magic" }, /auto, off, or some of: lookup/],
    ["a draft model that is not there", { draft: "model" }, /draftModels/],
    ["a temperature without meaning", { temperature: -1 }, /temperature/],
    ["a token outside the vocabulary", { logitBias: { 999: 1 } }, /logitBias/],
    ["an empty stop string", { stop: "" }, /empty/],
  ])("%s is refused by the model", async (_, options, message) => {
    await using model = await openToy();
    await expect(model.generate("a", options).result).rejects.toThrow(message);
    expect((await model.generate("a", { maxTokens: 1 }).result).tokens).toBe(1);
  });

  test("a draft model with another vocabulary drafts through its text", async () => {
    // The draft model counts its bytes the other way round.
    const load: typeof loadToy = (path, options) => {
      const loaded = loadToy(path, options);
      if (path === "target") return loaded;
      const { tokenizer } = loaded;
      const flip = (token: number) => (token < 256 ? 255 - token : token);
      return {
        ...loaded,
        tokenizer: {
          ...tokenizer,
          hash: path,
          encode: (text, settings) => tokenizer.encode(text, settings).map(flip),
          pieceBytes: (token) => tokenizer.pieceBytes(flip(token)),
        },
      };
    };
    await using model = await openToy({ draftPaths: ["draft."] }, load);
    const plain = await model.generate("abc", { draft: "off", maxTokens: 30 }).result;
    for (const draft of ["model", "cascade", "ouroboros", "auto"]) {
      const { tokenIds, drafting } = await model.generate("abc", { draft, budget: 4, maxTokens: 30 }).result;
      expect(tokenIds).toEqual(plain.tokenIds);
      expect(drafting.proposed).toBeGreaterThan(0);
    }
  });
});

describe("context", () => {
  const long = "x".repeat(300);

  test("a prompt that is too long is refused with both lengths", async () => {
    await using model = await openToy();
    await expect(model.generate(long).result).rejects.toThrow(/301 tokens and the context holds 256/);
  });

  test("or loses its beginning, but not its begin-of-text token", async () => {
    await using model = await openToy();
    const cut = await model.generate(long, { overflow: "truncate-left", maxTokens: 20 }).result;
    const same = await model.generate("x".repeat(235), { maxTokens: 20 }).result;
    expect([cut.promptTokens, cut.tokenIds]).toEqual([236, same.tokenIds]);
  });

  test("a full context ends the text and says so", async () => {
    await using model = await openToy();
    const result = await model.generate("x".repeat(200), { maxTokens: 1000, logitBias: { 257: -Infinity } }).result;
    expect([result.finishReason, result.promptTokens + result.tokens]).toEqual(["context", 256]);
  });
});

describe("many at once", () => {
  test("100 generations on a cache with room for a few finish, each with its own text", async () => {
    await using model = await openToy({ load: { kvRows: 256 } });
    const options = (seed: number): GenerateOptions => ({ maxTokens: 8, temperature: 1, seed });
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, i) => model.generate(`prompt ${i}`, options(i)).result),
    );
    expect(all.every((result) => result.tokens >= 1)).toBe(true);
    const alone = await model.generate("prompt 57", options(57)).result;
    expect(all[57].tokenIds).toEqual(alone.tokenIds);
  });

  test("generations that started together keep pace", async () => {
    await using model = await openToy({ load: { kvRows: 1024 } });
    const order: number[] = [];
    await Promise.all(
      [0, 1, 2].map(async (i) => {
        for await (const _ of model.generate("abc", { maxTokens: 5, draft: "off", logitBias: { 257: -Infinity } }))
          order.push(i);
      }),
    );
    // Who has read its prompt first is ahead of the others until they have, and no more.
    const rest = order.slice(order.indexOf(2), -3);
    expect(rest.length).toBeGreaterThan(5);
    for (let i = 0; i + 3 <= rest.length && i < 6; i += 3) expect(rest.slice(i, i + 3).toSorted()).toEqual([0, 1, 2]);
  });

  test("an error of one leaves the others alone", async () => {
    await using model = await openToy();
    const good = model.generate("fine", { maxTokens: 5 });
    const bad = model.generate("fine", { maxTokens: 5, temperature: Number.NaN });
    expect([await codeOf(bad.result), await codeOf(good.result)]).toEqual(["bad-argument", "none"]);
  });

  test("a request that could never fit fails", async () => {
    const load: typeof loadToy = (path) =>
      toyEngineModel(path, toyModel({ vocabSize, contextLength: 256, maxRows: 64 }));
    await using model = await openToy({}, load);
    expect(await codeOf(model.generate("a", { maxTokens: 100 }).result)).toBe("out-of-memory");
    expect(await codeOf(model.generate("a", { maxTokens: 10 }).result)).toBe("none");
  });
});

describe("abort", () => {
  const endless: GenerateOptions = { maxTokens: 200, logitBias: { 257: -Infinity } };

  test("at any token, and the rows are free again", async () => {
    await using model = await openToy({ load: { kvRows: 256 } });
    for (let at = 0; at < 6; at++) {
      const controller = new AbortController();
      const generating = model.generate("abc", { ...endless, signal: controller.signal });
      let seen = 0;
      const reading = (async () => {
        if (at === 0) controller.abort();
        for await (const _ of generating) if (++seen === at) controller.abort();
      })();
      expect([await codeOf(reading), await codeOf(generating.result)]).toEqual(["aborted", "aborted"]);
      // The cache has room for one of these only.
      expect(await codeOf(model.generate("abc", { maxTokens: 200 }).result)).toBe("none");
    }
  });

  test("keeps the reason as the cause", async () => {
    await using model = await openToy();
    const error = await model.generate("a", { signal: AbortSignal.abort("tired") }).result.catch((e) => e);
    expect([error.code, error.cause]).toEqual(["aborted", "tired"]);
  });

  test("leaving the loop ends the generation", async () => {
    await using model = await openToy({ load: { kvRows: 256 } });
    for await (const _ of model.generate("abc", endless)) break;
    await nextTurn();
    expect(await codeOf(model.generate("abc", { maxTokens: 200 }).result)).toBe("none");
  });

  test("dispose ends running generations and refuses new ones", async () => {
    const model = await openToy();
    const running = model.generate("abc", endless);
    await model.dispose();
    await model.dispose();
    expect([await codeOf(running.result), await codeOf(model.generate("a").result)]).toEqual(["disposed", "disposed"]);
  });
});

describe("profile", () => {
  test("measures the curve and proves the numerics", async () => {
    await using model = await openToy({ load: { contextLength: 256 } });
    const shares: number[] = [];
    const report = await model.profile({ widths: [1, 4], kv: [0, 32], repeats: 1, onProgress: (s) => shares.push(s) });
    expect(report).toMatchObject({ widths: [1, 4], kv: [0, 32], proof: { exact: true, differing: [] } });
    expect(shares.at(-1)).toBe(1);
  });

  test("a refuted proof is remembered: later loads are in fast numerics, or refused", async () => {
    const profiles = mkdtempSync(join(tmpdir(), "draftwright-refuted-"));
    const asked: (string | undefined)[] = [];
    // Kernels whose rounding depends on the rows beside.
    const load: LoadModelFile = (path, { numerics = "exact" }) => {
      asked.push(numerics);
      const toy = toyModel({ vocabSize, contextLength: 128 });
      const forward: typeof toy.forward = (batch) => {
        const result = toy.forward(batch);
        const logits = (row: number) => result.logits(row).map((logit) => logit * (1 + 1e-5 * result.width));
        return { ...result, logits, hidden: (row, layer) => result.hidden(row, layer) };
      };
      return toyEngineModel(path, Object.assign(Object.create(toy), { forward, numerics }));
    };
    try {
      const model = await openToy({ profiles }, load);
      expect(model.info.numerics).toBe("exact");
      expect((await model.profile({ widths: [1], kv: [0], repeats: 1 })).proof.exact).toBe(false);
      await model.dispose();
      const again = await openToy({ profiles }, load);
      expect(again.info.numerics).toBe("fast");
      await again.dispose();
      expect(asked).toEqual(["exact", "exact", "fast"]);
      expect(await codeOf(openToy({ profiles, load: { numerics: "exact" } }, load))).toBe("bad-argument");
    } finally {
      rmSync(profiles, { recursive: true });
    }
  });
});
