import { describe, expect, test } from "vitest";
import { seededRandom } from "../../lm/toy/index.ts";
import { continuations } from "./continuations.ts";
import { buildModelDatabase, ModelDatabase } from "./model.ts";
import { findKey } from "./sorted-sequences.ts";

const vocabSize = 9;

/** Answers that hold each n-gram. */
function documentFrequencies(answers: readonly number[][], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const answer of answers) {
    const seen = new Set<string>();
    for (let i = 0; i + order <= answer.length; i++) seen.add(answer.slice(i, i + order).join());
    for (const ngram of seen) counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

const entries = ({ rows, counts, order }: ModelDatabase) =>
  Array.from(counts, (count, i) => [Array.from(rows.subarray(i * order, (i + 1) * order)).join(), count] as const);

describe("document frequencies", () => {
  test("are those of a direct count, ascending by tokens", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = seededRandom(seed);
      const answers = Array.from({ length: 8 }, () =>
        Array.from({ length: Math.floor(random() * 30) }, () => Math.floor(random() * 3)),
      );
      const expected = documentFrequencies(answers, 3);
      const built = entries(buildModelDatabase(answers, vocabSize, 3, 1e6));
      expect(built).toEqual([...expected].sort(([a], [b]) => (a < b ? -1 : 1)));
    }
  });

  test("an n-gram counts once an answer, and none runs from one answer into the next", () => {
    const built = buildModelDatabase(
      [
        [1, 2, 1, 2, 1, 2],
        [1, 2],
      ],
      vocabSize,
      2,
      99,
    );
    expect(entries(built)).toEqual([
      ["1,2", 2],
      ["2,1", 1],
    ]);
  });

  test("the cut keeps the most frequent; of equals the lower token ids", () => {
    const answers = [
      [5, 6, 7],
      [6, 7],
      [3, 4],
      [1, 2],
    ];
    expect(entries(buildModelDatabase(answers, vocabSize, 2, 3))).toEqual([
      ["1,2", 1],
      ["3,4", 1],
      ["6,7", 2],
    ]);
    expect(entries(buildModelDatabase([...answers].reverse(), vocabSize, 2, 3))).toEqual(
      entries(buildModelDatabase(answers, vocabSize, 2, 3)),
    );
  });
});

test("the most frequent whole rows of a key, whatever their order in the file", () => {
  const random = seededRandom(3);
  const answers = Array.from({ length: 60 }, () => [1, ...Array.from({ length: 3 }, () => Math.floor(random() * 3))]);
  const database = buildModelDatabase(answers, vocabSize, 4, 1e6);
  const span = findKey(database, [1], 0, 1);
  const trie = continuations(database, span, 1, { maxDepth: 3, maxNodes: 1000, maxRows: 7 });
  const ends = trie.token.map((_, node) => node).filter((node) => !trie.parent.includes(node));
  expect(ends).toHaveLength(7);
  const best = entries(database)
    .filter(([row]) => row.startsWith("1,"))
    .map(([, count]) => count)
    .sort((a, b) => b - a);
  expect(ends.map((node) => trie.weight[node]).sort((a, b) => b - a)).toEqual(best.slice(0, 7));
  for (const end of ends) {
    const path: number[] = [];
    for (let node = end; node >= 0; node = trie.parent[node]) path.unshift(trie.token[node]);
    expect(entries(database)).toContainEqual([[1, ...path].join(), trie.weight[end]]);
  }
});

test("what cannot be a database is refused", () => {
  const rows = (...tokens: number[]) => Int32Array.from(tokens);
  expect(() => new ModelDatabase(9, 2, rows(1, 2, 1, 3), rows(1, 1))).not.toThrow();
  expect(() => new ModelDatabase(9, 2, rows(1, 3, 1, 2), rows(1, 1))).toThrow(/out of order/);
  expect(() => new ModelDatabase(9, 2, rows(1, 2, 1, 2), rows(1, 1))).toThrow(/out of order/);
  expect(() => new ModelDatabase(9, 2, rows(1, 9), rows(1))).toThrow(/holds token 9/);
  expect(() => new ModelDatabase(9, 2, rows(1, 2), rows(0))).toThrow(/count 0/);
  expect(() => new ModelDatabase(9, 2, rows(1, 2, 3), rows(1))).toThrow(/3 tokens for 1 n-grams/);
  expect(() => new ModelDatabase(9, 1, rows(1), rows(1))).toThrow(/1 tokens/);
  expect(() => buildModelDatabase([[1, 2]], 9, 3, 5)).toThrow(/no answer has 3 tokens/);
});
