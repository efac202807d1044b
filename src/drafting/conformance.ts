// The suite every drafter passes (design.md 4): whatever it proposes, the output is the target's, token for token, and
// nothing of a rejected draft stays behind. A new drafter is one file and one line in conformance.test.ts.

import { describe, expect, test } from "vitest";
import type { LanguageModel, Sequence } from "../lm/model.ts";
import { chainBatch } from "../lm/model.ts";
import { createHistory, createSampler, type SamplingParams } from "../lm/sampling/index.ts";
import { seededRandom, tableModel, toyModel } from "../lm/toy/index.ts";
import { AcceptanceTable } from "./calibration.ts";
import type { CostCurve } from "./cost-curve.ts";
import type { Drafter } from "./drafter.ts";
import { Generation } from "./generation.ts";
import type { GenerationOptions } from "./generation-options.ts";
import type { Policy } from "./market.ts";
import { RoundBatches } from "./round-batch.ts";
import type { EmittedToken, RoundReport } from "./round-report.ts";
import { choosing, enumerate, totalVariation } from "./testing/enumerate.ts";
import { randomTable, repeatingTable } from "./testing/tables.ts";
import { checkTree, cutTree, emptyTree } from "./tree.ts";
import { type Verdict, verifyMatch } from "./verify.ts";

/** What a drafter under test may know of the run at hand; adversaries need it. */
export interface World {
  readonly vocabSize: number;
  /** Prompt and the output that plain decoding gives. */
  readonly truth: readonly number[];
  readonly stopToken: number;
}

export interface DrafterConformanceOptions {
  /** Tokens that every round emits under a forced budget, the last round aside. Absent: as it happens. */
  readonly emitsExactly?: (budget: number) => number;
  /** False for drafters that are never right. */
  readonly accepts?: boolean;
}

const contextLength = 96;
const fixedCurve: CostCurve = { ms: (width) => 1 + 0.06 * (width - 1), observe() {} };
const policies: readonly Policy[] = [
  { mode: "forced", budget: 1 },
  { mode: "forced", budget: 4 },
  { mode: "forced", budget: 8 },
  { mode: "auto" },
  { mode: "survey", budget: 6 },
];
const greedy: SamplingParams = { temperature: 0 };

interface Run {
  readonly tokens: readonly number[];
  readonly emitted: readonly EmittedToken[];
  readonly rounds: readonly RoundReport[];
}

/** A clock that ticks a hundredth of a millisecond at each look, so that every decision is reproducible. */
function tickingClock(): () => number {
  let now = 0;
  return () => {
    now += 0.01;
    return now;
  };
}

/** `make` builds the drafter for one run; its models may be shared between calls. */
export function drafterConformance(
  name: string,
  make: (world: World) => Drafter,
  options: DrafterConformanceOptions = {},
): void {
  const target = toyModel({ contextLength, logitScale: 6 });
  const { vocabSize } = target;
  const random = seededRandom(99);

  /** Random prompts; every second one repeats itself, so that there is something to look up. */
  const prompt = (i: number): number[] => {
    const part = Array.from({ length: 4 + (i % 9) }, () => Math.floor(random() * vocabSize));
    return i % 2 === 0 ? part : [...part, ...part.slice(0, 3 + (i % 4))];
  };

  const run = (
    model: LanguageModel,
    settings: Omit<GenerationOptions, "model" | "sequence">,
    afterRound?: (sequence: Sequence, tokens: readonly number[]) => void,
  ): Run => {
    const sequence = model.open();
    const generation = new Generation({ clock: tickingClock(), curve: fixedCurve, ...settings, model, sequence });
    const tokens = Array.from(settings.promptTokens);
    const rounds: RoundReport[] = [];
    try {
      while (generation.prefillStep(5) > 0);
      while (!generation.finishReason) {
        const round = generation.step();
        rounds.push(round);
        tokens.push(...round.emitted.map(({ token }) => token));
        expect([sequence.length, sequence.pending]).toEqual([tokens.length - 1, 0]);
        afterRound?.(sequence, tokens);
      }
    } finally {
      generation.close();
    }
    return { tokens, emitted: rounds.flatMap((round) => round.emitted), rounds };
  };

  /** Runs plainly, then drafted; the tokens and the reason to stop must be the same. Returns the drafted run. */
  const compare = (
    settings: Omit<GenerationOptions, "model" | "sequence" | "drafters">,
    afterRound?: (sequence: Sequence, tokens: readonly number[]) => void,
    model = target,
  ): Run => {
    const plain = run(model, { ...settings, policy: { mode: "off" } });
    const drafter = make({
      vocabSize: model.vocabSize,
      truth: plain.tokens,
      stopToken: [...(settings.stopTokens ?? [0])][0],
    });
    const drafted = run(model, { ...settings, drafters: [drafter] }, afterRound);
    expect(drafted.tokens).toEqual(plain.tokens);
    expect(drafted.rounds.at(-1)?.finishReason).toBe(plain.rounds.at(-1)?.finishReason);
    expect(drafted.rounds.slice(0, -1).every((round) => round.finishReason === null)).toBe(true);
    return drafted;
  };

  const accepted = (runs: readonly Run[]) =>
    runs.reduce((sum, { emitted }) => sum + emitted.filter(({ source }) => source !== "target").length, 0);

  describe(`${name} is a drafter`, () => {
    test("greedy output is the same on 200 prompts (L1)", () => {
      const runs: Run[] = [];
      for (let i = 0; i < 200; i++) {
        const policy = policies[i % policies.length];
        const drafted = compare({ promptTokens: prompt(i), sampling: greedy, seed: 0, maxTokens: 14, policy });
        runs.push(drafted);
        for (const { trace } of drafted.rounds) {
          if (policy.budget) expect(trace.width).toBeLessThanOrEqual(1 + policy.budget);
        }
        if (!options.emitsExactly || policy.mode !== "forced" || !policy.budget) continue;
        for (const round of drafted.rounds.slice(0, -1)) {
          expect(round.emitted).toHaveLength(options.emitsExactly(policy.budget));
        }
      }
      if (options.accepts === false) expect(accepted(runs)).toBe(0);
      else expect(accepted(runs)).toBeGreaterThan(0);
    });

    test.each<[string, SamplingParams]>([
      ["temperature 0.5", { temperature: 0.5 }],
      ["temperature 1", { temperature: 1 }],
      ["top-p and min-p", { temperature: 1, topP: 0.9, minP: 0.02 }],
      ["penalties", { temperature: 0.7, repetitionPenalty: 1.3, frequencyPenalty: 0.4, penaltyWindow: 12 }],
      ["greedy with penalties", { temperature: 0, presencePenalty: 1.5 }],
    ])("seeded sampling is the same: %s (L2)", (_, sampling) => {
      const runs = Array.from({ length: 24 }, (_, i) => {
        const policy = policies[i % policies.length];
        return compare({ promptTokens: prompt(i), sampling, seed: i, completion: i % 3, maxTokens: 14, policy });
      });
      if (options.accepts !== false) expect(accepted(runs)).toBeGreaterThan(0);
    });

    test("the joint law of three tokens is the target's, to 1e-12 (L0)", () => {
      const size = 4;
      const model = tableModel({ vocabSize: size, probabilities: randomTable(size, 3), contextLength: 16 });
      const start = [1, 2, 1, 2];
      const plain = enumerate((choose) => {
        const tokens: number[] = [];
        const table = randomTable(size, 3);
        // The table through the same f32 logits as the model's.
        while (tokens.length < 3) tokens.push(choose(softmaxOf(table([...start, ...tokens]))));
        return tokens.join();
      });
      const drafter = () => make({ vocabSize: size, truth: [...start, 1, 2, 3], stopToken: 0 });
      expect(totalVariation(lawOf(model, start, { temperature: 1 }, drafter), plain)).toBeLessThan(1e-12);
      const filtered = { temperature: 0.8, topK: 3, repetitionPenalty: 1.2 };
      const reference = lawOf(model, start, filtered, () => emptyDrafter);
      expect(totalVariation(lawOf(model, start, filtered, drafter), reference)).toBeLessThan(1e-12);
    });

    test("after every round the cache is that of a fresh prefill (L4)", () => {
      const equalCaches = (sequence: Sequence, tokens: readonly number[]) => {
        const fork = sequence.fork();
        const fresh = target.open();
        const got = target
          .forward(chainBatch(fork, tokens.slice(-1), "last"))
          .logits(0)
          .slice();
        const want = target.forward(chainBatch(fresh, tokens, "last")).logits(tokens.length - 1);
        fork.close();
        fresh.close();
        expect(got.every((value, i) => Math.abs(value - want[i]) <= 1e-9)).toBe(true);
      };
      for (let i = 0; i < 8; i++) {
        const policy = policies[i % policies.length];
        const sampling = { temperature: i % 3 === 0 ? 0 : 0.6 };
        compare({ promptTokens: prompt(i), sampling, seed: i, maxTokens: 24, policy }, equalCaches);
      }
    });

    test("end-of-generation tokens and stop strings cut inside a draft", () => {
      for (let i = 0; i < 24; i++) {
        const promptTokens = prompt(i);
        const sampling = { temperature: i % 2 === 0 ? 0 : 0.6 };
        const base = { promptTokens, sampling, seed: i, maxTokens: 20, policy: policies[i % policies.length] };
        const plain = run(target, { ...base, policy: { mode: "off" } });
        const last = plain.tokens[promptTokens.length + (i % 12)];
        const stopped = compare({ ...base, stopTokens: new Set([last]) });
        expect(stopped.rounds.at(-1)?.finishReason).toBe("stop");
        expect(stopped.tokens.indexOf(last, promptTokens.length)).toBe(stopped.tokens.length - 1);
        let count = 0;
        const isStopText = () => ++count % (2 + (i % 12)) === 0;
        expect(compare({ ...base, isStopText }).rounds.at(-1)?.finishReason).toBe("stop-string");
      }
    });

    test("the token limit cuts inside a draft", () => {
      for (let maxTokens = 1; maxTokens <= 12; maxTokens++) {
        const policy = policies[maxTokens % policies.length];
        const drafted = compare({ promptTokens: prompt(maxTokens), sampling: greedy, seed: 0, maxTokens, policy });
        expect(drafted.emitted).toHaveLength(maxTokens);
        expect(drafted.rounds.at(-1)?.finishReason).toBe("length");
      }
    });

    test("nothing is drafted past the context window", () => {
      const small = toyModel({ contextLength: 24, logitScale: 6 });
      for (let i = 0; i < 12; i++) {
        const promptTokens = [...prompt(1), ...prompt(1), ...prompt(1)].slice(0, 12 + i);
        const policy = policies[i % policies.length];
        const drafted = compare({ promptTokens, sampling: greedy, seed: 0, maxTokens: 100, policy }, undefined, small);
        expect(drafted.tokens).toHaveLength(24);
        expect(drafted.rounds.at(-1)?.finishReason).toBe("context");
      }
    });

    test("a text that repeats itself", () => {
      const model = tableModel({ vocabSize: 8, probabilities: repeatingTable(8, 5), contextLength });
      for (const policy of policies) {
        compare({ promptTokens: [3, 1, 4, 1, 5], sampling: greedy, seed: 0, maxTokens: 60, policy }, undefined, model);
      }
    });

    test("aborting at any round frees the rows", () => {
      // Both models hold 64 contexts: a leak of one row set a generation fails before the hundredth.
      for (let i = 0; i < 100; i++) {
        const promptTokens = prompt(i);
        const generation = new Generation({
          model: target,
          sequence: target.open(),
          promptTokens,
          sampling: greedy,
          seed: 0,
          maxTokens: 20,
          policy: policies[i % policies.length],
          drafters: [make({ vocabSize, truth: promptTokens, stopToken: 0 })],
          curve: fixedCurve,
        });
        if (i % 5 > 0) while (generation.prefillStep(64) > 0);
        for (let step = 1; step < i % 5 && !generation.finishReason; step++) generation.step();
        generation.close();
        generation.close();
        expect(() => generation.step()).toThrow(/closed/);
      }
    });
  });
}

const emptyDrafter: Drafter = {
  name: "nothing",
  needs: {},
  open: () => ({ bid: () => [], expand: () => emptyTree, observe() {}, close() {} }),
};

/** Softmax of the f32 logarithms of a distribution, in id order: what a sampler without filters makes of a table model. */
function softmaxOf(probabilities: readonly number[]): number[] {
  const logits = Float32Array.from(probabilities, Math.log);
  const max = Math.max(...logits);
  const weights = Array.from(logits, (value) => Math.exp(value - max));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

/** Exact law of the first three tokens when `drafter` drafts up to three nodes a round. */
function lawOf(
  model: LanguageModel,
  start: readonly number[],
  sampling: SamplingParams,
  make: () => Drafter,
): Map<string, number> {
  return enumerate((choose) => {
    const drafter = make();
    const sequence = model.open();
    const session = drafter.open({
      source: 1,
      vocabSize: model.vocabSize,
      contextLength: model.contextLength,
      acceptance: new AcceptanceTable(),
      target: { model, sequence },
    });
    const batches = new RoundBatches([]);
    const sampler = choosing(createSampler(sampling, model.vocabSize), model.vocabSize, choose);
    const history = createHistory(sampling, model.vocabSize, start);
    const verdict: Verdict = { path: [], emitted: [] };
    const tokens = new Int32Array(model.contextLength);
    tokens.set(start);
    let length = start.length;
    model.forward(chainBatch(sequence, start.slice(0, -1), "none"));
    sequence.compact(start.slice(1).map((_, i) => i));
    while (length < start.length + 3) {
      const [bid] = session.bid({ tokens, length, maxDepth: 3, maxNodes: 3 });
      const tree = bid ? cutTree(session.expand(bid, 3, 0), 3, 3) : emptyTree;
      checkTree(tree, model.vocabSize, drafter.name);
      const result = model.forward(batches.fill(sequence, tokens[length - 1], tree));
      verifyMatch(
        tree,
        (node) => result.logits(node + 1),
        sampler,
        history,
        () => 0,
        length,
        verdict,
      );
      tokens.set(verdict.emitted, length);
      length += verdict.emitted.length;
      sequence.compact([0, ...verdict.path.map((node) => node + 1)]);
      session.observe({
        tokens,
        length,
        emitted: verdict.emitted,
        tree,
        path: verdict.path,
        argmax: () => 0,
        hidden: () => new Float32Array(0),
      });
    }
    session.close();
    sequence.close();
    return tokens.subarray(start.length, start.length + 3).join();
  });
}
