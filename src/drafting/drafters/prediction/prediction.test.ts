import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../lm/toy/index.ts";
import { AcceptanceTable } from "../../calibration.ts";
import type { Drafter } from "../../drafter.ts";
import { sequenceView } from "../../testing/sequence-view.ts";
import { emptyTree } from "../../tree.ts";
import { lookupDrafter } from "../lookup.ts";
import { predictionDrafter } from "./index.ts";

const vocabSize = 200;

/**
 * Lets `drafter` draft a known output behind `prompt`, `budget` nodes a round, the likeliest first. Returns how many
 * tokens each round emitted.
 */
function rounds(drafter: Drafter, prompt: readonly number[], output: readonly number[], budget: number): number[] {
  const session = drafter.open(sequenceView({ vocabSize, acceptance: new AcceptanceTable() }));
  const tokens = Int32Array.from([...prompt, ...output]);
  const counts: number[] = [];
  for (let length = prompt.length; length < tokens.length; ) {
    const left = tokens.length - length;
    const [bid] = session.bid({ tokens, length, maxDepth: Math.max(1, left - 1), maxNodes: budget });
    const tree = bid ? session.expand(bid, budget, 0) : emptyTree;
    expect(tree.token.length).toBeLessThanOrEqual(budget);
    let parent = -1;
    let accepted = 0;
    for (;;) {
      const next = tree.token.findIndex(
        (token, node) => tree.parent[node] === parent && token === tokens[length + accepted],
      );
      if (next < 0 || accepted === left - 1) break;
      parent = next;
      accepted++;
    }
    const emitted = Array.from(tokens.subarray(length, length + accepted + 1));
    length += emitted.length;
    counts.push(emitted.length);
    session.observe({
      tokens,
      length,
      emitted,
      tree,
      path: [],
      argmax: () => 0,
      hidden: () => new Float32Array(0),
    });
  }
  session.close();
  return counts;
}

/** A text of lines that resemble each other, as code and clauses do. */
function lines(seed: number, count: number): number[][] {
  const random = seededRandom(seed);
  const common = Array.from({ length: 4 }, () => Math.floor(random() * 20));
  return Array.from({ length: count }, () => [
    ...common,
    ...Array.from({ length: 6 }, () => 20 + Math.floor(random() * (vocabSize - 20))),
    1,
  ]);
}

const budget = 8;
/** Rounds of a text of which nothing differs. */
const fewest = (output: readonly number[]) => Math.ceil(output.length / (budget + 1));

describe("an edited text", () => {
  const old = lines(1, 24);
  const fresh = lines(2, 4);
  const edits: [string, number[][], number][] = [
    ["nothing", old, 0],
    ["a token replaced", old.map((line, i) => (i === 9 ? line.with(6, 7) : line)), 2],
    ["a token put in", old.map((line, i) => (i === 9 ? line.toSpliced(6, 0, 7) : line)), 2],
    ["a token taken out", old.map((line, i) => (i === 9 ? line.toSpliced(6, 1) : line)), 2],
    ["three tokens replaced by five", old.map((line, i) => (i === 9 ? line.toSpliced(5, 3, 7, 8, 9, 7, 6) : line)), 6],
    ["a line put in", old.toSpliced(9, 0, fresh[0]), 12],
    ["a line taken out", old.toSpliced(9, 1), 3],
    ["three lines taken out", old.toSpliced(9, 3), 3],
    ["a line replaced", old.with(9, fresh[0]), 12],
    ["a line that moved to the end", [...old.toSpliced(3, 1), old[3]], 8],
    ["two lines exchanged", old.with(5, old[15]).with(15, old[5]), 14],
    ["a line repeated", old.toSpliced(9, 0, old[8], old[8]), 8],
  ];

  test.each(edits)("%s", (_, edited, extra) => {
    const output = edited.flat();
    const taken = rounds(predictionDrafter(old.flat()), [3, 4, 5], output, budget).length;
    expect(taken).toBeGreaterThanOrEqual(fewest(output));
    expect(taken).toBeLessThanOrEqual(fewest(output) + extra);
  });

  test("loses fewer rounds to the edits than look-up in a prompt that holds the old text", () => {
    let predicted = 0;
    let lookedUp = 0;
    for (const [, edited] of edits) {
      const prompt = [...old.flat(), 2];
      const output = edited.flat();
      predicted += rounds(predictionDrafter(old.flat()), prompt, output, budget).length - fewest(output);
      lookedUp += rounds(lookupDrafter(), prompt, output, budget).length - fewest(output);
    }
    expect(predicted).toBeLessThan(0.7 * lookedUp);
  });

  test("equal lines: the output stays where it is", () => {
    const same = [10, 11, 12, 13, 14, 15, 16, 17, 1];
    const prediction = [...same, ...same, 50, 51, 52, 53, ...same, 60, 61, 62, 63];
    expect(rounds(predictionDrafter(prediction), [3], prediction, 6)).toHaveLength(Math.ceil(prediction.length / 7));
  });

  test("many random edits: never lost for long", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed);
      const text = lines(seed, 30).flat();
      const edited: number[] = [];
      let changes = 0;
      for (let i = 0; i < text.length; i++) {
        const dice = random();
        if (dice < 0.02) changes++;
        if (dice < 0.007) continue; // taken out
        if (dice < 0.014) edited.push(Math.floor(random() * vocabSize)); // put in before
        edited.push(dice >= 0.014 && dice < 0.02 ? Math.floor(random() * vocabSize) : text[i]);
      }
      const taken = rounds(predictionDrafter(text), [3], edited, budget).length;
      expect(taken).toBeLessThanOrEqual(fewest(edited) + 3 * changes + 2);
    }
  });
});

describe("offers", () => {
  const open = (prediction: readonly number[]) => predictionDrafter(prediction).open(sequenceView({ vocabSize }));
  const view = (tokens: readonly number[]) => ({
    tokens: Int32Array.from(tokens),
    length: tokens.length,
    maxDepth: 9,
    maxNodes: 9,
  });

  test("the whole prediction at first, nothing after its end", () => {
    const session = open([7, 8, 9]);
    const [bid] = session.bid(view([1, 2]));
    expect(Array.from(session.expand(bid, 9, 0).token)).toEqual([7, 8, 9]);
    expect(session.bid(view([1, 2, 7, 8, 9]))).toEqual([]);
    expect(open([]).bid(view([1, 2]))).toEqual([]);
  });

  test("after a difference: put in or replaced", () => {
    const session = open([7, 8, 9]);
    session.bid(view([1]));
    const [bid] = session.bid(view([1, 7, 50]));
    const { token, parent } = session.expand(bid, 9, 0);
    expect([Array.from(token), Array.from(parent)]).toEqual([
      [9, 8, 9],
      [-1, -1, 1],
    ]);
    const roots = bid.chance[0] + bid.chance[1];
    expect(roots).toBeLessThanOrEqual(1);
  });

  test("rounds without a bid are followed too", () => {
    const session = open([7, 8, 9, 10]);
    const tokens = Int32Array.from([1, 2, 7, 8]);
    const round = { emitted: [7, 8], tree: emptyTree, path: [], argmax: () => 0, hidden: () => new Float32Array(0) };
    session.observe({ ...round, tokens, length: 4 });
    const [bid] = session.bid(view([1, 2, 7, 8]));
    expect(Array.from(session.expand(bid, 9, 0).token)).toEqual([9, 10]);
  });

  test("tokens that the target does not have are refused", () => {
    expect(() => open([vocabSize])).toThrow(/holds token 200; the target has 0\.\.199/);
    expect(() => open([-1])).toThrow(/holds token -1/);
  });
});
