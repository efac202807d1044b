import { describe, expect, test } from "vitest";
import type { LanguageModel } from "../lm/model.ts";
import { toyModel } from "../lm/toy/index.ts";
import type { CostCurve } from "./cost-curve.ts";
import type { Drafter } from "./drafter.ts";
import { lookupDrafter } from "./drafters/lookup.ts";
import { Generation } from "./generation.ts";
import type { GenerationOptions } from "./generation-options.ts";
import { Guard } from "./guard.ts";
import { shareBudget } from "./share-budget.ts";
import { sharedCurve, sharedRound } from "./shared-round.ts";
import { TreeBuilder } from "./tree.ts";

const flat: CostCurve = { ms: (width) => 10 + 0.1 * (width - 1), observe() {} };
const linear: CostCurve = { ms: (width) => 10 * width, observe() {} };

/** Looks at the hidden states of its rows, so that they must be the right text's. */
const watchful: Drafter = {
  name: "watchful",
  needs: { hidden: [1] },
  open: (view) => {
    let next: number[] = [];
    return {
      bid: ({ maxNodes }) => {
        const nodes = Math.min(next.length, maxNodes);
        if (nodes === 0) return [];
        const parent = Int32Array.from({ length: nodes }, (_, i) => i - 1);
        return [{ parent, chance: new Float64Array(nodes).fill(0.5), draftMs: () => 0 }];
      },
      expand: (bid, nodes) => {
        const builder = new TreeBuilder();
        for (let i = 0; i < Math.min(nodes, bid.parent.length); i++) builder.add(i - 1, next[i], view.source, 0.5);
        return builder.build();
      },
      observe: (round) => {
        next = [0, 1, 2].map((i) => Math.abs(Math.round(round.hidden(-1, 1)[i] * 1e4)) % view.vocabSize);
      },
      close() {},
    };
  },
};

const broken: Drafter = {
  ...watchful,
  name: "broken",
  open: () => ({
    bid() {
      throw new Error("broken");
    },
    expand: () => new TreeBuilder().build(),
    observe() {},
    close() {},
  }),
};

type Text = Partial<GenerationOptions> & Pick<GenerationOptions, "promptTokens">;
const texts: Text[] = [
  { promptTokens: [1, 2, 3, 1, 2, 3, 1, 2], drafters: [lookupDrafter()] },
  { promptTokens: [4, 5], policy: { mode: "off" } },
  { promptTokens: [6, 7, 6, 7, 6], drafters: [lookupDrafter()], policy: { mode: "forced", budget: 4 } },
  { promptTokens: [9, 1], drafters: [watchful], sampling: { temperature: 0.8 } },
  { promptTokens: [2, 2, 2, 2], drafters: [lookupDrafter(), watchful], sampling: { temperature: 1.2 }, maxTokens: 7 },
  { promptTokens: [3, 1, 4, 1, 5], drafters: [watchful], policy: { mode: "forced", budget: 3 } },
];

function open(model: LanguageModel, text: Text, seed: number): Generation {
  const sequence = model.open({ rows: 60 });
  const generation = new Generation({
    model,
    sequence,
    sampling: { temperature: 0 },
    seed,
    maxTokens: 24,
    guard: new Guard(),
    curve: flat,
    ...text,
  });
  while (generation.prefillStep(64) > 0);
  return generation;
}

const model = () => toyModel({ vocabSize: 12, contextLength: 64, maxRows: 1024, seed: 5 });

function solo(text: Text, seed: number): number[] {
  const generation = open(model(), text, seed);
  const tokens: number[] = [];
  while (!generation.finishReason) tokens.push(...generation.step().emitted.map(({ token }) => token));
  return tokens;
}

/** Runs all to their end; text i joins in round `2 * i`. */
function together(target: LanguageModel, all: readonly Text[], curve = flat): (number[] | unknown)[] {
  const results: (number[] | unknown)[] = all.map(() => []);
  const running = new Map<number, Generation>();
  for (let round = 0; round < 2 * all.length || running.size > 0; round++) {
    if (round % 2 === 0 && round / 2 < all.length) running.set(round / 2, open(target, all[round / 2], round / 2));
    const entries = [...running];
    const outcomes = sharedRound(
      entries.map(([, generation]) => generation),
      { model: target, curve, clock: () => 0 },
    );
    outcomes.forEach((outcome, i) => {
      const [index, generation] = entries[i];
      if ("error" in outcome) results[index] = outcome.error;
      else (results[index] as number[]).push(...outcome.report.emitted.map(({ token }) => token));
      if ("error" in outcome || outcome.report.finishReason) {
        generation.close();
        running.delete(index);
      }
    });
  }
  return results;
}

describe("sharedRound", () => {
  test.each([
    ["wide forwards are cheap", flat],
    ["every row has its price", linear],
  ])("each text is what it is alone: %s", (_, curve) => {
    expect(together(model(), texts, curve)).toEqual(texts.map(solo));
  });

  test("one forward serves all that fit", () => {
    const target = model();
    const widths: number[] = [];
    const generations = texts.map((text, i) => open(target, text, i));
    const counted = countForwards(target, widths);
    sharedRound(generations, { model: counted, curve: flat, clock: () => 0 });
    expect(widths).toHaveLength(1);
    expect(widths[0]).toBeGreaterThan(texts.length);
  });

  test("an error is one text's own", () => {
    const all = [texts[0], { promptTokens: [1, 1], drafters: [broken] }, texts[3]];
    const results = together(model(), all);
    expect(results[1]).toMatchObject({ message: "broken" });
    expect([results[0], results[2]]).toEqual([solo(texts[0], 0), solo(texts[3], 2)]);
  });

  test("a forward that fails for all is tried for each", () => {
    const target = model();
    let forwards = 0;
    const weak: LanguageModel = Object.assign(Object.create(target), {
      forward(batch: Parameters<LanguageModel["forward"]>[0]) {
        const result = target.forward(batch);
        // After the rows were taken, as a failed computation would.
        if (new Set(batch.sequence).size > 1 && ++forwards % 2 === 0) throw new Error("too wide");
        return result;
      },
    });
    expect(together(weak, texts.slice(0, 4))).toEqual(texts.slice(0, 4).map(solo));
    expect(forwards).toBeGreaterThan(2);
  });

  test("a curve without measurements becomes one by rounds", () => {
    expect(sharedCurve({ ms: () => 0, observe() {} }).ms(4, 0)).toBe(0);
    expect(sharedCurve(flat).ms(4, 0)).toBeCloseTo(10.3, 6);
  });
});

describe("shareBudget", () => {
  const drafted = (...chances: number[]) => {
    const builder = new TreeBuilder();
    chances.forEach((chance, i) => {
      builder.add(i - 1, i, 1, chance);
    });
    const forecast = { nodes: chances.length, tokens: 1, milliseconds: 0 };
    return { tree: builder.build(), forecast, maxNodes: 8, uncut: { spentMs: 0, explores: false } };
  };

  test("goes to the likeliest nodes, whosesoever they are", () => {
    const curve: CostCurve = { ms: (width) => 10 + 3 * width, observe() {} };
    expect(shareBudget([drafted(0.9, 0.9), drafted(0.95, 0.2), drafted(0.1)], curve, 0)).toEqual([2, 1, 0]);
  });

  test("fades out as the load grows", () => {
    // Rows are nearly free up to 8, then each costs as much as a text alone.
    const knee: CostCurve = { ms: (width) => 10 + 0.1 * width + 10 * Math.max(0, width - 8), observe() {} };
    const bought = [1, 2, 4, 8, 16].map((texts) =>
      shareBudget(
        Array.from({ length: texts }, () => drafted(0.8, 0.8, 0.8, 0.8)),
        knee,
        0,
      ).reduce((sum, nodes) => sum + nodes, 0),
    );
    expect(bought).toEqual([4, 6, 4, 0, 0]);
  });

  test("what must be verified is, and counts", () => {
    const forced = { ...drafted(0.1, 0.1), uncut: undefined };
    const curve: CostCurve = { ms: (width) => (width <= 4 ? 10 : 100), observe() {} };
    expect(shareBudget([forced, drafted(0.9, 0.9)], curve, 0)).toEqual([2, 0]);
  });
});

function countForwards(target: LanguageModel, widths: number[]): LanguageModel {
  return Object.assign(Object.create(target), {
    forward(batch: Parameters<LanguageModel["forward"]>[0]) {
      widths.push(batch.token.length);
      return target.forward(batch);
    },
  });
}
