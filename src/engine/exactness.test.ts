// On ggml, in `exact` numerics: whoever else is served, whatever is drafted and whatever rows are found in the cache, a text
// and its log probabilities are those of a plain run alone, to the last bit.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DraftwrightError } from "../errors.ts";
import { loadLanguageModel } from "../lm/load.ts";
import { PREFILL_ROWS } from "../lm/model.ts";
import { writeRandomModel } from "../lm/testing/index.ts";
import { uniform } from "../lm/testing/random.ts";
import { findDatabases, findDraftModels } from "./find-model.ts";
import type { GenerateOptions, GenerateResult } from "./index.ts";
import { Model } from "./model.ts";
import type { HostOptions } from "./protocol.ts";
import { connectHost, toyOptions } from "./testing/toy-runtime.ts";

/** A larger search by hand: DRAFTWRIGHT_SEEDS=50. */
const seeds = Number(process.env.DRAFTWRIGHT_SEEDS ?? 1);

function open(options: Partial<HostOptions>): Promise<Model> {
  const load = { numerics: "exact" as const, threads: 2, ...options.load };
  return Model.open(connectHost({ ...toyOptions, ...options, load }, loadLanguageModel));
}

interface Plan {
  readonly prompt: { readonly tokens: Int32Array };
  readonly options: GenerateOptions;
  /** Joins when the first text that still runs has so many tokens. */
  readonly after: number;
  /** Leaves after so many tokens of its own. */
  readonly abortAt: number | undefined;
}

/** Everything that must not depend on company. */
const textOf = ({ tokenIds, finishReason, logprobs }: GenerateResult) => ({ tokenIds, finishReason, logprobs });

function makePlans(model: Model, prompts: readonly Int32Array[], count: number, seed: number): Plan[] {
  const next = uniform(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)];
  const names = model.info.drafters;
  return Array.from({ length: count }, (_, i): Plan => {
    const draft = pick<GenerateOptions["draft"]>(["auto", "off", "lookup", pick(names), [pick(names), pick(names)]]);
    return {
      prompt: { tokens: pick(prompts) },
      options: {
        draft,
        ...(draft !== "off" && next() < 0.7 && { budget: 1 + Math.floor(next() * 12) }),
        temperature: pick([0, 0, 0.6, 1.2]),
        ...(next() < 0.3 && { repetitionPenalty: 1.1 }),
        ...(next() < 0.2 && { constraint: { json: true } }),
        seed: Math.floor(next() * 1000),
        maxTokens: 8 + Math.floor(next() * 40),
        logprobs: pick([0, 5]),
        ...(next() < 0.7 && { cacheScope: pick(["a", "b"]) }),
      },
      after: i < count / 2 ? 0 : Math.floor(next() * 24),
      abortAt: next() < 0.2 ? 1 + Math.floor(next() * 10) : undefined,
    };
  });
}

/** All together, joining and leaving as planned. */
async function together(model: Model, plans: readonly Plan[]): Promise<GenerateResult[]> {
  const waiting = [...plans.entries()].filter(([, { after }]) => after > 0);
  const results = new Map<number, Promise<GenerateResult>>();
  const start = (index: number, { prompt, options, abortAt }: Plan) => {
    const controller = new AbortController();
    const generating = model.generate(prompt, { ...options, signal: controller.signal });
    const tokenIds: number[] = [];
    const reading = (async () => {
      for await (const { token } of generating) {
        tokenIds.push(token);
        for (const [i, [late, plan]] of waiting.entries()) {
          if (plan.after > tokenIds.length) continue;
          waiting.splice(i, 1);
          start(late, plan);
          break;
        }
        if (tokenIds.length === abortAt) controller.abort();
      }
    })();
    const aborted = (error: unknown) => {
      if (!(error instanceof DraftwrightError && error.code === "aborted")) throw error;
      return { tokenIds } as unknown as GenerateResult;
    };
    results.set(
      index,
      reading.then(() => generating.result, aborted),
    );
  };
  for (const [i, plan] of plans.entries()) if (plan.after === 0) start(i, plan);
  for (let done = 0; done < results.size; ) {
    const all = [...results.values()];
    await Promise.all(all);
    done = all.length;
    if (done === results.size) for (const [late, plan] of waiting.splice(0)) start(late, plan);
  }
  return Promise.all(plans.map((_, i) => results.get(i) as Promise<GenerateResult>));
}

/** Each alone and plain, then all together: equal texts. Returns what drafting did meanwhile. */
async function expectExact(model: Model, prompts: readonly Int32Array[], count: number, seed: number) {
  expect(model.info.numerics).toBe("exact");
  const plans = makePlans(model, prompts, count, seed);
  const alone: GenerateResult[] = [];
  for (const { prompt, options } of plans) {
    const { cacheScope: _, budget: __, ...rest } = options;
    alone.push(await model.generate(prompt, { ...rest, draft: "off" }).result);
  }
  const crowd = await together(model, plans);
  let [accepted, cached, whole] = [0, 0, 0];
  for (const [i, plan] of plans.entries()) {
    const result = crowd[i];
    const where = `seed ${seed}, text ${i}: ${JSON.stringify({ ...plan, prompt: plan.prompt.tokens.length })}`;
    if (result.drafting === undefined) {
      expect(alone[i].tokenIds.slice(0, result.tokenIds.length), where).toEqual(result.tokenIds);
      continue;
    }
    whole++;
    accepted += result.drafting.accepted;
    cached += result.cachedTokens;
    expect(textOf(result), where).toEqual(textOf(alone[i]));
  }
  return { accepted, cached, whole };
}

const random = [
  { architecture: "llama" as const, weightType: "Q8_0" },
  { architecture: "qwen3" as const, weightType: "Q4_0" },
  { architecture: "gemma3" as const, weightType: "Q8_0" },
];

describe("random models", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "draftwright-exactness-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(random)("$architecture: texts that join and leave are what each is alone", async (shape) => {
    const path = join(folder, `${shape.architecture}.gguf`);
    writeRandomModel(path, { ...shape, layerCount: 2, feedForwardSize: 256, contextLength: 512 });
    // The model drafts for itself, so that much is accepted.
    await using model = await open({ path, draftPaths: [path], load: { kvRows: 6 * 512 } });
    const sums = { accepted: 0, cached: 0, whole: 0 };
    for (let seed = 1; seed <= seeds; seed++) {
      const next = uniform(seed);
      const tokens = (length: number) => Int32Array.from({ length }, () => 3 + Math.floor(next() * 300));
      const [stem, other] = [tokens(300), tokens(140)];
      const prompts = [
        tokens(5),
        tokens(70),
        other,
        Int32Array.of(...stem, ...tokens(9)),
        Int32Array.of(...stem, ...tokens(80)),
        Int32Array.of(...stem.subarray(0, 200), ...tokens(40)),
      ];
      const { accepted, cached, whole } = await expectExact(model, prompts, 10, seed);
      sums.accepted += accepted;
      sums.cached += cached;
      sums.whole += whole;
    }
    expect(sums.whole).toBeGreaterThan(4 * seeds);
    expect(sums.accepted).toBeGreaterThan(20);
    expect(sums.cached).toBeGreaterThan(0);
  });

  test.each(random)("$architecture: prompts that part anywhere have the bits of cold runs", async (shape) => {
    const path = join(folder, `${shape.architecture}-cuts.gguf`);
    writeRandomModel(path, { ...shape, layerCount: 2, feedForwardSize: 256, contextLength: 512 });
    await using model = await open({ path, draftPaths: [], load: { kvRows: 6 * 512, threads: 1 } });
    const next = uniform(7);
    const below = (n: number) => Math.floor(next() * n);
    const random = (length: number) => Int32Array.from({ length }, () => 3 + below(300));
    const options: GenerateOptions = { maxTokens: 3, logprobs: 20 };
    let cached = 0;
    for (let pair = 0; pair < 12 * seeds; pair++) {
      // Both short; a short one that goes on as a long one; a long one and any other.
      const kind = pair % 3;
      const first = random(kind < 2 ? 10 + below(50) : 70 + below(350));
      const part = kind === 1 ? first.length - below(9) : below(first.length);
      const more = random([1 + below(5), 100 + below(100), 1 + below(80)][kind]);
      const second = Int32Array.of(...first.subarray(0, part), ...more);
      const cacheScope = `pair ${pair}`;
      for (const tokens of [first, second, first]) {
        const warm = await model.generate({ tokens }, { ...options, cacheScope }).result;
        const cold = await model.generate({ tokens }, { ...options, draft: "off" }).result;
        expect(textOf(warm), `pair ${pair}: ${first.length} tokens, ${part} shared by ${second.length}`).toEqual(
          textOf(cold),
        );
        cached += warm.cachedTokens;
      }
    }
    expect(cached).toBeGreaterThan(8 * 100);
  });
});

const path = "models/embedded-target.Q8_0.gguf";
const clause = `The Tenant shall pay rent on the first day of each month. The Landlord shall keep the premises in good repair.
Neither party may assign this Agreement without the prior written consent of the other party. `;

describe.skipIf(!existsSync(path))("on the embedded model", () => {
  let model: Model;
  beforeAll(async () => {
    model = await open({
      path,
      draftPaths: findDraftModels(path),
      drafting: { hierarchy: { databases: findDatabases(path) }, ouroboros: { pool: "session" } },
      load: { contextLength: 768, kvRows: 8 * 768 },
    });
  });
  afterAll(() => model.dispose());

  test("texts that join and leave are what each is alone", async () => {
    const texts = [
      "The",
      clause,
      `${clause}The Tenant shall pay`,
      clause.repeat(5),
      `${clause.repeat(4)}Notices shall`,
    ];
    const prompts = await Promise.all(texts.map((text) => model.tokenize(text)));
    const sums = { accepted: 0, whole: 0 };
    for (let seed = 1; seed <= seeds; seed++) {
      const { accepted, whole } = await expectExact(model, prompts, 12, seed);
      sums.accepted += accepted;
      sums.whole += whole;
    }
    expect(sums.whole).toBeGreaterThan(4 * seeds);
    expect(sums.accepted).toBeGreaterThan(20);
  });

  test("rows found in the cache have the bits of a cold run, whoever left them", async () => {
    const stem = (await model.tokenize(clause.repeat(7))).slice(0, 300);
    const ends = ["Notices", "The Landlord shall", "Either party may terminate"].map(async (text) =>
      Int32Array.of(...stem, ...(await model.tokenize(text)).subarray(1)),
    );
    const prompts = await Promise.all(ends);
    const options: GenerateOptions = { maxTokens: 24, logprobs: 20, temperature: 0.7, seed: 5 };
    const cold = (tokens: Int32Array) => model.generate({ tokens }, { ...options, draft: "off" }).result;
    const draft = { draft: ["lookup", "model"], budget: 8 };
    let scopes = 0;
    for (const tokens of prompts) {
      const expected = await cold(tokens);
      const cacheScope = `left ${scopes++}`;
      // Left by a drafted run that went on; then by one in the same rounds; then by one that was aborted.
      const first = await model.generate({ tokens: stem }, { ...options, ...draft, cacheScope }).result;
      const warm = await model.generate({ tokens }, { ...options, ...draft, cacheScope }).result;
      expect([first.cachedTokens, warm.cachedTokens]).toEqual([0, Math.min(300, tokens.length - 1 - PREFILL_ROWS)]);
      expect(textOf(warm)).toEqual(textOf(expected));
      const crowd = await Promise.all(
        prompts.map((one) => model.generate({ tokens: one }, { ...options, ...draft, cacheScope }).result),
      );
      for (const [i, one] of crowd.entries()) {
        const same = prompts[i] === tokens;
        expect(one.cachedTokens).toBe(same ? tokens.length - 1 : Math.min(300, prompts[i].length - 1 - PREFILL_ROWS));
        expect(textOf(one)).toEqual(textOf(await cold(prompts[i])));
      }
    }
    // The next turn of a chat: rows of the prompt are found, those of the answer are read again.
    const [tokens] = prompts;
    const cacheScope = "turns";
    const answer = await model.generate({ tokens }, { ...options, ...draft, maxTokens: 90, cacheScope }).result;
    const turn = Int32Array.of(...tokens, ...answer.tokenIds, ...prompts[1].subarray(300));
    const next = await model.generate({ tokens: turn }, { ...options, ...draft, cacheScope }).result;
    expect(next.cachedTokens).toBe(tokens.length - 1);
    expect(textOf(next)).toEqual(textOf(await cold(turn)));
  });
});
