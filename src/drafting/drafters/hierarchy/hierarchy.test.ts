import { describe, expect, test } from "vitest";
import { seededRandom, tableModel, toyModel } from "../../../lm/toy/index.ts";
import { AcceptanceTable } from "../../calibration.ts";
import { buildModelDatabase } from "../../databases/model.ts";
import { buildStatistics } from "../../databases/statistics.ts";
import type { DraftSession } from "../../drafter.ts";
import { Generation } from "../../generation.ts";
import { sequenceView } from "../../testing/sequence-view.ts";
import type { DraftTree } from "../../tree.ts";
import { type DatabaseName, type HierarchyOptions, hierarchyDrafter } from "./index.ts";

const vocabSize = 64;
const statistics = (...documents: number[][]) => ({ database: buildStatistics(documents, vocabSize) });
const model = (order: number, ...answers: number[][]) => ({
  database: buildModelDatabase(answers, vocabSize, order, 1e6),
});

function open(options: HierarchyOptions, acceptance = new AcceptanceTable()) {
  const drafter = hierarchyDrafter(options);
  return { drafter, session: drafter.open(sequenceView({ source: 3, vocabSize, acceptance })) };
}

function view(tokens: readonly number[], nodes = 32) {
  return { tokens: Int32Array.from(tokens), length: tokens.length, maxDepth: nodes, maxNodes: nodes };
}

function treeAfter(session: DraftSession, tokens: readonly number[], nodes = 32): DraftTree {
  const [bid] = session.bid(view(tokens, nodes));
  return session.expand(bid ?? { parent: new Int32Array(0), chance: new Float64Array(0), draftMs: () => 0 }, nodes, 0);
}

/** The paths of a tree from the root to each leaf. */
function paths(tree: DraftTree): number[][] {
  return Array.from(tree.token, (_, node) => {
    const path: number[] = [];
    for (let i = node; i >= 0; i = tree.parent[i]) path.unshift(tree.token[i]);
    return path;
  }).filter((_, node) => !tree.parent.includes(node));
}

// The key 5 is followed by 1.. in the text, by 2.. in the model's answers and by 3.. in the corpus.
const text = [5, 10, 11, 12, 13, 5];
const answers = model(5, [5, 20, 21, 22, 23]);
const corpus = statistics([5, 30, 31, 32, 33]);
const firstOf: Record<DatabaseName, number> = { context: 10, model: 20, statistics: 30 };
const orders: DatabaseName[][] = [
  ["context", "model", "statistics"],
  ["context", "statistics", "model"],
  ["model", "context", "statistics"],
  ["model", "statistics", "context"],
  ["statistics", "context", "model"],
  ["statistics", "model", "context"],
];

describe("order", () => {
  test.each(orders.map((order) => [order.join(), order] as const))("%s: a full cap ends the search", (_, order) => {
    const { drafter, session } = open({ faithful: true, order, maxRows: 1, model: answers, statistics: corpus });
    const first = firstOf[order[0]];
    expect(paths(treeAfter(session, text))).toEqual([[first, first + 1, first + 2, first + 3]]);
    expect(order.map((name) => drafter.counts[name].asked)).toEqual([1, 0, 0]);
    expect(order.map((name) => drafter.counts[name].answered)).toEqual([1, 0, 0]);
  });

  test("with room for all, all speak, in order", () => {
    const { drafter, session } = open({ faithful: true, model: answers, statistics: corpus });
    expect(paths(treeAfter(session, text)).map(([first]) => first)).toEqual([10, 20, 30]);
    expect(drafter.counts.statistics).toMatchObject({ asked: 1, answered: 1 });
  });

  test("the last one is not asked when those before it fill the cap", () => {
    const seven = Array.from({ length: 7 }, (_, i) => [5, 10 + i, 11, 12, 13]).flat();
    const { drafter, session } = open({ faithful: true, model: answers, statistics: corpus });
    expect(paths(treeAfter(session, [...seven, 5])).map(([first]) => first)).toEqual([16, 15, 14, 13, 12, 11, 10]);
    expect([drafter.counts.model.asked, drafter.counts.statistics.asked]).toEqual([0, 0]);
  });

  test("databases that are not in the order are not asked", () => {
    const { session } = open({ order: ["statistics"], model: answers, statistics: corpus });
    expect(treeAfter(session, text).token[0]).toBe(30);
  });
});

describe("the tree", () => {
  test("rows with a common beginning share it", () => {
    const { session } = open({
      faithful: true,
      model: model(5, [5, 10, 11, 22, 23]),
      statistics: statistics([5, 10, 31, 32, 33]),
    });
    const tree = treeAfter(session, text);
    expect(paths(tree)).toEqual([
      [10, 11, 12, 13],
      [10, 11, 22, 23],
      [10, 31, 32, 33],
    ]);
    expect(tree.token).toHaveLength(9);
  });

  test("keeps to the node budget and to the depth that is of use", () => {
    const options = { model: answers, statistics: corpus };
    expect(treeAfter(open({ ...options, maxNodes: 5 }).session, text).token.length).toBeLessThanOrEqual(5);
    const { session } = open(options);
    session.bid({ ...view(text), maxDepth: 2 });
    expect(paths(session.expand(session.bid({ ...view(text), maxDepth: 2 })[0], 32, 0))).toEqual([
      [10, 11],
      [20, 21],
      [30, 31],
    ]);
  });

  test("short rows stay short: nothing is padded", () => {
    const { session } = open({ order: ["statistics"], statistics: statistics([5, 30], [5, 31, 32]) });
    expect(paths(treeAfter(session, [5])).sort()).toEqual([[30], [31, 32]]);
  });

  test("a longer key is asked first and trusted more than its last token", () => {
    const { session } = open({ order: ["statistics"], statistics: statistics([4, 5, 40], [5, 41], [5, 41], [5, 41]) });
    const tree = treeAfter(session, [4, 5]);
    expect(Array.from(tree.token)).toEqual([40, 41]);
  });

  test("the chances of siblings sum to at most 1, whatever was learned", () => {
    const acceptance = new AcceptanceTable();
    for (let bucket = 0; bucket < 300; bucket++) {
      for (let i = 0; i < 60; i++) acceptance.update(bucket, 0, true);
    }
    const { session } = open({ model: answers, statistics: corpus }, acceptance);
    const [bid] = session.bid(view(text));
    const roots = Array.from(bid.chance).filter((_, node) => bid.parent[node] < 0);
    expect(roots.reduce((sum, chance) => sum + chance)).toBeCloseTo(1, 6);
  });
});

describe("who was right", () => {
  const passage = [7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

  /** Runs a model that goes on with `passage` after `prompt`, and returns what each database had accepted. */
  function accepted(prompt: readonly number[], options: HierarchyOptions) {
    const truth = [...prompt, ...passage];
    const target = tableModel({
      vocabSize,
      contextLength: 96,
      probabilities: (prefix) =>
        Array.from({ length: vocabSize }, (_, token) => (token === truth[prefix.length] ? 1 - 63e-6 : 1e-6)),
    });
    const drafter = hierarchyDrafter(options);
    const generation = new Generation({
      model: target,
      sequence: target.open(),
      promptTokens: prompt,
      sampling: { temperature: 0 },
      seed: 0,
      maxTokens: passage.length,
      policy: { mode: "forced", budget: 8 },
      drafters: [drafter],
    });
    while (generation.prefillStep(64) > 0);
    const emitted: number[] = [];
    while (!generation.finishReason) emitted.push(...generation.step().emitted.map(({ token }) => token));
    generation.close();
    expect(emitted).toEqual(passage);
    const { context, model, statistics } = drafter.counts;
    for (const count of [context, model, statistics]) expect(count.accepted).toBeLessThanOrEqual(count.proposed);
    return { context: context.accepted, model: model.accepted, statistics: statistics.accepted };
  }

  const whole = [6, ...passage];
  const databases = { model: model(5, whole), statistics: statistics(whole) };

  test("a passage that the prompt holds is the context's", () => {
    const counts = accepted([...whole, 50, 51, 6], databases);
    expect(counts.context).toBeGreaterThanOrEqual(8);
    expect(counts).toMatchObject({ model: 0, statistics: 0 });
  });

  test("without it, the model's or the corpus's", () => {
    expect(accepted([50, 51, 6], { ...databases, order: ["model"] }).model).toBeGreaterThanOrEqual(7);
    expect(accepted([50, 51, 6], { ...databases, order: ["statistics"] }).statistics).toBeGreaterThanOrEqual(7);
    expect(accepted([...whole, 50, 51, 6], { ...databases, order: ["model", "statistics"] }).context).toBe(0);
  });
});

test("every subset and order gives the greedy tokens of plain decoding, with databases of noise", () => {
  const target = toyModel({ vocabSize, contextLength: 96, logitScale: 6 });
  const random = seededRandom(11);
  const noise = Array.from({ length: 3 }, () => Array.from({ length: 300 }, () => Math.floor(random() * vocabSize)));
  const databases = { model: model(4, ...noise), statistics: statistics(...noise) };
  const subsets = orders.flatMap((order) => [order, order.slice(0, 2), order.slice(0, 1)]);
  const run = (promptTokens: readonly number[], order?: readonly DatabaseName[]) => {
    const generation = new Generation({
      model: target,
      sequence: target.open(),
      promptTokens,
      sampling: { temperature: 0 },
      seed: 0,
      maxTokens: 20,
      ...(order && {
        policy: { mode: "forced", budget: 6 },
        drafters: [hierarchyDrafter({ ...databases, order, faithful: promptTokens.length % 2 === 0 })],
      }),
    });
    while (generation.prefillStep(64) > 0);
    const tokens: number[] = [];
    while (!generation.finishReason) tokens.push(...generation.step().emitted.map(({ token }) => token));
    generation.close();
    return tokens;
  };
  for (let i = 0; i < 4; i++) {
    const prompt = noise[0].slice(i * 10, i * 10 + 5 + i);
    const plain = run(prompt);
    for (const order of subsets) expect([order, run(prompt, order)]).toEqual([order, plain]);
  }
});

test("acceptance is learned by the kind of row, bought or not", () => {
  const acceptance = new AcceptanceTable();
  const { session } = open({ statistics: corpus }, acceptance);
  const before = session.bid(view([5]))[0].chance[0];
  for (let i = 0; i < 30; i++) {
    session.bid(view([5]));
    session.observe({
      tokens: new Int32Array(0),
      length: 0,
      emitted: [30],
      tree: treeAfter(open({}).session, [1]),
      path: [],
      argmax: () => 0,
      hidden: () => new Float32Array(0),
    });
  }
  expect(session.bid(view([5]))[0].chance[0]).toBeGreaterThan(before);
});

describe("what is refused", () => {
  test.each<[HierarchyOptions, RegExp]>([
    [{ maxRows: 0 }, /maxRows is 0/],
    [{ context: { perKey: 1.5 } }, /context\.perKey is 1\.5/],
    [{ context: { keyLengths: [] } }, /context\.keyLengths is empty/],
    [{ context: { keyLengths: [1, 2] } }, /must fall/],
    [{ order: [] }, /names no database/],
    [{ order: ["context", "context"] }, /twice/],
    [{ order: ["model"] }, /none is given/],
    [{ order: ["window" as DatabaseName] }, /no database "window"/],
  ])("options %j", (options, message) => {
    expect(() => hierarchyDrafter(options)).toThrow(message);
  });

  test("a database of another vocabulary", () => {
    const other = { database: buildStatistics([[1, 2]], 50) };
    expect(() => open({ statistics: other })).toThrow(/vocabulary of 50 tokens, the target has 64/);
  });
});
