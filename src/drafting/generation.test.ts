import { describe, expect, test } from "vitest";
import { chainBatch, type ForwardBatch, type LanguageModel } from "../lm/model.ts";
import { argmax, createHistory, createSampler, keyedUniform } from "../lm/sampling/index.ts";
import { seededRandom, tableModel, toyModel } from "../lm/toy/index.ts";
import { type CostCurve, MeasuredCurve } from "./cost-curve.ts";
import type { Drafter, RoundResult, TokenView } from "./drafter.ts";
import { lookupDrafter } from "./drafters/lookup.ts";
import { Generation } from "./generation.ts";
import type { GenerationOptions } from "./generation-options.ts";
import type { RoundReport } from "./round-report.ts";
import { Stats } from "./stats.ts";
import { repeatingTable } from "./testing/tables.ts";
import { type DraftTree, emptyTree, Role, TreeBuilder } from "./tree.ts";

const flat: CostCurve = { ms: (width) => 10 + 0.1 * (width - 1), observe() {} };
const greedy = { temperature: 0 };

type Settings = Partial<Omit<GenerationOptions, "model">> & { model: LanguageModel };

function start(settings: Settings): Generation {
  const defaults = { promptTokens: [1, 2, 3], sampling: greedy, seed: 0, maxTokens: 16, curve: flat };
  return new Generation({ ...defaults, sequence: settings.model.open(), ...settings });
}

function finish(generation: Generation, chunk = 64): RoundReport[] {
  const rounds: RoundReport[] = [];
  while (generation.prefillStep(chunk) > 0);
  while (!generation.finishReason) rounds.push(generation.step());
  generation.close();
  return rounds;
}

const tokensOf = (rounds: readonly RoundReport[]) => rounds.flatMap(({ emitted }) => emitted.map(({ token }) => token));

/** A drafter that proposes what `propose` returns, and lets `observe` look. */
function planted(
  propose: (context: TokenView) => DraftTree,
  extra: { name?: string; hidden?: number[]; observe?: (round: RoundResult) => void; close?: () => void } = {},
): Drafter {
  return {
    name: extra.name ?? "planted",
    needs: { hidden: extra.hidden },
    open() {
      let tree = emptyTree;
      return {
        bid(context) {
          tree = propose(context);
          const chance = Float64Array.from(tree.confidence);
          return tree.token.length === 0 ? [] : [{ parent: tree.parent, chance, draftMs: () => 0 }];
        },
        expand: () => tree,
        observe: (round) => extra.observe?.(round),
        close: () => extra.close?.(),
      };
    },
  };
}

function chainOf(tokens: readonly number[], source = 1): DraftTree {
  const builder = new TreeBuilder();
  tokens.forEach((token, i) => {
    builder.add(i - 1, token, source, 0.9);
  });
  return builder.build();
}

describe("plain decoding", () => {
  test.each([
    ["greedy", greedy],
    ["sampled", { temperature: 0.8, topP: 0.95, repetitionPenalty: 1.1 }],
  ])("is the model called token by token: %s", (_, sampling) => {
    const model = toyModel();
    const prompt = [5, 6, 7, 8];
    const sampler = createSampler(sampling, model.vocabSize);
    const tokens = [...prompt];
    for (let i = 0; i < 16; i++) {
      const sequence = model.open();
      const logits = model.forward(chainBatch(sequence, tokens, "last")).logits(tokens.length - 1);
      const history = createHistory(sampling, model.vocabSize, tokens);
      tokens.push(sampler.pick(logits, history, keyedUniform(7, 2, tokens.length)));
      sequence.close();
    }
    const rounds = finish(start({ model, promptTokens: prompt, sampling, seed: 7, completion: 2 }));
    expect(tokensOf(rounds)).toEqual(tokens.slice(prompt.length));
    expect(rounds.every(({ emitted, trace }) => emitted.length === 1 && trace.width === 1)).toBe(true);
    expect(rounds[0].emitted[0].source).toBe("target");
  });

  test("the prefill is chunked as asked, the last prompt token left as the root, with or without drafters", () => {
    for (const drafters of [[], [lookupDrafter()]]) {
      const model = toyModel();
      const widths: number[] = [];
      const watched = Object.assign(Object.create(model) as LanguageModel, {
        forward(batch: ForwardBatch) {
          widths.push(batch.token.length);
          return model.forward(batch);
        },
      });
      const generation = start({
        model: watched,
        sequence: model.open(),
        promptTokens: new Array(12).fill(3),
        drafters,
      });
      expect(generation.prefillLeft).toBe(11);
      expect(() => generation.step()).toThrow(/prefillStep/);
      expect(() => generation.prefillStep(0)).toThrow(/no progress/);
      expect([generation.prefillStep(4), generation.prefillStep(4), generation.prefillStep(4)]).toEqual([7, 3, 0]);
      expect(generation.prefillStep(4)).toBe(0);
      expect(widths).toEqual([4, 4, 3]);
      generation.close();
    }
  });

  test("goes on from a cached prefix of the prompt", () => {
    const model = toyModel();
    const prompt = [9, 8, 7, 6, 5];
    const sequence = model.open();
    model.forward(chainBatch(sequence, prompt.slice(0, 3), "none"));
    sequence.compact([0, 1, 2]);
    const generation = start({ model, sequence, promptTokens: prompt });
    expect(generation.prefillLeft).toBe(1);
    expect(tokensOf(finish(generation))).toEqual(tokensOf(finish(start({ model, promptTokens: prompt }))));
  });

  test("a sequence with fewer rows than the context ends the text", () => {
    const model = toyModel();
    const rounds = finish(
      start({ model, sequence: model.open({ rows: 8 }), maxTokens: 99, drafters: [lookupDrafter()] }),
    );
    expect(tokensOf(rounds)).toHaveLength(5);
    expect(rounds.at(-1)?.finishReason).toBe("context");
  });
});

describe("rounds", () => {
  // After token t this model says t + 1, almost surely.
  const counting = () =>
    tableModel({
      vocabSize: 10,
      probabilities: (prefix) =>
        Array.from({ length: 10 }, (_, token) => (token === (prefix[prefix.length - 1] + 1) % 10 ? 0.991 : 0.001)),
    });
  const forced = (budget: number) => ({ mode: "forced", budget }) as const;

  test("every token carries its source", () => {
    const drafters = [
      planted(() => emptyTree, { name: "silent" }),
      planted(({ tokens, length }) => chainOf([(tokens[length - 1] + 1) % 10, 0, 1], 2), { name: "loud" }),
    ];
    const generation = start({ model: counting(), drafters, policy: forced(3), maxTokens: 4 });
    expect(generation.sources).toEqual(["target", "silent", "loud"]);
    const [first, second] = finish(generation);
    expect(first.emitted).toEqual([
      { token: 4, source: "loud" },
      { token: 5, source: "target" },
    ]);
    expect(first.trace).toMatchObject({
      decision: "forced",
      offered: { loud: 3 },
      proposed: { loud: 3 },
      width: 4,
      accepted: 1,
    });
    expect(first.trace.expectedTokens).toBeCloseTo(1 + 0.9 + 0.81 + 0.729, 5);
    expect(second.trace.proposed).toEqual({ loud: 1 });
  });

  test("a forced budget is filled from further drafters, equal paths once", () => {
    const drafters = [
      planted(() => chainOf([4, 5], 1), { name: "one" }),
      planted(() => chainOf([4, 9, 9, 9], 2), { name: "two" }),
    ];
    const generation = start({ model: counting(), drafters, policy: forced(5), maxTokens: 9 });
    generation.prefillStep(9);
    const { trace, emitted } = generation.step();
    expect(trace.width).toBe(6);
    expect(trace.proposed).toEqual({ one: 1, two: 4 });
    expect(emitted.map(({ token }) => token)).toEqual([4, 5, 6]);
    expect(emitted.map(({ source }) => source)).toEqual(["two", "one", "target"]);
    generation.close();
  });

  test("drafters see the target's argmax and hidden states at every node, rejected ones too", () => {
    const model = toyModel({ contextLength: 32 });
    let seen = 0;
    const observe = (round: RoundResult) => {
      for (let node = -1; node < round.tree.token.length; node++) {
        const path: number[] = [];
        for (let i = node; i >= 0; i = round.tree.parent[i]) path.unshift(round.tree.token[i]);
        const context = Array.from(round.tokens.subarray(0, round.length - round.emitted.length));
        const sequence = model.open();
        const batch = chainBatch(sequence, [...context, ...path], "last");
        const rows = new Uint8Array(batch.token.length);
        rows[rows.length - 1] = 1;
        const alone = model.forward({ ...batch, wantHidden: { layers: [2], rows } });
        expect(round.argmax(node)).toBe(argmax(alone.logits(rows.length - 1)));
        expect(round.hidden(node, 2)).toEqual(alone.hidden(rows.length - 1, 2));
        sequence.close();
        seen++;
      }
      expect(round.path).toHaveLength(round.emitted.length - 1);
      expect(Array.from(round.tokens.subarray(round.length - round.emitted.length, round.length))).toEqual(
        round.emitted,
      );
    };
    const random = seededRandom(3);
    const trees = () => {
      const builder = new TreeBuilder();
      for (let i = 0; i < 5; i++) builder.add(Math.floor(random() * (builder.size + 1)) - 1, i * 3, 1, 0.5);
      return builder.build();
    };
    finish(start({ model, drafters: [planted(trees, { hidden: [2], observe })], policy: forced(5), maxTokens: 6 }));
    expect(seen).toBeGreaterThan(20);
  });

  test("observed nodes are evaluated, never accepted, and not counted as proposed", () => {
    const tree = ({ tokens, length }: TokenView) => {
      const builder = new TreeBuilder();
      builder.add(-1, (tokens[length - 1] + 1) % 10, 1, 0.9, Role.observed);
      return builder.build();
    };
    const rounds = finish(start({ model: counting(), drafters: [planted(tree)], policy: forced(2), maxTokens: 4 }));
    expect(rounds.map(({ emitted, trace }) => [emitted.length, trace.width])).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
      [1, 1],
    ]);
    expect(rounds[0].trace.proposed).toEqual({});
  });

  test.each([
    ["a parent that comes later", { ...chainOf([1, 2]), parent: Int32Array.of(1, -1) }],
    ["a token past the vocabulary", chainOf([10])],
    ["equal siblings", { ...chainOf([1, 1]), parent: Int32Array.of(-1, -1) }],
  ])("a tree with %s is refused, and the generation can still be closed", (_, tree) => {
    const model = counting();
    const generation = start({ model, drafters: [planted(() => tree)], policy: forced(4) });
    generation.prefillStep(9);
    expect(() => generation.step()).toThrow(/"planted" proposed a tree/);
    generation.close();
  });

  test("a stop inside the draft ends the round there: nothing behind it is emitted, counted or kept", () => {
    const model = counting();
    const draft = () => chainOf([4, 5, 6, 7]);
    const seen: number[][] = [];
    const observe = ({ emitted }: RoundResult) => seen.push([...emitted]);
    const base = { model, drafters: [planted(draft, { observe })], policy: forced(4) };
    const [stop] = finish(start({ ...base, stopTokens: new Set([5]) }));
    expect(stop).toMatchObject({ finishReason: "stop", trace: { accepted: 2 } });
    expect(tokensOf([stop])).toEqual([4, 5]);
    expect(seen).toEqual([[4, 5]]);
    const asked: number[] = [];
    const isStopText = (token: number) => asked.push(token) === 3;
    const [text] = finish(start({ ...base, isStopText }));
    expect(text.finishReason).toBe("stop-string");
    expect(asked).toEqual([4, 5, 6]);
  });

  test("when several ends meet, the stop token is the reason", () => {
    const [round] = finish(start({ model: counting(), maxTokens: 1, stopTokens: new Set([4]) }));
    expect(round.finishReason).toBe("stop");
  });
});

describe("bad calls", () => {
  const model = toyModel({ contextLength: 16 });
  test.each<[string, Partial<Settings>, RegExp]>([
    ["an empty prompt", { promptTokens: [] }, /prompt is empty/],
    ["a prompt as long as the context", { promptTokens: new Array(16).fill(1) }, /16 tokens and the context holds 16/],
    ["a token past the vocabulary", { promptTokens: [1, 40] }, /40/],
    ["no tokens to emit", { maxTokens: 0 }, /maxTokens is 0/],
    ["a budget of zero nodes", { policy: { mode: "forced", budget: 0 } }, /budget is 0/],
    ["forcing without a budget", { policy: { mode: "forced" } }, /needs a budget/],
    ["equal names", { drafters: [lookupDrafter(), lookupDrafter()] }, /different names/],
    ["a drafter called target", { drafters: [planted(() => emptyTree, { name: "target" })] }, /different names/],
  ])("%s", (_, settings, message) => {
    const sequence = model.open();
    expect(() => start({ model, sequence, ...settings })).toThrow(message);
    // It is still the caller's.
    sequence.close();
  });

  test("a sequence that holds the whole prompt already", () => {
    const sequence = model.open();
    model.forward(chainBatch(sequence, [1, 2, 3], "none"));
    sequence.compact([0, 1, 2]);
    expect(() => start({ model, sequence })).toThrow(/more than the prompt/);
    sequence.close();
  });

  test("a step after the end, or after closing", () => {
    const generation = start({ model, maxTokens: 1 });
    generation.prefillStep(9);
    generation.step();
    expect(() => generation.step()).toThrow(/ended/);
    generation.close();
    expect(() => generation.step()).toThrow(/closed/);
    expect(() => generation.prefillStep(1)).toThrow(/closed/);
  });

  test("drafters opened before one that fails are closed", () => {
    let closed = 0;
    const good = planted(() => emptyTree, { close: () => closed++ });
    const bad: Drafter = {
      name: "bad",
      needs: {},
      open() {
        throw new Error("no");
      },
    };
    const sequence = model.open();
    expect(() => start({ model, sequence, drafters: [good, bad] })).toThrow("no");
    expect(closed).toBe(1);
    sequence.close();
  });
});

describe("auto", () => {
  /** A model that takes, by the clock it shares with the generation, the milliseconds of `cost` for each forward. */
  function timed(model: LanguageModel, cost: (width: number) => number) {
    const time = { now: 0 };
    const wrapped = Object.assign(Object.create(model) as LanguageModel, {
      forward(batch: ForwardBatch) {
        time.now += cost(batch.token.length);
        return model.forward(batch);
      },
    });
    return { model: wrapped, clock: () => time.now, time };
  }
  const decodeMs = (model: LanguageModel, cost: (width: number) => number, settings: Partial<Settings>) => {
    const world = timed(model, cost);
    const generation = start({ ...world, sequence: model.open(), maxTokens: 400, curve: undefined, ...settings });
    while (generation.prefillStep(64) > 0);
    world.time.now = 0;
    const rounds = finish(generation);
    return { ms: world.time.now, rounds, tokens: tokensOf(rounds) };
  };
  const steep = (width: number) => 5 + 5 * width;
  const nearlyFlat = (width: number) => 10 + 0.2 * width;
  const longPrompt = Array.from({ length: 24 }, (_, i) => (i * 7 + (i % 5)) % 40);

  test("on a text that repeats itself it drafts deep, and gains", () => {
    const model = tableModel({ vocabSize: 40, probabilities: repeatingTable(40, 24), contextLength: 512 });
    const base = { promptTokens: longPrompt };
    const plain = decodeMs(model, nearlyFlat, { ...base, policy: { mode: "off" } });
    const drafted = decodeMs(model, nearlyFlat, { ...base, drafters: [lookupDrafter()] });
    expect(drafted.tokens).toEqual(plain.tokens);
    expect(plain.ms / drafted.ms).toBeGreaterThan(5);
    expect(drafted.rounds.some(({ trace }) => trace.decision === "bought" && trace.width > 16)).toBe(true);
  });

  test("on a curve where width never pays it decodes plainly, but for a few probes", () => {
    const model = tableModel({ vocabSize: 40, probabilities: repeatingTable(40, 24), contextLength: 512 });
    const linear = (width: number) => 10 * width;
    const base = { promptTokens: longPrompt };
    const plain = decodeMs(model, linear, { ...base, policy: { mode: "off" } });
    const drafted = decodeMs(model, linear, { ...base, drafters: [lookupDrafter()] });
    expect(plain.ms / drafted.ms).toBeGreaterThan(0.98);
  });

  test("on a text where nothing can be guessed it does not lose", () => {
    const random = seededRandom(5);
    const noise = Array.from({ length: 600 }, () => Math.floor(random() * 40));
    const model = tableModel({
      vocabSize: 40,
      contextLength: 512,
      probabilities: (prefix) => Array.from({ length: 40 }, (_, t) => (t === noise[prefix.length] ? 0.961 : 0.001)),
    });
    const base = { promptTokens: noise.slice(0, 24) };
    const plain = decodeMs(model, steep, { ...base, policy: { mode: "off" } });
    const drafted = decodeMs(model, steep, { ...base, drafters: [lookupDrafter({ branches: 2 })] });
    expect(drafted.tokens).toEqual(plain.tokens);
    expect(plain.ms / drafted.ms).toBeGreaterThan(0.98);
  });

  test("a drafter that promises what it cannot keep is paused, with the reason in the trace", () => {
    const model = toyModel({ contextLength: 512 });
    const liar = planted(({ maxNodes }) => chainOf(new Array(Math.min(6, maxNodes)).fill(0)));
    const base = { promptTokens: longPrompt };
    const plain = decodeMs(model, steep, { ...base, policy: { mode: "off" } });
    const drafted = decodeMs(model, steep, { ...base, drafters: [liar] });
    const decisions = drafted.rounds.map(({ trace }) => trace.decision);
    const count = (wanted: string) => decisions.filter((decision) => decision === wanted).length;
    const unmeasured = new Array(5).fill("declined");
    expect(decisions.slice(0, 14)).toEqual([...unmeasured, ...new Array(8).fill("bought"), "slower-than-plain"]);
    expect(count("slower-than-plain")).toBeGreaterThan(300);
    expect(count("bought")).toBeLessThan(30);
    expect(drafted.tokens).toEqual(plain.tokens);
  });

  test("what several drafters offer for nothing is verified as one tree", () => {
    const model = tableModel({ vocabSize: 40, probabilities: repeatingTable(40, 24), contextLength: 512 });
    const base = { promptTokens: longPrompt, policy: { mode: "auto" } as const, maxTokens: 60 };
    const truth = decodeMs(model, nearlyFlat, { ...base, policy: { mode: "off" } }).tokens;
    const at = (context: TokenView) => context.length - longPrompt.length;
    // The first is right at even positions, the second at odd ones.
    const half = (name: string, odd: number) =>
      planted(
        (context) => {
          const right = at(context) % 2 === odd;
          const tokens = truth.slice(at(context), at(context) + 3).map((token) => (right ? token : (token + 1) % 40));
          const tree = chainOf(tokens, odd + 1);
          return { ...tree, confidence: tree.confidence.map((_, i) => (i === 0 ? 0.5 : 0.9)) };
        },
        { name },
      );
    const { rounds } = decodeMs(model, nearlyFlat, { ...base, drafters: [half("even", 0), half("odd", 1)] });
    const bought = rounds.filter(({ trace }) => trace.decision === "bought" && trace.width > 4);
    expect(bought.length).toBeGreaterThan(5);
    expect(bought.every(({ trace }) => trace.proposed.even > 0 && trace.proposed.odd > 0)).toBe(true);
    expect(bought.every(({ trace }) => trace.accepted > 0)).toBe(true);
    expect(tokensOf(rounds)).toEqual(truth);
  });

  test("a draft that turns out weak is not verified", () => {
    const model = toyModel();
    const strong = planted(() => chainOf([1, 2]));
    const weak: Drafter = {
      ...strong,
      open(view) {
        const tree = { ...chainOf([1, 2]), confidence: Float32Array.of(0.001, 0.001) };
        return { ...strong.open(view), expand: () => tree };
      },
    };
    // The first five rounds are plain: the curve is unmeasured.
    const [, , , , , sixth] = decodeMs(model, steep, { drafters: [weak] }).rounds;
    expect(sixth.trace).toMatchObject({ decision: "draft-discarded", width: 1, proposed: {} });
  });

  test("a profile that makes drafting look hopeless is found out by a probe", () => {
    const model = tableModel({ vocabSize: 40, probabilities: repeatingTable(40, 24), contextLength: 512 });
    const widths = [1, 2, 4, 8, 16, 33];
    const busy = widths.map((width) => [nearlyFlat(width) * (width > 1 ? 50 : 1)]);
    const base = { promptTokens: longPrompt, drafters: [lookupDrafter()] };
    const drafted = decodeMs(model, nearlyFlat, { ...base, curve: new MeasuredCurve({ widths, kv: [0], ms: busy }) });
    const decisions = drafted.rounds.map(({ trace }) => trace.decision);
    expect(decisions.indexOf("probe")).toBe(16);
    expect(decisions.slice(17).filter((decision) => decision === "bought").length).toBeGreaterThan(9);
    expect(drafted.rounds.slice(17).length).toBeLessThan(50);
  });

  test("the same seed, clock and curve give the same decisions", () => {
    const model = tableModel({ vocabSize: 40, probabilities: repeatingTable(40, 24), contextLength: 512 });
    const traces = () =>
      decodeMs(model, nearlyFlat, { promptTokens: longPrompt, drafters: [lookupDrafter()] }).rounds.map(
        ({ trace }) => trace,
      );
    expect(traces()).toEqual(traces());
  });
});

describe("Stats", () => {
  test("counts rounds, proposals and acceptance by source in the shape of the command's JSON", () => {
    const model = tableModel({ vocabSize: 6, probabilities: repeatingTable(6, 3), contextLength: 64 });
    const drafter = planted(({ tokens, length }) => chainOf([tokens[length - 3], 0, 0]), { name: "copy" });
    const generation = start({ model, drafters: [drafter], policy: { mode: "forced", budget: 3 }, maxTokens: 5 });
    const stats = new Stats(model.numerics, ["copy", "silent"]);
    expect(stats.toJSON().meanEmitted).toBe(0);
    for (const round of finish(generation)) stats.add(round);
    // Rounds of 2, 2 and 1 tokens; the last one could emit one token only, so nothing was drafted for it.
    expect(JSON.parse(JSON.stringify(stats))).toEqual({
      rounds: 3,
      proposed: 5,
      accepted: 2,
      meanEmitted: 5 / 3,
      bySource: { copy: { proposed: 5, accepted: 2 }, silent: { proposed: 0, accepted: 0 } },
      numerics: "exact",
    });
    expect([...stats.verifyByWidth].map(([width, { rounds }]) => [width, rounds])).toEqual([
      [4, 1],
      [3, 1],
      [1, 1],
    ]);
  });
});
