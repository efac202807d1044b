import { describe, expect, test } from "vitest";
import { chainBatch, type ForwardBatch, type LanguageModel } from "../../lm/model.ts";
import { argmax, createHistory, createSampler } from "../../lm/sampling/index.ts";
import { toyModel } from "../../lm/toy/index.ts";
import { AcceptanceTable } from "../calibration.ts";
import type { CostCurve } from "../cost-curve.ts";
import type { DraftSession, RoundResult, TokenView } from "../drafter.ts";
import { sequenceView } from "../testing/sequence-view.ts";
import { emptyTree } from "../tree.ts";
import { likeliest } from "./likeliest.ts";
import { type ModelDrafterOptions, modelDrafter } from "./model.ts";
import { type SampledDrafts, seededPick } from "./sampled-draft.ts";

const curve: CostCurve = { ms: (width) => 1 + 0.1 * (width - 1), observe() {} };
const prompt = [3, 1, 4, 1, 5, 9, 2, 6];

/** A model that counts what it is asked. */
function counting(model: LanguageModel): LanguageModel & { widths: number[] } {
  const widths: number[] = [];
  return Object.assign(Object.create(model) as LanguageModel, {
    widths,
    open: model.open.bind(model),
    forward(batch: ForwardBatch) {
      widths.push(batch.token.length);
      return model.forward(batch);
    },
  });
}

function open(
  options: Partial<ModelDrafterOptions> & { model: LanguageModel },
  contextLength = 96,
  sampled?: SampledDrafts,
): DraftSession {
  const { vocabSize } = options.model;
  return modelDrafter({ curve, ...options }).open(sequenceView({ vocabSize, contextLength, sampled }));
}

function view(tokens: readonly number[], maxDepth: number, maxNodes = maxDepth): TokenView {
  return { tokens: Int32Array.from(tokens), length: tokens.length, maxDepth, maxNodes };
}

function draft(session: DraftSession, context: TokenView, nodes: number, floor = 0) {
  const [bid] = session.bid(context);
  return session.expand(bid, nodes, floor);
}

const roundWith = (emitted: readonly number[]): RoundResult => ({
  tokens: new Int32Array(0),
  length: 0,
  emitted,
  tree: emptyTree,
  path: [],
  argmax: () => 0,
  hidden: () => new Float32Array(0),
});

/** Greedy continuation from an empty cache. */
function greedyContinuation(model: LanguageModel, tokens: readonly number[], count: number): number[] {
  const out = [...tokens];
  for (let i = 0; i < count; i++) {
    const sequence = model.open();
    out.push(argmax(model.forward(chainBatch(sequence, out, "last")).logits(out.length - 1)));
    sequence.close();
  }
  return out.slice(tokens.length);
}

describe("drafts", () => {
  test("a chain is the model's greedy continuation, one forward a token", () => {
    const model = counting(toyModel());
    const tree = draft(open({ model, branches: 1 }), view(prompt, 4), 4);
    expect(Array.from(tree.token)).toEqual(greedyContinuation(toyModel(), prompt, 4));
    expect(Array.from(tree.parent)).toEqual([-1, 0, 1, 2]);
    expect(model.widths).toEqual([prompt.length, 1, 1, 1]);
  });

  test("branches are the next likeliest tokens, as leaves", () => {
    const session = open({ model: toyModel(), branches: 2 });
    const [bid] = session.bid(view(prompt, 2, 4));
    expect(Array.from(bid.parent)).toEqual([-1, -1, 0, 0, 2, 2, 4, 4].slice(0, bid.parent.length));
    const tree = session.expand(bid, 4, 0);
    expect(Array.from(tree.parent)).toEqual([-1, -1, 0, 0]);
    expect([tree.token[0], tree.token[2]]).toEqual(greedyContinuation(toyModel(), prompt, 2));
    expect(tree.confidence[0]).toBeGreaterThanOrEqual(tree.confidence[1]);
  });

  test("later rounds go on from the accepted rows and catch up with one or two tokens", () => {
    const model = counting(toyModel());
    const session = open({ model, branches: 1 });
    const text = [...prompt];
    const first = Array.from(draft(session, view(text, 3), 3).token);
    // All accepted: the last drafted token was never run, so it comes with the next root.
    text.push(...first, 7);
    session.observe(roundWith([...first, 7]));
    model.widths.length = 0;
    const second = Array.from(draft(session, view(text, 3), 3).token);
    expect(second).toEqual(greedyContinuation(toyModel(), text, 3));
    expect(model.widths).toEqual([2, 1, 1]);
    // One accepted, then another token than the drafted one.
    const other = (second[1] + 1) % model.vocabSize;
    text.push(second[0], other);
    session.observe(roundWith([second[0], other]));
    model.widths.length = 0;
    expect(Array.from(draft(session, view(text, 2), 2).token)).toEqual(greedyContinuation(toyModel(), text, 2));
    expect(model.widths).toEqual([1, 1]);
  });

  test("rows of a draft that lost against another drafter's are dropped", () => {
    const model = counting(toyModel());
    const session = open({ model, branches: 1 });
    const drafted = Array.from(draft(session, view(prompt, 4), 4).token);
    const others = [(drafted[0] + 1) % 40, (drafted[1] + 1) % 40, 7];
    session.observe(roundWith(others));
    const text = [...prompt, ...others];
    model.widths.length = 0;
    expect(Array.from(draft(session, view(text, 2), 2).token)).toEqual(greedyContinuation(toyModel(), text, 2));
    expect(model.widths).toEqual([3, 1]);
  });

  test("a target token equal to a drafted one that nobody verified is run again", () => {
    const session = open({ model: toyModel(), branches: 1 });
    const drafted = Array.from(draft(session, view(prompt, 4), 4).token);
    // The tree was cut to one node; the target's own token happens to be the second drafted one.
    session.observe(roundWith(drafted.slice(0, 2)));
    const text = [...prompt, ...drafted.slice(0, 2)];
    expect(Array.from(draft(session, view(text, 2), 2).token)).toEqual(greedyContinuation(toyModel(), text, 2));
  });

  test("rounds it was not asked in are caught up with later", () => {
    const model = counting(toyModel());
    const session = open({ model, branches: 1 });
    const text = [...prompt];
    for (const token of [7, 8, 9]) {
      session.bid(view(text, 4));
      session.observe(roundWith([token]));
      text.push(token);
    }
    expect(model.widths).toEqual([]);
    expect(Array.from(draft(session, view(text, 2), 2).token)).toEqual(greedyContinuation(toyModel(), text, 2));
    expect(model.widths).toEqual([text.length, 1]);
  });

  test("stops where the path chance falls under the floor, and keeps the token it has", () => {
    const model = counting(toyModel());
    const tree = draft(open({ model, branches: 1 }), view(prompt, 8), 8, 0.99);
    expect(tree.token).toHaveLength(1);
    expect(model.widths).toHaveLength(1);
  });

  test("fewer nodes, fewer forwards", () => {
    const model = counting(toyModel());
    draft(open({ model, branches: 1 }), view(prompt, 8), 2);
    expect(model.widths).toHaveLength(2);
  });
});

describe("sampled drafts", () => {
  const sampled = (model: LanguageModel, branches: number, temperature = 1) =>
    open({ model, branches }, undefined, { sampling: { temperature }, pick: seededPick(1) });

  test("carry the q they were drawn from, on their path, without the siblings drawn before", () => {
    const model = toyModel();
    const tree = draft(sampled(model, 2), view(prompt, 2, 4), 4);
    expect(Array.from(tree.parent)).toEqual([-1, -1, 0, 0]);
    const draws = tree.draws ?? [];
    expect(draws.map(({ node }) => node)).toEqual([0, 1, 2, 3]);
    for (const [node, text] of [
      [0, prompt],
      [2, [...prompt, tree.token[0]]],
    ] as const) {
      const sequence = model.open();
      const logits = model.forward(chainBatch(sequence, text, "last")).logits(text.length - 1);
      sequence.close();
      const full = new Float64Array(model.vocabSize);
      createSampler({ temperature: 1 }, model.vocabSize).distribution(
        logits,
        createHistory({ temperature: 1 }, model.vocabSize, text),
        full,
      );
      const q = Float32Array.from(full);
      expect(draws[node].q).toEqual(q);
      q[tree.token[node]] = 0;
      expect(draws[node + 1].q).toEqual(q);
    }
  });

  test("are as many as were bought, whatever they are", () => {
    for (let nodes = 1; nodes <= 6; nodes++) {
      const tree = draft(sampled(toyModel(), 3), view(prompt, 3, 9), nodes);
      expect(tree.token).toHaveLength(nodes);
      expect(tree.draws).toHaveLength(nodes);
    }
  });

  test("end where the drafter's own law has no other token", () => {
    const tree = draft(sampled(toyModel(), 2, 0), view(prompt, 3, 6), 6);
    expect(Array.from(tree.token)).toEqual(greedyContinuation(toyModel(), prompt, 3));
  });
});

describe("the edge of a context shorter than the target's", () => {
  test("drafts what fits, then nothing", () => {
    const model = toyModel({ contextLength: 10 });
    const session = open({ model, branches: 1 });
    const text = [...prompt];
    expect(draft(session, view(text, 8), 8).token).toHaveLength(3);
    session.observe(roundWith([1]));
    text.push(1, 2);
    expect(draft(session, view(text, 8), 8).token).toHaveLength(1);
    session.observe(roundWith([3]));
    text.push(3);
    expect(session.bid(view(text, 8))).toEqual([]);
    session.observe(roundWith([3]));
  });
});

describe("bids", () => {
  test("run no network", () => {
    const model = counting(toyModel());
    const session = open({ model });
    for (let i = 0; i < 3; i++) session.bid(view(prompt, 8));
    expect(model.widths).toEqual([]);
  });

  test("price the forwards, and what must be caught up spread over the tokens to come", () => {
    const session = open({ model: toyModel(), branches: 1 });
    const [bid] = session.bid(view(prompt, 9));
    // Eight rows missing: 0.7 ms more than one row, over ten tokens that may still come.
    expect(bid.draftMs(0)).toBe(0);
    expect(bid.draftMs(1)).toBeCloseTo(1 + 0.07, 9);
    expect(bid.draftMs(3)).toBeCloseTo(3 + 0.07, 9);
    session.expand(bid, 1, 0);
    session.observe(roundWith([5, 5]));
    // Two rows missing: that is the ordinary case and is paid at once.
    expect(session.bid(view([...prompt, 5, 5], 9))[0].draftMs(2)).toBeCloseTo(2 + 0.1, 9);
  });

  test("with branches, the price counts levels, not nodes", () => {
    const session = open({ model: toyModel(), branches: 2 });
    const [bid] = session.bid(view(prompt, 4, 8));
    const steps = Array.from({ length: 9 }, (_, nodes) => Math.round(bid.draftMs(nodes)));
    expect(steps[8]).toBe(4);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
  });

  test("chances are learned from the verdicts", () => {
    const session = open({ model: toyModel(), branches: 2 });
    const before = Array.from(session.bid(view(prompt, 2, 4))[0].chance);
    const text = [...prompt];
    for (let i = 0; i < 40; i++) {
      const tree = draft(session, view(text, 2, 4), 4);
      // The second choice is always the right one.
      text.push(tree.token[1]);
      session.observe(roundWith([tree.token[1]]));
    }
    const after = Array.from(session.bid(view(text, 2, 4))[0].chance);
    expect(after[0]).toBeLessThan(before[0] / 2);
    expect(after[1]).toBeGreaterThan(2 * before[1]);
  });

  test("the confidence of a drafted token is what tokens of that confidence were worth", () => {
    const session = open({ model: toyModel({ logitScale: 12 }), branches: 1 });
    const text = [...prompt];
    const confidences: number[] = [];
    for (let i = 0; i < 60; i++) {
      const tree = draft(session, view(text, 1), 1);
      confidences.push(tree.confidence[0]);
      const wrong = (tree.token[0] + 1) % 40;
      text.push(wrong);
      session.observe(roundWith([wrong]));
    }
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(mean(confidences.slice(-10))).toBeLessThan(mean(confidences.slice(0, 5)) / 2);
  });

  test("the chances of siblings sum to at most 1, whatever was learned of each", () => {
    const acceptance = new AcceptanceTable();
    for (let rank = 0; rank < 3; rank++) for (let i = 0; i < 60; i++) acceptance.update(rank, 0, true);
    const session = modelDrafter({ model: toyModel(), branches: 3, curve }).open(sequenceView({ acceptance }));
    const [first, second, third] = session.bid(view(prompt, 1, 3))[0].chance;
    expect(first).toBeGreaterThan(0.9);
    expect(first + second + third).toBeLessThanOrEqual(1 + 1e-12);
  });

  test("measures its own forwards", () => {
    let now = 0;
    const clock = () => {
      now += 2;
      return now;
    };
    const session = modelDrafter({ model: toyModel(), branches: 1, clock }).open(sequenceView());
    expect(session.bid(view(prompt, 4))[0].draftMs(4)).toBe(0);
    draft(session, view(prompt, 8), 8);
    session.observe(roundWith([1]));
    expect(session.bid(view([...prompt, 1], 4))[0].draftMs(4)).toBeCloseTo(8, 6);
  });
});

test("another vocabulary is refused, as are branches out of range", () => {
  const drafter = modelDrafter({ model: toyModel() });
  expect(() => drafter.open(sequenceView({ vocabSize: 41 }))).toThrow(/40 tokens, the target 41/);
  expect(() => modelDrafter({ model: toyModel(), branches: 5 })).toThrow(/1\.\.4/);
});

test("closing gives the rows back", () => {
  const model = toyModel({ contextLength: 96, maxRows: 96 });
  const session = open({ model });
  draft(session, view(prompt, 4), 4);
  session.close();
  open({ model }).close();
});

test("likeliest: best first, lowest id on ties, with softmax probabilities", () => {
  const logits = Float32Array.of(1, 3, 3, -30, 2);
  const { tokens, probabilities } = likeliest(logits, 3);
  expect(tokens).toEqual([1, 2, 4]);
  const sum = Math.exp(1) + 2 * Math.exp(3) + Math.exp(2);
  expect(probabilities[0]).toBeCloseTo(Math.exp(3) / sum, 6);
  expect(probabilities[2]).toBeCloseTo(Math.exp(2) / sum, 6);
  expect(likeliest(logits, 9).tokens).toEqual([1, 2, 4, 0, 3]);
});
