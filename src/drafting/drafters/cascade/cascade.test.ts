import { describe, expect, test } from "vitest";
import { chainBatch, type ForwardBatch, type LanguageModel } from "../../../lm/model.ts";
import { argmax } from "../../../lm/sampling/index.ts";
import { seededRandom, tableModel, toyModel } from "../../../lm/toy/index.ts";
import type { CostCurve } from "../../cost-curve.ts";
import type { DraftSession, RoundResult, TokenView } from "../../drafter.ts";
import { Generation } from "../../generation.ts";
import { sequenceView } from "../../testing/sequence-view.ts";
import { repeatingTable } from "../../testing/tables.ts";
import { emptyTree } from "../../tree.ts";
import { bigramTable } from "../bigram.ts";
import { lookupDrafter } from "../lookup.ts";
import { type CascadeOptions, cascadeDrafter } from "./index.ts";

const curve: CostCurve = { ms: (width) => 1 + 0.1 * (width - 1), observe() {} };
const prompt = [3, 1, 4, 1, 5, 9, 2, 6, 3, 1, 4];

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

function view(tokens: readonly number[], maxDepth: number): TokenView {
  return { tokens: Int32Array.from(tokens), length: tokens.length, maxDepth, maxNodes: maxDepth };
}

function draft(session: DraftSession, context: TokenView, nodes: number, floor = 0): number[] {
  const [bid] = session.bid(context);
  return bid ? Array.from(session.expand(bid, nodes, floor).token) : [];
}

function roundWith(tokens: readonly number[], emitted: readonly number[]): RoundResult {
  return {
    tokens: Int32Array.from([...tokens, ...emitted]),
    length: tokens.length + emitted.length,
    emitted,
    tree: emptyTree,
    path: [],
    argmax: () => 0,
    hidden: () => new Float32Array(0),
  };
}

function greedyContinuation(model: LanguageModel, tokens: readonly number[], count: number): number[] {
  const out = [...tokens];
  for (let i = 0; i < count; i++) {
    const sequence = model.open();
    out.push(argmax(model.forward(chainBatch(sequence, out, "last")).logits(out.length - 1)));
    sequence.close();
  }
  return out.slice(tokens.length);
}

function generate(
  target: LanguageModel,
  options: CascadeOptions | null,
  temperature: number,
  seed = 5,
  start = prompt,
) {
  const drafters = options ? [cascadeDrafter(options)] : [];
  const generation = new Generation({
    model: target,
    sequence: target.open(),
    promptTokens: start,
    sampling: { temperature },
    seed,
    maxTokens: 40,
    policy: options ? { mode: "forced", budget: 12 } : { mode: "off" },
    drafters,
    clock: () => 0,
  });
  while (generation.prefillStep(64) > 0);
  const emitted: number[][] = [];
  while (!generation.finishReason) emitted.push(generation.step().emitted.map(({ token }) => token));
  generation.close();
  return { tokens: emitted.flat(), rounds: emitted, stats: drafters[0]?.stats };
}

describe("Max-Gram alone", () => {
  test("is lookup: the same drafts, whatever the text, tie, bigram table and budget", () => {
    const random = seededRandom(3);
    for (let i = 0; i < 60; i++) {
      const text = Array.from({ length: 3 + (i % 40) }, () => Math.floor(random() * (3 + (i % 7))));
      const settings = {
        tie: i % 2 === 0 ? ("earliest" as const) : ("latest" as const),
        minMatch: 1 + (i % 3),
        ...(i % 4 === 0 && { bigram: bigramTable(text, 40) }),
      };
      const nodes = 1 + (i % 10);
      const cascade = cascadeDrafter({ models: [], k: [[10]], maxGram: settings }).open(sequenceView());
      const lookup = lookupDrafter({ ...settings, block: 10 }).open(sequenceView());
      expect(draft(cascade, view(text, nodes), nodes)).toEqual(draft(lookup, view(text, nodes), nodes));
    }
  });

  test("the longest suffix wins over a more recent shorter one; at the end the copy goes on", () => {
    const open = () => cascadeDrafter({ models: [], k: [[8]] }).open(sequenceView());
    expect(draft(open(), view([1, 2, 3, 9, 8, 3, 7, 7, 1, 2, 3], 3), 3)).toEqual([9, 8, 3]);
    expect(draft(open(), view([1, 2, 3, 1, 2], 8), 8)).toEqual([3, 1, 2, 3, 1, 2, 3, 1]);
    expect(draft(open(), view([1, 2, 3, 4], 5), 5)).toEqual([]);
  });

  test("without a match the bigram table speaks, until it knows nothing", () => {
    const bigram = bigramTable([1, 2, 3], 40);
    const open = () => cascadeDrafter({ models: [], k: [[8]], maxGram: { bigram } }).open(sequenceView());
    expect(draft(open(), view([7, 1], 5), 5)).toEqual([2, 3]);
    expect(draft(open(), view([7, 3], 5), 5)).toEqual([]);
  });

  test("a text that repeats gives a block and one token a round", () => {
    const target = tableModel({ vocabSize: 8, probabilities: repeatingTable(8, 5), contextLength: 96 });
    const start = [3, 1, 4, 0, 5, 3, 1];
    const { rounds } = generate(target, { models: [], k: [[10]] }, 0, 1, start);
    expect(rounds.slice(0, -1).map((round) => round.length)).toEqual([11, 11, 11]);
  });

  test("nothing at all is plain decoding", () => {
    const target = toyModel();
    const { tokens, rounds } = generate(target, { models: [], maxGram: false }, 0);
    expect(tokens).toEqual(generate(target, null, 0).tokens);
    expect(rounds.every((round) => round.length === 1)).toBe(true);
  });
});

describe("the vertical cascade", () => {
  test("a model keeps what it would say itself, so its draft is its own greedy continuation", () => {
    const session = cascadeDrafter({
      models: [{ model: toyModel({ seed: 4 }), curve }],
      k: [
        [6, 0],
        [0, 4],
      ],
    }).open(sequenceView());
    expect(draft(session, view(prompt, 6), 6)).toEqual(greedyContinuation(toyModel({ seed: 4 }), prompt, 6));
  });

  test("so is that of a cascade of three, at lenience 1", () => {
    const models = [4, 5, 6].map((seed) => ({ model: toyModel({ seed }), curve }));
    const k = [
      [8, 0, 0, 0],
      [0, 2, 1, 3],
      [0, 0, 3, 1],
      [0, 0, 0, 4],
    ];
    const session = cascadeDrafter({ models, k }).open(sequenceView());
    expect(draft(session, view(prompt, 8), 8)).toEqual(greedyContinuation(toyModel({ seed: 4 }), prompt, 8));
  });

  test("no model decodes: one forward a review, and fewer than tokens where Max-Gram is right", () => {
    // The model repeats its first five tokens for ever; so does Max-Gram.
    const table = () => tableModel({ vocabSize: 8, probabilities: repeatingTable(8, 5), contextLength: 96 });
    const model = counting(table());
    const start = [3, 1, 4, 0, 5, 3, 1];
    const { rounds, stats } = generate(
      table(),
      {
        models: [{ model, curve }],
        k: [
          [12, 0],
          [0, 11],
        ],
      },
      0,
      1,
      start,
    );
    expect(rounds[0]).toHaveLength(13);
    // Blocks of 11 and one token of its own: one review drafts twelve. The last round has one token left to emit.
    expect(model.widths).toHaveLength(rounds.length - 1);
    expect(stats?.levels[0]).toMatchObject({ calls: model.widths.length, accepted: 40 - rounds.length });
    expect(stats?.levels[0].kept).toBe(stats?.levels[0].reviewed);
  });

  test.each([1, 3])("every forward is a review, for all levels, lenience %i", (lenience) => {
    const counted = [8, 9].map((seed) => counting(toyModel({ seed, logitScale: 6 })));
    const models = counted.map((model) => ({ model, curve }));
    const k = [
      [4, 5, 3],
      [0, 1, 4],
      [0, 0, 5],
    ];
    const { stats } = generate(toyModel({ logitScale: 6 }), { models, k, lenience }, 0);
    expect(stats?.levels.map(({ calls }) => calls).slice(0, 2)).toEqual(counted.map(({ widths }) => widths.length));
    for (const { widths } of counted) expect(widths.length).toBeGreaterThan(3);
  });
});

describe("the horizontal cascade", () => {
  test("better drafters write first, and each stops at its threshold", () => {
    const model = toyModel({ seed: 4 });
    const drafter = cascadeDrafter({
      models: [{ model, curve }],
      k: [
        [2, 4],
        [0, 0],
      ],
    });
    const drafted = draft(drafter.open(sequenceView()), view(prompt, 6), 6);
    expect(drafted.slice(0, 2)).toEqual(greedyContinuation(model, prompt, 2));
    const lookup = lookupDrafter().open(sequenceView());
    expect(drafted.slice(2)).toEqual(draft(lookup, view([...prompt, ...drafted.slice(0, 2)], 4), 4));
  });

  test("drafts no more than was bought, and stops where a path does not pay", () => {
    const model = counting(toyModel({ seed: 4 }));
    const open = () =>
      cascadeDrafter({
        models: [{ model, curve }],
        k: [
          [8, 0],
          [0, 0],
        ],
      }).open(sequenceView());
    expect(draft(open(), view(prompt, 8), 3)).toHaveLength(3);
    expect(model.widths).toEqual([prompt.length, 1, 1]);
    model.widths.length = 0;
    expect(draft(open(), view(prompt, 8), 8, 0.99)).toHaveLength(1);
    expect(model.widths).toEqual([prompt.length]);
  });
});

describe("the caches", () => {
  test("follow the text through accepted, rejected and skipped drafts", () => {
    const seeds = [4, 5];
    const k = [
      [5, 2, 0],
      [0, 2, 2],
      [0, 0, 3],
    ];
    const fresh = () => cascadeDrafter({ models: seeds.map((seed) => ({ model: toyModel({ seed }), curve })), k });
    const session = fresh().open(sequenceView());
    const text = [...prompt];
    const random = seededRandom(8);
    for (let round = 0; round < 12; round++) {
      const context = view(text, 7);
      const drafted = round % 4 === 3 ? [] : draft(session, context, 7);
      if (round % 4 !== 3) expect(drafted).toEqual(draft(fresh().open(sequenceView()), context, 7));
      const emitted = [...drafted.slice(0, Math.floor(random() * (drafted.length + 1))), Math.floor(random() * 40)];
      session.observe(roundWith(text, emitted));
      text.push(...emitted);
    }
  });

  test("later rounds run only what is new", () => {
    const model = counting(toyModel({ seed: 4 }));
    const session = cascadeDrafter({
      models: [{ model, curve }],
      k: [
        [3, 0],
        [0, 0],
      ],
    }).open(sequenceView());
    const first = draft(session, view(prompt, 3), 3);
    session.observe(roundWith(prompt, [...first, 7]));
    model.widths.length = 0;
    draft(session, view([...prompt, ...first, 7], 3), 3);
    // The last drafted token was never run: it comes with the root.
    expect(model.widths).toEqual([2, 1, 1]);
  });

  test("closing gives the rows back", () => {
    const model = toyModel({ contextLength: 96, maxRows: 96 });
    const drafter = cascadeDrafter({
      models: [{ model }],
      k: [
        [3, 3],
        [0, 3],
      ],
    });
    for (let i = 0; i < 2; i++) {
      const session = drafter.open(sequenceView());
      draft(session, view(prompt, 4), 4);
      session.close();
    }
    const other = { model: toyModel({ vocabSize: 41 }) };
    const broken = cascadeDrafter({
      models: [{ model }, other],
      k: [
        [3, 3, 3],
        [0, 3, 3],
        [0, 0, 3],
      ],
    });
    expect(() => broken.open(sequenceView())).toThrow(/model 2 has 41 tokens, the target 40/);
    drafter.open(sequenceView()).close();
  });
});

describe("K and lenience", () => {
  const target = toyModel({ logitScale: 6 });
  const models = [1, 8].map((seed) => ({ model: toyModel({ seed, logitScale: 6 }), curve }));

  test.each([0, 0.8])("change the statistics, never the output: temperature %f", (temperature) => {
    const plain = generate(target, null, temperature).tokens;
    const seen = new Set<string>();
    for (const lenience of [1, 3, 20]) {
      for (const k of [
        [
          [4, 5, 6],
          [0, 1, 4],
          [0, 0, 6],
        ],
        [
          [1, 1, 1],
          [0, 0, 1],
          [0, 0, 1],
        ],
        [
          [0, 6, 0],
          [0, 0, 0],
          [0, 0, 2],
        ],
      ]) {
        const { tokens, stats } = generate(target, { models, k, lenience }, temperature);
        expect(tokens).toEqual(plain);
        seen.add(JSON.stringify(stats?.levels.map(({ calls, kept }) => [calls, kept])));
      }
    }
    expect(seen.size).toBeGreaterThan(4);
  });

  test("lenience keeps tokens that the model finds likely enough, and no others", () => {
    // After any text: token 1 with 0.5, token 2 with 0.3. Max-Gram says 2.
    const table = tableModel({ vocabSize: 4, probabilities: () => [0.1, 0.5, 0.3, 0.1] });
    const target4 = sequenceView({ vocabSize: 4, contextLength: 64 });
    const draftAt = (lenience: number) =>
      draft(
        cascadeDrafter({
          models: [{ model: table, curve }],
          k: [
            [2, 0],
            [0, 1],
          ],
          lenience,
        }).open(target4),
        view([0, 2, 3, 0], 2),
        2,
      );
    expect(draftAt(1)[0]).toBe(1);
    expect(draftAt(3)[0]).toBe(1);
    expect(draftAt(4)[0]).toBe(2);
  });
});

describe("bids", () => {
  test("run no network, and are the same objects until something is learned", () => {
    const model = counting(toyModel());
    const session = cascadeDrafter({
      models: [{ model, curve }],
      k: [
        [4, 4],
        [0, 3],
      ],
    }).open(sequenceView());
    const [first] = session.bid(view(prompt, 8));
    expect(session.bid(view(prompt, 8))[0].chance).toBe(first.chance);
    expect(model.widths).toEqual([]);
    expect(Array.from(first.parent)).toEqual([-1, 0, 1, 2, 3, 4, 5, 6]);
  });

  test("price the forwards expected, and the prompt spread over what is to come", () => {
    const drafter = cascadeDrafter({
      models: [{ model: toyModel(), curve }],
      k: [
        [3, 0],
        [0, 0],
      ],
    });
    const [bid] = drafter.open(sequenceView()).bid(view(prompt, 9));
    // Every token a forward of its own: 1 ms each; eleven rows missing cost 1 ms more than one row.
    expect(bid.onceMs ?? 0).toBeCloseTo(0, 9);
    expect(bid.draftMs(0)).toBe(0);
    expect([1, 2, 3].map((nodes) => bid.draftMs(nodes))).toEqual([1, 2, 3].map((ms) => expect.closeTo(ms + 1, 9)));
    const long = Array.from({ length: 41 }, (_, i) => i % 40);
    const [later] = drafter.open(sequenceView()).bid(view(long, 9));
    expect(later.onceMs).toBeCloseTo(4, 9);
    expect(later.draftMs(2)).toBeCloseTo(2 + 4 / 10, 9);
  });

  test("Max-Gram's tail is free, reviewed blocks are cheaper by the token the more of them is kept", () => {
    const drafter = cascadeDrafter({
      models: [{ model: toyModel(), curve }],
      k: [
        [1, 5],
        [0, 4],
      ],
    });
    const [bid] = drafter.open(sequenceView()).bid(view(prompt.slice(0, 1), 9));
    expect(bid.draftMs(1)).toBeGreaterThan(1);
    expect(bid.draftMs(6)).toBeCloseTo(bid.draftMs(1), 9);
  });

  test("chances are learned from the verdicts", () => {
    const session = cascadeDrafter({
      models: [{ model: toyModel(), curve }],
      k: [
        [3, 0],
        [0, 0],
      ],
    }).open(sequenceView());
    const text = [...prompt, 30];
    const before = Array.from(session.bid(view(text, 3))[0].chance);
    for (let i = 0; i < 12; i++) {
      const [first] = draft(session, view(text, 3), 3);
      // Never seen before, so that there is no match, before and after.
      const wrong = [
        Array.from({ length: 40 }, (_, token) => token).find((t) => t !== first && !text.includes(t)) ?? 0,
      ];
      session.observe(roundWith(text, wrong));
      text.push(...wrong);
    }
    const [after] = session.bid(view(text, 3));
    expect(after.chance[0]).toBeLessThan(before[0] / 2);
  });
});

test("K is searched again as milliseconds and acceptance are known", () => {
  // A model that is always right and nearly free, and a target whose width costs nothing: long blocks of the model's.
  const target = toyModel({ logitScale: 6 });
  const free: CostCurve = { ms: () => 0.001, observe() {} };
  const flat: CostCurve = { ms: () => 1, observe() {} };
  const drafter = cascadeDrafter({ models: [{ model: target, curve: free }], targetCurve: flat });
  const start = drafter.k;
  for (let i = 0; i < 6; i++) {
    const generation = new Generation({
      model: target,
      sequence: target.open(),
      promptTokens: [...prompt, i],
      sampling: { temperature: 0 },
      seed: 0,
      maxTokens: 30,
      policy: { mode: "forced", budget: 16 },
      drafters: [drafter],
    });
    while (generation.prefillStep(64) > 0);
    while (!generation.finishReason) generation.step();
    generation.close();
  }
  expect(drafter.k).not.toEqual(start);
  expect(drafter.k[0][0]).toBeGreaterThanOrEqual(8);
  expect(drafter.stats.acceptance(0, 0)).toBeGreaterThan(0.95);
  expect(drafter.stats.evidence(0, 0)).toBeGreaterThan(100);
});

test.each<[string, Partial<CascadeOptions>, RegExp]>([
  ["a matrix of the wrong size", { k: [[1, 2, 3]] }, /k must be 2 x 2/],
  [
    "an entry that is no count",
    {
      k: [
        [1, -2],
        [0, 1],
      ],
    },
    /k\[0\]\[1\] is -2/,
  ],
  [
    "an entry below the diagonal",
    {
      k: [
        [1, 2],
        [1, 1],
      ],
    },
    /k\[1\]\[0\] is 1/,
  ],
  [
    "too many tokens",
    {
      k: [
        [60, 60],
        [0, 1],
      ],
    },
    /asks for 120 tokens/,
  ],
  [
    "lenience under 1",
    {
      k: [
        [1, 2],
        [0, 1],
      ],
      lenience: 0.5,
    },
    /lenience is 0.5/,
  ],
  [
    "no Max-Gram under a model",
    {
      k: [
        [1, 2],
        [0, 1],
      ],
      maxGram: false,
    },
    /decode token by token/,
  ],
  [
    "a block of nothing",
    {
      k: [
        [1, 2],
        [0, 1],
      ],
      maxGram: { block: 0 },
    },
    /maxGram.block is 0/,
  ],
  ["a search without a target curve", {}, /give targetCurve/],
])("%s is refused", (_, options, message) => {
  expect(() => cascadeDrafter({ models: [{ model: toyModel() }], ...options })).toThrow(message);
});

test("a bigram table of another vocabulary is refused", () => {
  const drafter = cascadeDrafter({ models: [], k: [[3]], maxGram: { bigram: new Int32Array(5) } });
  expect(() => drafter.open(sequenceView())).toThrow(/for 5 tokens/);
});
