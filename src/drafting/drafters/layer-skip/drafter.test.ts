import { describe, expect, test } from "vitest";
import { chainBatch, type LanguageModel, type Sequence, type SkipSet } from "../../../lm/model.ts";
import { seededRandom, toyModel } from "../../../lm/toy/index.ts";
import { Generation } from "../../generation.ts";
import type { RoundReport } from "../../round-report.ts";
import { sequenceView } from "../../testing/sequence-view.ts";
import { emptyTree } from "../../tree.ts";
import { draftStep, measureStepCost } from "./draft-step.ts";
import { type LayerSkipDrafter, type LayerSkipOptions, layerSkipDrafter } from "./drafter.ts";
import { fromBits } from "./skip-set.ts";

const layerCount = 4;
const model = toyModel({ layerCount, contextLength: 96, logitScale: 6 });
const random = seededRandom(21);
const none: SkipSet = { attention: [], mlp: [] };
const all: SkipSet = { attention: [0, 1, 2, 3], mlp: [0, 1, 2, 3] };
const always = { mode: "static", start: 0 } as const;
const prompt = (length = 6) => Array.from({ length }, () => Math.floor(random() * model.vocabSize));
const randomSet = () => fromBits(Array.from({ length: 2 * layerCount }, () => (random() < 0.5 ? "1" : "0")).join(""));

/** Greedy text and rounds under a forced budget; plain without a drafter. */
function decode(
  promptTokens: readonly number[],
  drafter?: LayerSkipDrafter,
  budget = 4,
  maxTokens = 24,
  afterRound?: (sequence: Sequence, tokens: readonly number[]) => void,
) {
  const sequence = model.open();
  const generation = new Generation({
    model,
    sequence,
    promptTokens,
    sampling: { temperature: 0 },
    seed: 0,
    maxTokens,
    ...(drafter && { drafters: [drafter], policy: { mode: "forced", budget } as const }),
  });
  const rounds: RoundReport[] = [];
  const tokens = [...promptTokens];
  while (generation.prefillStep(64) > 0);
  while (!generation.finishReason) {
    const round = generation.step();
    rounds.push(round);
    tokens.push(...round.emitted.map(({ token }) => token));
    afterRound?.(sequence, tokens);
  }
  generation.close();
  return { tokens, rounds };
}

const proposed = ({ trace }: RoundReport) => trace.proposed["layer-skip"] ?? 0;

describe("skip sets", () => {
  test("nothing skipped: the draft's logits are the target's, and every round emits all drafts and one more", () => {
    const sequence = model.open();
    const tokens = prompt();
    model.forward(chainBatch(sequence, tokens, "none"));
    sequence.compact(tokens.map((_, i) => i));
    const drafted = draftStep(model, sequence, 7, none).slice();
    sequence.compact([]);
    const full = model.forward(chainBatch(sequence, [7], "last")).logits(0);
    expect(drafted).toEqual(full);
    sequence.close();
    for (const budget of [1, 3, 8]) {
      const drafter = layerSkipDrafter({ skip: none, threshold: always });
      const { tokens: drafted, rounds } = decode(tokens, drafter, budget);
      expect(drafted).toEqual(decode(tokens).tokens);
      for (const round of rounds.slice(0, -1)) expect(round.emitted).toHaveLength(budget + 1);
      const { accepted, drafted: count, acceptanceRate } = drafter.report();
      expect(accepted).toBe(count);
      expect(acceptanceRate).toBeGreaterThan(0.8);
    }
  });

  test("everything skipped: still the same text", () => {
    for (let i = 0; i < 10; i++) {
      const tokens = prompt();
      const { tokens: drafted, rounds } = decode(tokens, layerSkipDrafter({ skip: all, threshold: always }));
      expect(drafted).toEqual(decode(tokens).tokens);
      expect(rounds.some((round) => proposed(round) === 4)).toBe(true);
    }
  });

  test("skipping both sublayers of a layer is a model without that layer", () => {
    for (let layer = 0; layer < layerCount; layer++) {
      const shorter = withoutLayer(layer);
      const tokens = prompt(9);
      const [a, b] = [model.open(), shorter.open()];
      const skip = { attention: [layer], mlp: [layer] };
      // Row by row, as drafts are made.
      for (const [i, token] of tokens.entries()) {
        const skipped = draftStep(model, a, token, skip).slice();
        const deleted = shorter.forward(chainBatch(b, [token], "last")).logits(0);
        expect(a.pending).toBe(i + 1);
        expect(skipped.every((logit, j) => Math.abs(logit - deleted[j]) <= 1e-9)).toBe(true);
      }
      a.close();
      b.close();
    }
  });

  test("20 random skip sets: the same text, and after each round the cache of a fresh prefill", () => {
    let accepted = 0;
    let rejected = 0;
    for (let i = 0; i < 20; i++) {
      const tokens = prompt();
      const drafter = layerSkipDrafter({ skip: randomSet(), ...(i % 2 === 0 && { threshold: always }) });
      const { tokens: drafted } = decode(tokens, drafter, 1 + (i % 6), 24, (sequence, tokens) => {
        expect([sequence.length, sequence.pending]).toEqual([tokens.length - 1, 0]);
        const fork = sequence.fork();
        const fresh = model.open();
        const got = model
          .forward(chainBatch(fork, tokens.slice(-1), "last"))
          .logits(0)
          .slice();
        const want = model.forward(chainBatch(fresh, tokens, "last")).logits(tokens.length - 1);
        fork.close();
        fresh.close();
        expect(got.every((logit, j) => Math.abs(logit - want[j]) <= 1e-9)).toBe(true);
      });
      expect(drafted).toEqual(decode(tokens).tokens);
      accepted += drafter.report().accepted;
      rejected += drafter.report().drafted - drafter.report().accepted;
    }
    expect(Math.min(accepted, rejected)).toBeGreaterThan(20);
  });

  test("drafters with different sets take turns on one model without a trace of each other", () => {
    const sets = [{ attention: [1], mlp: [2] }, { attention: [0, 3], mlp: [] }, all];
    const prompts = sets.map(() => prompt());
    const alone = sets.map((skip, i) => {
      const drafter = layerSkipDrafter({ skip });
      return { text: decode(prompts[i], drafter).tokens, report: drafter.report() };
    });
    const drafters = sets.map((skip) => layerSkipDrafter({ skip }));
    const generations = drafters.map((drafter, i) => {
      const generation = new Generation({
        model,
        sequence: model.open(),
        promptTokens: prompts[i],
        sampling: { temperature: 0 },
        seed: 0,
        maxTokens: 24,
        drafters: [drafter],
        policy: { mode: "forced", budget: 4 },
      });
      while (generation.prefillStep(64) > 0);
      return generation;
    });
    const texts = prompts.map((tokens) => [...tokens]);
    while (generations.some(({ finishReason }) => !finishReason)) {
      generations.forEach((generation, i) => {
        if (!generation.finishReason) texts[i].push(...generation.step().emitted.map(({ token }) => token));
      });
    }
    for (const generation of generations) generation.close();
    expect(texts).toEqual(alone.map(({ text }) => text));
    expect(drafters.map((drafter) => drafter.report())).toEqual(alone.map(({ report }) => report));
  });

  test("layers that the model lacks are refused when a sequence is opened", () => {
    const open = (skip: SkipSet) => layerSkipDrafter({ skip }).open(sequenceView({ target: { model, sequence } }));
    const sequence = model.open();
    expect(() => open({ attention: [4], mlp: [] })).toThrow(/attention of layer 4.*layers 0\.\.3.*search/);
    expect(() => open({ attention: [], mlp: [-1] })).toThrow(/MLP of layer -1/);
    open({ attention: [3, 3, 0], mlp: [] }).close();
    sequence.close();
  });
});

describe("draft length", () => {
  test("maxDraft 1, and gamma 1, draft one token a round", () => {
    const one: Partial<LayerSkipOptions>[] = [
      { maxDraft: 1, threshold: always },
      { threshold: { mode: "static", start: 1 } },
    ];
    for (const options of one) {
      const drafter = layerSkipDrafter({ skip: { attention: [2], mlp: [] }, ...options });
      const { rounds } = decode(prompt(), drafter, 8);
      expect(rounds.length).toBeGreaterThan(3);
      for (const round of rounds.slice(0, -1)) expect(proposed(round)).toBe(1);
    }
  });

  test("a draft ends with the first token whose confidence is under gamma", () => {
    const skip = { attention: [1], mlp: [1] };
    const gamma = 0.5;
    const lengths = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const tokens = prompt();
      const { target, context } = opened(tokens);
      const session = layerSkipDrafter({ skip, threshold: { mode: "static", start: gamma } }).open(
        sequenceView({ target }),
      );
      const [bid] = session.bid(context);
      const drafted = session.expand(bid, 12, 0);
      expect(target.sequence.pending).toBe(0);
      // The same chain by hand.
      let token = tokens[tokens.length - 1];
      const want: number[] = [];
      for (let confidence = 1; want.length < 12 && confidence >= gamma; ) {
        const logits = draftStep(model, target.sequence, token, skip);
        token = logits.indexOf(Math.max(...logits));
        want.push(token);
        confidence = 1 / logits.reduce((sum, logit) => sum + Math.exp(logit - logits[token]), 0);
      }
      expect([...drafted.token]).toEqual(want);
      expect([...drafted.parent]).toEqual(want.map((_, level) => level - 1));
      lengths.add(want.length);
      target.sequence.close();
    }
    expect(lengths.size).toBeGreaterThan(2);
  });

  test("drafting stops at the floor, at what was bought, and where the text must end", () => {
    const { target, context } = opened(prompt());
    const session = layerSkipDrafter({ skip: none, threshold: always }).open(sequenceView({ target }));
    const draft = (view: Partial<typeof context>, nodes: number, floor: number) => {
      const [bid] = session.bid({ ...context, ...view });
      return session.expand(bid, nodes, floor).token.length;
    };
    expect(draft({}, 5, 0)).toBe(5);
    expect(draft({}, 99, 0)).toBe(12);
    expect(draft({ maxDepth: 3 }, 12, 0)).toBe(3);
    expect(draft({ maxNodes: 2 }, 12, 0)).toBe(2);
    expect(draft({}, 12, 1)).toBe(1);
    target.sequence.close();
  });

  test("an error in the middle of a draft leaves no rows behind", () => {
    const { target, context } = opened(prompt());
    let steps = 0;
    const breaking: LanguageModel = Object.assign(Object.create(model) as LanguageModel, {
      forward(batch: Parameters<LanguageModel["forward"]>[0]) {
        if (++steps === 3) throw new Error("broken");
        return model.forward(batch);
      },
    });
    const view = sequenceView({ target: { model: breaking, sequence: target.sequence } });
    const session = layerSkipDrafter({ skip: none, threshold: always }).open(view);
    const [bid] = session.bid(context);
    expect(() => session.expand(bid, 6, 0)).toThrow("broken");
    expect(target.sequence.pending).toBe(0);
    target.sequence.close();
  });

  test("right drafts that the threshold ended lower gamma; those that reached the cap do not", () => {
    const gammaAfter = (maxDraft: number) => {
      const drafter = layerSkipDrafter({ skip: none, maxDraft, threshold: { start: 0.95, target: 0.5 } });
      for (let i = 0; i < 4; i++) decode(prompt(), drafter, 12, 40);
      expect(drafter.report().accepted).toBe(drafter.report().drafted);
      return drafter.state.gamma;
    };
    expect(gammaAfter(12)).toBeLessThan(0.95);
    expect(gammaAfter(1)).toBeCloseTo(0.95, 12);
  });

  test("gamma is carried from request to request, and over a save", () => {
    const skip = { attention: [0], mlp: [1] };
    const prompts = [prompt(), prompt(), prompt()];
    const whole = layerSkipDrafter({ skip });
    for (const tokens of prompts) decode(tokens, whole);
    const before = layerSkipDrafter({ skip });
    decode(prompts[0], before);
    expect(before.state.gamma).not.toBe(0.6);
    const after = layerSkipDrafter({ skip, state: JSON.parse(JSON.stringify(before.state)) });
    for (const tokens of prompts.slice(1)) decode(tokens, after);
    expect(after.state).toEqual(whole.state);
    expect(after.report().gammaTrace.at(-1)).toBe(whole.state.gamma);
  });
});

describe("bids", () => {
  test("offer a chain at the learned price, with chances learned by depth", () => {
    const { target, context } = opened(prompt());
    let now = 0;
    const session = layerSkipDrafter({ skip: all, threshold: always, clock: () => (now += 2) }).open(
      sequenceView({ target }),
    );
    const first = session.bid(context)[0];
    expect([...first.parent]).toEqual(Array.from({ length: 12 }, (_, i) => i - 1));
    for (let i = 0; i < 20; i++) {
      const [bid] = session.bid(context);
      const tree = session.expand(bid, 2, 0);
      // Always right at first, always wrong after.
      const emitted = [tree.token[0], (tree.token[1] + 1) % model.vocabSize];
      session.observe({ ...quietRound, tree, path: [0], emitted });
    }
    const learned = session.bid(context)[0];
    expect(learned.chance[0]).toBeGreaterThan(0.9);
    expect(learned.chance[1]).toBeLessThan(0.3);
    expect(learned.draftMs(3)).toBeCloseTo(6, 5);
    expect(session.bid(context)[0].chance).toBe(learned.chance);
    target.sequence.close();
  });

  test("nothing is offered where even perfect drafts could not pay", () => {
    const { target, context } = opened(prompt());
    const view = sequenceView({ target });
    const dear = layerSkipDrafter({ skip: none, cost: { draftMs: 9, stepMs: 10 } });
    expect(dear.open(view).bid(context)).toEqual([]);
    expect(dear.report()).toMatchObject({ c: 0.9, refusal: expect.stringMatching(/no gain here.*90 %.*1\.11x/) });
    const cheap = layerSkipDrafter({ skip: all, cost: { draftMs: 4, stepMs: 10 } });
    expect(cheap.open(view).bid(context)[0].draftMs(2)).toBe(8);
    expect(cheap.report()).toMatchObject({ c: 0.4, refusal: undefined });
    target.sequence.close();
  });

  test("the cost of a step is the least of alternating steps", () => {
    let now = 0;
    let looks = 0;
    // Pairs of looks enclose a step: draft steps take 1, full ones 4, and one in eight of all a hundred.
    const clock = () => {
      if (looks++ % 2 === 1) now += looks % 16 === 0 ? 100 : looks % 4 === 2 ? 1 : 4;
      return now;
    };
    expect(measureStepCost(model, all, { clock, repeats: 9 })).toEqual({ draftMs: 1, stepMs: 4 });
  });

  test.each([0, 17, 1.5])("maxDraft %d is refused", (maxDraft) => {
    expect(() => layerSkipDrafter({ skip: none, maxDraft })).toThrow(/maxDraft/);
  });
});

const quietRound = {
  tokens: new Int32Array(0),
  length: 0,
  emitted: [],
  tree: emptyTree,
  path: [],
  argmax: () => 0,
  hidden: () => new Float32Array(0),
};

/** A sequence that holds all tokens but the last, and the view of a drafter. */
function opened(tokens: readonly number[]) {
  const sequence = model.open();
  model.forward(chainBatch(sequence, tokens.slice(0, -1), "none"));
  sequence.compact(tokens.slice(1).map((_, i) => i));
  const context = { tokens: Int32Array.from(tokens), length: tokens.length, maxDepth: 40, maxNodes: 40 };
  return { target: { model, sequence }, context };
}

/** The toy with one layer taken out of its weights. */
function withoutLayer(layer: number): LanguageModel {
  const copy = toyModel({ layerCount, contextLength: 96, logitScale: 6 });
  const inside = copy as unknown as { layerCount: number; weights: { layers: unknown[] } };
  inside.weights.layers.splice(layer, 1);
  inside.layerCount--;
  return copy;
}
