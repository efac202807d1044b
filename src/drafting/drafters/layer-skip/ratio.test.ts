import { describe, expect, test } from "vitest";
import { chainBatch, type SkipSet } from "../../../lm/model.ts";
import { createHistory, createSampler, type SamplingParams } from "../../../lm/sampling/index.ts";
import { seededRandom, toyModel } from "../../../lm/toy/index.ts";
import { choosing, composeRounds, enumeratedChoices, totalVariation } from "../../testing/enumerate.ts";
import { sequenceView } from "../../testing/sequence-view.ts";
import type { Verdict } from "../../verify.ts";
import { verifyRatio } from "../../verify-ratio.ts";
import { type SampledDrafts, seededPick } from "../sampled-draft.ts";
import { draftStep } from "./draft-step.ts";
import { layerSkipDrafter } from "./drafter.ts";

const none: SkipSet = { attention: [], mlp: [] };

describe("ratio verification", () => {
  const vocabSize = 4;
  const shape = { vocabSize, layerCount: 2, hiddenSize: 8, headCount: 2, mlpSize: 8, contextLength: 16 };
  const small = toyModel({ ...shape, logitScale: 1, maxRows: 16 * 1000 });
  const start = [1, 2, 3];
  const sampling: SamplingParams = { temperature: 0.9 };
  const skip = { attention: [1], mlp: [0] };
  const threshold = { mode: "static", start: 0.4 } as const;
  const sampler = createSampler(sampling, vocabSize);
  type Choose = (probabilities: ArrayLike<number>) => number;

  const law = (logits: Float32Array) => {
    const out = new Float64Array(vocabSize);
    sampler.distribution(logits, createHistory(sampling, vocabSize, start), out);
    return Array.from(out);
  };
  const normalised = (weights: ArrayLike<number>) => {
    const sum = Array.from(weights).reduce((a, b) => a + b, 0);
    return Array.from(weights, (weight) => weight / sum);
  };
  /** Rounds after one prefix: drafts of the drafter under test, the target's laws, and a draft's own softmax. */
  function following(tokens: readonly number[], sampled?: SampledDrafts) {
    const sequence = small.open();
    small.forward(chainBatch(sequence, tokens.slice(0, -1), "none"));
    sequence.compact(tokens.slice(1).map((_, i) => i));
    const root = tokens[tokens.length - 1];
    const session = layerSkipDrafter({ skip, threshold }).open(
      sequenceView({ target: { model: small, sequence }, sampled }),
    );
    const context = { tokens: Int32Array.from(tokens), length: tokens.length, maxDepth: 2, maxNodes: 2 };
    const known = new Map<string, Float32Array>();
    const logitsAfter = (path: readonly number[], skip: SkipSet) => {
      const key = `${path}|${skip.attention}`;
      const found =
        known.get(key) ?? [root, ...path].map((t) => draftStep(small, sequence, t, skip).slice())[path.length];
      sequence.compact([]);
      known.set(key, found);
      return found;
    };
    return {
      draft: () => session.expand(session.bid(context)[0], 2, 0),
      logits: (path: readonly number[]) => logitsAfter(path, none),
      target: (path: readonly number[]) => law(logitsAfter(path, none)),
      softmax: (path: readonly number[]) => law(logitsAfter(path, skip)),
    };
  }

  /** Rounds by `verifyRatio`, with every draw made by `choose`. */
  function ratioRounds(kind: "sampled" | "argmax" | "argmax judged by softmax", seededDrafts?: number) {
    let draw: Choose = () => 0;
    const pick = seededDrafts === undefined ? (q: Float32Array) => draw(normalised(q)) : seededPick(seededDrafts);
    const places = new Map<string, ReturnType<typeof following>>();
    return (prefix: readonly number[], choose: Choose): number[] => {
      draw = choose;
      const key = prefix.join();
      const place =
        places.get(key) ?? following([...start, ...prefix], kind === "sampled" ? { sampling, pick } : undefined);
      places.set(key, place);
      const tree = place.draft();
      expect(tree.draws === undefined).toBe(kind !== "sampled");
      const draws = Array.from(tree.token, (_, node) => ({
        node,
        q: Float32Array.from(place.softmax(Array.from(tree.token.subarray(0, node)))),
      }));
      const judged = kind === "argmax judged by softmax" ? { ...tree, draws } : tree;
      const tokens = [...start, ...prefix];
      const history = createHistory(sampling, vocabSize, tokens);
      const verdict: Verdict = { path: [], emitted: [] };
      const logits = (node: number) => place.logits(Array.from(tree.token.subarray(0, node + 1)));
      const chosen = choosing(sampler, vocabSize, choose);
      verifyRatio(judged, logits, chosen, history, enumeratedChoices(choose), tokens.length, verdict);
      return verdict.emitted;
    };
  }

  const plain = composeRounds(3, (prefix, choose) => [choose(following([...start, ...prefix], undefined).target([]))]);

  test("sampled drafts carry the distribution they were drawn from: the law is the target's to 1e-12 (L0)", () => {
    expect(totalVariation(composeRounds(3, ratioRounds("sampled")), plain)).toBeLessThan(1e-12);
  });

  test("argmax drafts carry none and are point masses (L0); judged by the softmax they would be biased", () => {
    expect(totalVariation(composeRounds(3, ratioRounds("argmax")), plain)).toBeLessThan(1e-12);
    expect(totalVariation(composeRounds(3, ratioRounds("argmax judged by softmax")), plain)).toBeGreaterThan(0.05);
  });

  test("20,000 seeded texts pass a chi-square test, and the biased rule fails it (L3)", () => {
    const runs = 20_000;
    const expected = new Map<string, number>();
    for (const [key, mass] of plain) {
      const pair = key.slice(0, 3);
      expected.set(pair, (expected.get(pair) ?? 0) + mass * runs);
    }
    expect(Math.min(...expected.values())).toBeGreaterThan(5);
    const normalScore = (round: ReturnType<typeof ratioRounds>) => {
      const uniform = seededRandom(77);
      const choose = (probabilities: ArrayLike<number>) => {
        let u = uniform();
        let chosen = probabilities.length - 1;
        for (let i = 0; i < probabilities.length; i++) {
          u -= probabilities[i];
          if (u >= 0) continue;
          chosen = i;
          break;
        }
        return chosen;
      };
      const counts = new Map<string, number>();
      for (let i = 0; i < runs; i++) {
        const text = round([], choose);
        while (text.length < 2) text.push(...round(text, choose));
        const key = text.slice(0, 2).join();
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      let chi = 0;
      for (const [key, count] of expected) chi += ((counts.get(key) ?? 0) - count) ** 2 / count;
      // Wilson-Hilferty: the statistic as a standard normal.
      const freedom = expected.size - 1;
      const variance = 2 / (9 * freedom);
      return (Math.cbrt(chi / freedom) - 1 + variance) / Math.sqrt(variance);
    };
    // 3.09: one chance in a thousand.
    expect(normalScore(ratioRounds("sampled", 5))).toBeLessThan(3.09);
    expect(normalScore(ratioRounds("argmax judged by softmax"))).toBeGreaterThan(3.09);
  });
});
