import { describe, expect, test } from "vitest";
import type { SamplingParams } from "../lm/sampling/index.ts";
import { toyModel } from "../lm/toy/index.ts";
import { lookupDrafter } from "./drafters/lookup.ts";
import { type ModelDrafterOptions, modelDrafter } from "./drafters/model.ts";
import { seededPick } from "./drafters/sampled-draft.ts";
import { Generation } from "./generation.ts";
import type { GenerationOptions } from "./generation-options.ts";
import { drawing } from "./testing/sequence-view.ts";

const model = toyModel({ logitScale: 4 });
const small = toyModel({ logitScale: 4, seed: 8 });
const prompt = [3, 1, 4, 1, 5, 3, 1];
const penalised = { repetitionPenalty: 1.3, frequencyPenalty: 0.4, presencePenalty: 0.2, penaltyWindow: 12 };
const forced = { mode: "forced", budget: 6 } as const;

function run(sampling: SamplingParams, options: Partial<GenerationOptions> = {}) {
  const defaults = { promptTokens: prompt, seed: 5, maxTokens: 40, policy: forced, clock: () => 0 };
  const generation = new Generation({ ...defaults, model, sequence: model.open(), sampling, ...options });
  while (generation.prefillStep(64) > 0);
  const tokens: number[] = [];
  let accepted = 0;
  let rounds = 0;
  for (; !generation.finishReason; rounds++) {
    const { emitted, trace } = generation.step();
    tokens.push(...emitted.map(({ token }) => token));
    accepted += trace.accepted;
  }
  generation.close();
  return { tokens, accepted, rounds };
}

/** A new one for each text: the draws of its own go on from text to text. */
const sampled = (sampling: SamplingParams, options: Partial<ModelDrafterOptions> = {}) =>
  drawing(modelDrafter({ model: small, ...options }), { sampling, pick: seededPick(5) });

describe.each([0, 0.3, 0.7, 1, 1.5])("at temperature %d, with penalties", (temperature) => {
  const sampling = { temperature, ...penalised };
  const plain = run(sampling, { policy: { mode: "off" } });

  test("match gives the tokens of plain decoding, whoever drafts and however (L2)", () => {
    for (const drafters of [[lookupDrafter()], [modelDrafter({ model: small })], [sampled(sampling)]]) {
      for (const policy of [forced, { mode: "auto" } as const]) {
        expect(run(sampling, { drafters, policy }).tokens).toEqual(plain.tokens);
      }
    }
  });

  test("so does ratio where drafts are point masses", () => {
    expect(run(sampling, { drafters: [lookupDrafter()], verify: "ratio" }).tokens).toEqual(plain.tokens);
  });

  test("ratio of sampled drafts gives the same text for the same seeds; at temperature 0 that of plain decoding", () => {
    const [first, second] = [0, 1].map(() => run(sampling, { drafters: [sampled(sampling)], verify: "ratio" }));
    expect(first).toEqual(second);
    expect(first.tokens.length).toBe(40);
    if (temperature === 0) expect(first.tokens).toEqual(plain.tokens);
  });
});

test("ratio keeps more of the sampled drafts than match", () => {
  const sampling = { temperature: 1 };
  const count = (verify: "match" | "ratio") => {
    let accepted = 0;
    for (let completion = 0; completion < 20; completion++) {
      accepted += run(sampling, { drafters: [sampled(sampling, { branches: 1 })], verify, completion }).accepted;
    }
    return accepted;
  };
  expect(count("ratio")).toBeGreaterThan(count("match"));
});

test("a drafter whose draws are not recorded is refused by ratio, with the reason; so is an unknown rule", () => {
  const blind = { ...lookupDrafter(), matchOnly: "its tokens were sampled and then filtered" };
  expect(() => run({ temperature: 1 }, { drafters: [blind], verify: "ratio" })).toThrow(
    /"lookup" cannot be verified by ratio: its tokens were sampled and then filtered\. Use verify: "match"/,
  );
  expect(run({ temperature: 1 }, { drafters: [blind] }).tokens).toHaveLength(40);
  expect(() => run({ temperature: 1 }, { verify: "typical" as "match" })).toThrow(/verify is typical/);
});
