import { describe, expect, test } from "vitest";
import { AcceptanceTable } from "../calibration.ts";
import type { Bid, DraftSession, RoundResult } from "../drafter.ts";
import { sequenceView } from "../testing/sequence-view.ts";
import { emptyTree } from "../tree.ts";
import { bigramTable } from "./bigram.ts";
import { type LookupOptions, lookupDrafter } from "./lookup.ts";

const vocabSize = 32;

function open(options: LookupOptions = {}, acceptance = new AcceptanceTable()): DraftSession {
  return lookupDrafter(options).open(sequenceView({ source: 3, vocabSize, contextLength: 512, acceptance }));
}

function view(tokens: readonly number[], nodes: number) {
  return { tokens: Int32Array.from(tokens), length: tokens.length, maxDepth: nodes, maxNodes: nodes };
}

/** The whole offer after `tokens`, as paths from the root to each leaf. */
function draft(tokens: readonly number[], nodes: number, options: LookupOptions = {}): number[][] {
  const session = open(options);
  const [bid] = session.bid(view(tokens, nodes));
  if (!bid) return [];
  const tree = session.expand(bid, bid.parent.length, 0);
  expect(Array.from(tree.source).every((source) => source === 3)).toBe(true);
  const paths = Array.from(tree.token, (_, node) => {
    const path: number[] = [];
    for (let i = node; i >= 0; i = tree.parent[i]) path.unshift(tree.token[i]);
    return path;
  });
  return paths.filter((_, node) => !tree.parent.includes(node));
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

describe("Max-Gram", () => {
  test("no match, no draft", () => {
    expect(draft([1, 2, 3, 4], 5)).toEqual([]);
  });

  test("continues after the longest suffix, not after a more recent shorter one", () => {
    expect(draft([1, 2, 3, 9, 8, 3, 7, 7, 1, 2, 3], 3)).toEqual([[9, 8, 3]]);
  });

  test("takes the latest occurrence, or the earliest if asked", () => {
    const text = [5, 6, 1, 5, 6, 2, 5, 6];
    expect(draft(text, 2)).toEqual([[2, 5]]);
    expect(draft(text, 2, { tie: "earliest" })).toEqual([[1, 5]]);
  });

  test("at the end of the text the copy goes on over what it has written", () => {
    expect(draft([1, 2, 3, 1, 2], 8)).toEqual([[3, 1, 2, 3, 1, 2, 3, 1]]);
    expect(draft([4, 4], 5)).toEqual([[4, 4, 4, 4, 4]]);
  });

  test("ignores matches under the minimum, and stops at the block", () => {
    const text = [1, 2, 9, 1, 2];
    expect(draft(text, 4, { minMatch: 3 })).toEqual([]);
    expect(draft(text, 4, { minMatch: 2 })).toEqual([[9, 1, 2, 9]]);
    expect(draft(text, 4, { block: 2 })).toEqual([[9, 1]]);
  });

  test("without a match the bigram table speaks, until it knows nothing", () => {
    const bigram = bigramTable([1, 2, 3], vocabSize);
    expect(draft([7, 1], 5, { bigram })).toEqual([[2, 3]]);
    expect(draft([7, 3], 5, { bigram })).toEqual([]);
    expect(draft([7, 1, 9, 1], 2, { bigram })).toEqual([[9, 1]]);
  });

  test("branches follow shorter suffixes that went on differently", () => {
    const text = [1, 2, 3, 9, 9, 2, 3, 8, 8, 3, 7, 7, 1, 2, 3];
    expect(draft(text, 2, { branches: 2 })).toEqual([
      [9, 9],
      [8, 8],
    ]);
    expect(draft(text, 1, { branches: 3 })).toEqual([[9], [8], [7]]);
  });

  test("follows the text as it grows", () => {
    const session = open();
    const text = [1, 2, 3];
    expect(session.bid(view(text, 4))).toEqual([]);
    session.observe(roundWith([1]));
    text.push(1);
    const [bid] = session.bid(view(text, 2));
    expect(Array.from(session.expand(bid, 2, 0).token)).toEqual([2, 3]);
  });
});

describe("calibration", () => {
  const chances = (bids: readonly Bid[]) => Array.from(bids[0].chance);

  test("a longer match is trusted more before anything is known", () => {
    const short = chances(open().bid(view([1, 2, 3, 2], 2)));
    const long = chances(open().bid(view([1, 2, 3, 4, 9, 1, 2, 3, 4], 2)));
    expect(long[0]).toBeGreaterThan(short[0]);
    expect(Array.from(open().bid(view([1, 2, 3, 2], 2))[0].parent)).toEqual([-1, 0]);
  });

  test("learns from what was emitted, bought or not, for the same match length only", () => {
    const acceptance = new AcceptanceTable();
    const session = open({}, acceptance);
    const before = chances(session.bid(view([1, 2, 3, 2], 2)));
    for (let i = 0; i < 30; i++) {
      session.bid(view([1, 2, 3, 2], 2));
      session.observe(roundWith([3, 9]));
    }
    const after = chances(session.bid(view([1, 2, 3, 2], 2)));
    expect(after[0]).toBeGreaterThan(0.8);
    expect(after[1]).toBeLessThan(before[1]);
    expect(chances(open({}, acceptance).bid(view([1, 2, 9, 1, 2], 1)))).toEqual(
      chances(open().bid(view([1, 2, 9, 1, 2], 1))),
    );
  });

  test("the chances of branches sum to at most 1, however often each was right", () => {
    const acceptance = new AcceptanceTable();
    for (let bucket = 1; bucket <= 12; bucket++) for (let i = 0; i < 60; i++) acceptance.update(bucket, 0, true);
    const text = [1, 2, 3, 9, 9, 2, 3, 8, 8, 3, 7, 7, 1, 2, 3];
    const [first, second] = chances(open({ branches: 2 }, acceptance).bid(view(text, 1)));
    expect(first).toBeGreaterThan(0.9);
    expect(first + second).toBeCloseTo(1, 6);
  });

  test("a round without an offer teaches nothing", () => {
    const acceptance = new AcceptanceTable();
    const session = open({}, acceptance);
    session.bid(view([1, 2, 3, 2], 2));
    session.observe(roundWith([3]));
    const once = JSON.stringify(acceptance);
    session.observe(roundWith([3]));
    expect(JSON.stringify(acceptance)).toBe(once);
  });

  test("drafts cost nothing beyond the bid", () => {
    expect(
      open()
        .bid(view([1, 1], 3))[0]
        .draftMs(3),
    ).toBe(0);
  });
});

test("bad options and tables are refused", () => {
  expect(() => lookupDrafter({ minMatch: 0 })).toThrow(/minMatch is 0/);
  expect(() => lookupDrafter({ branches: 1.5 })).toThrow(/branches is 1.5/);
  expect(() => open({ bigram: new Int32Array(5) })).toThrow(/for 5 tokens/);
  expect(() => open({ bigram: new Int32Array(vocabSize).fill(vocabSize) })).toThrow(/bigram/);
});

test("bigramTable keeps the most frequent follower, the lowest id on a tie, -1 where there is none", () => {
  expect(Array.from(bigramTable([0, 2, 0, 1, 0, 2, 0, 1, 3, 3], 5))).toEqual([1, 0, 0, 3, -1]);
  expect(Array.from(bigramTable([], 2))).toEqual([-1, -1]);
});
