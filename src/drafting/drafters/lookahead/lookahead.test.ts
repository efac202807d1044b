import { describe, expect, test } from "vitest";
import type { LanguageModel } from "../../../lm/model.ts";
import { tableModel } from "../../../lm/toy/index.ts";
import type { CostCurve } from "../../cost-curve.ts";
import { Generation } from "../../generation.ts";
import type { Policy } from "../../market.ts";
import type { RoundReport } from "../../round-report.ts";
import { sequenceView } from "../../testing/sequence-view.ts";
import { randomTable } from "../../testing/tables.ts";
import { Role } from "../../tree.ts";
import { type LookaheadOptions, lookaheadDrafter } from "./lookahead.ts";
import { PhrasePool } from "./phrase-pool.ts";

/** The next token follows from the last one: such a text is what Jacobi iteration finds at once. */
function stepping(vocabSize = 31): LanguageModel {
  return tableModel({
    vocabSize,
    contextLength: 256,
    probabilities: (prefix) => {
      const table = new Array<number>(vocabSize).fill(1e-9);
      table[((prefix.at(-1) as number) * 3 + 1) % vocabSize] = 1;
      return table;
    },
  });
}

interface Run {
  readonly tokens: readonly number[];
  readonly rounds: readonly RoundReport[];
}

function run(model: LanguageModel, options: LookaheadOptions, policy: Policy, curve?: CostCurve): Run {
  const generation = new Generation({
    model,
    sequence: model.open(),
    promptTokens: [1, 2, 3],
    sampling: { temperature: 0 },
    seed: 0,
    maxTokens: 80,
    drafters: [lookaheadDrafter(options)],
    policy,
    ...(curve && { curve }),
  });
  while (generation.prefillStep(64) > 0);
  const rounds: RoundReport[] = [];
  while (!generation.finishReason) rounds.push(generation.step());
  generation.close();
  return { tokens: rounds.flatMap((round) => round.emitted.map(({ token }) => token)), rounds };
}

const forced: Policy = { mode: "forced", budget: 24 };

describe("lookahead decoding", () => {
  test("takes several tokens a round where the window guesses right, and no others", () => {
    const plain = run(stepping(), {}, { mode: "off" });
    const ahead = run(stepping(), {}, forced);
    expect(ahead.tokens).toEqual(plain.tokens);
    expect(plain.rounds).toHaveLength(80);
    expect(ahead.rounds.length).toBeLessThan(40);
  });

  test("a wider window and longer n-grams need fewer rounds", () => {
    const narrow = run(stepping(), { window: 2, level: 3 }, forced).rounds.length;
    const wide = run(stepping(), { window: 8, level: 5 }, { mode: "forced", budget: 64 }).rounds.length;
    expect(wide).toBeLessThan(narrow);
  });

  test("rows: the current token, the window, and a node for each token of the phrases", () => {
    const { rounds } = run(stepping(), { window: 4, level: 4, guesses: 3 }, { mode: "forced", budget: 64 });
    for (const { trace } of rounds) {
      expect(trace.width).toBeLessThanOrEqual(1 + 3 + 2 * 4 + 3 * 3);
      expect(trace.proposed.lookahead ?? 0).toBeLessThanOrEqual(9);
    }
    expect(Math.max(...rounds.map(({ trace }) => trace.width))).toBeGreaterThan(1 + 3 + 2 * 4);
  });

  test("window rows are observed, phrases are candidates", () => {
    const pool = new PhrasePool({ vocabSize: 40 });
    pool.insert(6, [7, 8, 9], "text");
    const session = lookaheadDrafter({ pool }).open(sequenceView());
    const context = { tokens: Int32Array.from([3, 1, 4, 1, 5, 9, 2, 6]), length: 8, maxDepth: 20, maxNodes: 32 };
    const [bid] = session.bid(context);
    const tree = session.expand(bid, bid.parent.length, 0);
    expect(Array.from(tree.token.subarray(0, 3))).toEqual([7, 8, 9]);
    expect(Array.from(tree.role ?? [])).toEqual([0, 0, 0, ...Array(tree.token.length - 3).fill(Role.observed)]);
    expect(tree.token.length).toBeGreaterThan(3);
  });

  test("on a steep curve the market leaves the window out, on a flat one it pays for it", () => {
    const steep: CostCurve = { ms: (width) => 10 * width, observe() {} };
    const flat: CostCurve = { ms: (width) => 10 + 0.001 * width, observe() {} };
    const bought = (curve: CostCurve) =>
      run(stepping(), {}, { mode: "auto" }, curve).rounds.flatMap(({ trace }) =>
        trace.decision === "bought" ? [trace.width] : [],
      );
    expect(bought(steep)).toEqual([]);
    expect(Math.max(...bought(flat))).toBeGreaterThan(12);
  });

  test("a window that brings nothing loses its worth", () => {
    const model = tableModel({ vocabSize: 50, probabilities: randomTable(50, 4) });
    const { rounds } = run(model, {}, { mode: "auto" }, { ms: (width) => 10 + 0.2 * width, observe() {} });
    const wide = (part: readonly RoundReport[]) => part.filter(({ trace }) => trace.width > 8).length;
    expect(wide(rounds.slice(0, 12))).toBeGreaterThan(0);
    expect(wide(rounds.slice(-40))).toBe(0);
  });
});

describe("pools", () => {
  test("with text, every n-gram of prompt and output is a phrase", () => {
    const pool = new PhrasePool({ vocabSize: 31 });
    const { tokens } = run(stepping(), { pool, text: true }, forced);
    const all = [1, 2, 3, ...tokens];
    // The last round's tokens are read when the next one begins.
    for (let i = 0; i + 3 < all.length - 8; i++) {
      const known = pool.newest(all[i], 99).map((phrase) => phrase.tokens.join());
      expect(known).toContain(all.slice(i + 1, i + 4).join());
    }
    expect(pool.stats().byOrigin.text).toBeGreaterThan(0);
    expect(pool.stats().byOrigin.window).toBeGreaterThan(0);
  });

  test("each sequence has its own unless one is given", () => {
    const pool = new PhrasePool({ vocabSize: 31 });
    const alone = [run(stepping(), {}, forced), run(stepping(), {}, forced)];
    const shared = [run(stepping(), { pool }, forced), run(stepping(), { pool }, forced)];
    expect(alone[1].rounds.length).toBe(alone[0].rounds.length);
    expect(shared[1].rounds.length).toBeLessThan(shared[0].rounds.length);
    expect(pool.size).toBeGreaterThan(0);
  });

  test("what does not fit is refused", () => {
    const pool = new PhrasePool({ vocabSize: 9 });
    expect(() => lookaheadDrafter({ pool, level: 5 })).toThrow(/phrases of 3 tokens, 4 are wanted/);
    expect(() => lookaheadDrafter({ pool }).open(sequenceView())).toThrow(
      expect.objectContaining({ code: "vocabulary-mismatch" }),
    );
    expect(() => lookaheadDrafter({ pool: new PhrasePool({ vocabSize: 9, scope: "request" }) })).toThrow(
      /belongs to one sequence/,
    );
    expect(() => lookaheadDrafter({ guesses: 0 })).toThrow(/guesses/);
  });
});
