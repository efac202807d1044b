import { describe, expect, test } from "vitest";
import { seededRandom, toyModel } from "../../../lm/toy/index.ts";
import { Generation } from "../../generation.ts";
import { CalibrationTexts } from "./calibration-texts.ts";
import { layerSkipDrafter } from "./drafter.ts";
import { acceptanceByDepth, bestDraftLength, modelledSpeedup } from "./modelled.ts";
import { firstSets } from "./propose.ts";
import { LayerSkipSearch, type SearchOptions } from "./search.ts";
import { fromBits, toBits } from "./skip-set.ts";
import { draftStepMs, measureStepCosts, type StepCosts } from "./step-costs.ts";

const layerCount = 4;
/** Attention of layers 1 and 2 and the MLP of layer 2 do nothing at all. */
const zeroed = { attention: [1, 2], mlp: [2] };
const model = toyModel({ layerCount, contextLength: 64, logitScale: 6, zeroed });
const random = seededRandom(8);
const prompts = Array.from({ length: 3 }, () => Array.from({ length: 6 }, () => Math.floor(random() * 40)));
const calibration = new CalibrationTexts(model, prompts, 16);
/** Verification is nearly free, as on a GPU; sublayers cost alike. */
const costs: StepCosts = {
  fixedMs: 0.2,
  sublayerMs: new Array<number>(8).fill(0.1),
  widthMs: Array.from({ length: 7 }, (_, i) => 1 + 0.01 * i),
};
const settings: SearchOptions = { calibration, costs, objective: "modelled", seed: 4, iterations: 60 };

function run(options: Partial<SearchOptions> = {}) {
  const search = new LayerSkipSearch({ ...settings, ...options });
  while (search.step());
  return search;
}

const whole = run();

describe("search", () => {
  test("finds the sublayers that do nothing, and beats the empty set", () => {
    const search = whole;
    const found = fromBits(search.best?.bits as string);
    expect(found.attention).toEqual(expect.arrayContaining(zeroed.attention));
    expect(found.mlp).toEqual(expect.arrayContaining(zeroed.mlp));
    const empty = search.evaluations[0];
    expect([empty.bits, empty.acceptance]).toEqual(["00000000", [1, 1, 1, 1, 1, 1]]);
    expect(empty.c).toBeCloseTo(1, 12);
    expect(empty.modelled).toBeLessThan(1);
    // Without the three: drafts are always right at 0.7 of a step.
    const exact = bestDraftLength(calibration.runLengths(zeroed, 6), 6, 0.7, costs);
    expect(search.best?.modelled).toBeGreaterThanOrEqual(exact.speedup);
    expect(exact.speedup).toBeGreaterThan(1.1);
  });

  test("the same seed gives the same search, another seed another", () => {
    const { evaluations } = whole;
    expect(run().evaluations).toEqual(evaluations);
    expect(run({ seed: 5 }).evaluations).not.toEqual(evaluations);
    expect(new Set(evaluations.map(({ bits }) => bits)).size).toBe(evaluations.length);
  });

  test("goes on after an interruption as if there had been none", () => {
    for (const at of [1, 12]) {
      const first = run({ iterations: at });
      const saved = JSON.parse(JSON.stringify(first.evaluations));
      expect(run({ iterations: 16, evaluations: saved }).evaluations).toEqual(whole.evaluations.slice(0, 16));
    }
  });

  test("ends when nothing gets better", () => {
    const short = run({ patience: 3 });
    expect(short.evaluations.length).toBeLessThan(whole.evaluations.length);
    expect(short.step()).toBeNull();
  });

  test("tries only sets that could pay, the empty one aside", () => {
    for (const { c } of whole.evaluations.slice(1)) expect(c).toBeLessThanOrEqual(1 / 1.2 + 1e-12);
  });

  test("refuses a model whose cheapest draft step is too dear", () => {
    const dear = { ...costs, fixedMs: 0.92, sublayerMs: new Array<number>(8).fill(0.01) };
    const search = run({ costs: dear });
    expect(search.evaluations).toHaveLength(1);
    expect(search.refusal).toMatch(/no gain here.*92 %/);
    const result = search.finish();
    expect([result.isGain, result.verdict]).toEqual([false, search.refusal]);
  });

  test("the verdict is that of the clock: gain and no gain", () => {
    // A clock on which every forward with a skip set takes `draftTicks`, any other one 10.
    const clocked = (draftTicks: number) => {
      let now = 0;
      const ticking = Object.assign(Object.create(model) as typeof model, {
        open: model.open.bind(model),
        forward(batch: Parameters<typeof model.forward>[0]) {
          const skipped = (batch.skip?.attention.length ?? 0) + (batch.skip?.mlp.length ?? 0) > 0;
          now += skipped ? draftTicks : 10;
          return model.forward(batch);
        },
      });
      const texts = new CalibrationTexts(ticking, prompts, 16);
      const search = run({ calibration: texts, objective: "measured", clock: () => now, iterations: 6 });
      const result = search.finish();
      texts[Symbol.dispose]();
      return { search, result };
    };
    const cheap = clocked(2);
    expect(cheap.result.cost).toEqual({ draftMs: 2, stepMs: 10 });
    expect(cheap.result.isGain).toBe(true);
    expect(cheap.result.verdict).toMatch(/^gain: the best of 6 skip sets tried reaches \d\.\d\dx plain decoding/);
    expect(cheap.result.speed.speedup).toBeCloseTo(cheap.result.ceiling, 12);
    expect(cheap.result.speed.tokensPerSec).toBeCloseTo(cheap.result.ceiling * 100, 9);
    const dear = clocked(10);
    expect(dear.result.isGain).toBe(false);
    expect(dear.result.verdict).toMatch(/^no gain here: .* its draft step costs 100 % of a full one$/);
    expect(dear.result.ceiling).toBeLessThanOrEqual(1);
  });

  test.each<[Partial<SearchOptions>, RegExp]>([
    [{ maxDraft: 7 }, /maxDraft 7/],
    [{ iterations: 0 }, /iterations is 0/],
    [{ costs: { ...costs, sublayerMs: [1] } }, /4 layers/],
  ])("%o is refused", (options, message) => {
    expect(() => new LayerSkipSearch({ ...settings, ...options })).toThrow(message);
  });
});

describe("the model of a round", () => {
  test("counts rounds, drafts and tokens as a generation does", () => {
    const skip = { attention: [0], mlp: [1] };
    const runs = calibration.runLengths(skip, 6);
    for (const draftLength of [1, 3, 6]) {
      let ms = 0;
      let tokens = 0;
      for (const { tokens: text, promptLength, sequence } of calibration.texts) {
        const generation = new Generation({
          model,
          sequence: sequence.fork(),
          promptTokens: text.subarray(0, promptLength),
          sampling: { temperature: 0 },
          seed: 0,
          maxTokens: text.length - promptLength,
          drafters: [layerSkipDrafter({ skip, maxDraft: draftLength, threshold: { mode: "static", start: 0 } })],
          policy: { mode: "forced", budget: draftLength },
        });
        while (!generation.finishReason) {
          const { trace, emitted } = generation.step();
          ms += (trace.width - 1) * 0.5 + costs.widthMs[trace.width - 1];
          tokens += emitted.length;
        }
        generation.close();
      }
      expect(tokens).toBe(calibration.tokens);
      expect(modelledSpeedup(runs, draftLength, 0.5, costs)).toBeCloseTo((tokens * costs.widthMs[0]) / ms, 12);
    }
  });

  test("equals (1 - a^(k+1)) / (1 - a) / (k c + v) for drafts of independent luck", () => {
    const a = 0.9;
    const luck = seededRandom(2);
    const runs = [new Int32Array(200_000)];
    for (let i = 0; i < runs[0].length; i++) while (runs[0][i] < 3 && luck() < a) runs[0][i]++;
    // The arithmetic that the spec re-checks: 1.376 for a = 0.9, c = 0.5, k = 3.
    const flat = { widthMs: [1, 1, 1, 1] };
    expect(modelledSpeedup(runs, 3, 0.5, flat)).toBeCloseTo((1 - a ** 4) / (1 - a) / 2.5, 2);
    expect(bestDraftLength(runs, 3, 0.5, flat).draftLength).toBe(3);
    expect(bestDraftLength(runs, 3, 0.95, flat).draftLength).toBe(1);
    expect(acceptanceByDepth(runs, 3).every((share) => Math.abs(share - a) < 0.005)).toBe(true);
  });

  test("times of sublayers add up to a full step", () => {
    // Every sublayer that runs alone takes twice its number in ticks, in a full forward its number, the rest 3, a row 1.
    let now = 0;
    const ticking = Object.assign(Object.create(model) as typeof model, {
      open: model.open.bind(model),
      forward(batch: Parameters<typeof model.forward>[0]) {
        const bits = toBits(batch.skip ?? { attention: [], mlp: [] }, layerCount);
        now += 3 + batch.token.length - 1;
        for (let i = 0; i < bits.length; i++) if (bits[i] === "0") now += batch.skip ? 2 * (i + 1) : i + 1;
        return model.forward(batch);
      },
    });
    const measured = measureStepCosts(ticking, { width: 3, repeats: 2, clock: () => now });
    expect(measured).toEqual({ fixedMs: 3, sublayerMs: [1, 2, 3, 4, 5, 6, 7, 8], widthMs: [39, 40, 41] });
    expect(draftStepMs(measured, "11110000")).toBe(3 + 5 + 6 + 7 + 8);
  });

  test("texts that leave no room are left out; none at all is an error", () => {
    const long = new Array<number>(64).fill(1);
    const texts = new CalibrationTexts(model, [long, prompts[0]], 5);
    expect(texts.texts).toHaveLength(1);
    texts[Symbol.dispose]();
    expect(() => new CalibrationTexts(model, [long], 5)).toThrow(/None of 1 prompts fits/);
  });

  test("first sets: nothing, then more of the middle, and each once", () => {
    expect(firstSets(4)).toEqual(["00000000", "01000000", "00000100", "01000100", "01100000", "00000110", "01100110"]);
    expect(firstSets(1)).toEqual(["00", "10", "01", "11"]);
  });
});
