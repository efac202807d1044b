import { describe, expect, test } from "vitest";
import { seededRandom } from "../../lm/toy/index.ts";
import { continuations } from "./continuations.ts";
import { mostFrequent } from "./frequent.ts";
import { findKey, followers, weightOf } from "./sorted-sequences.ts";
import { buildStatistics } from "./statistics.ts";

const vocabSize = 12;

function randomDocuments(seed: number): number[][] {
  const random = seededRandom(seed);
  return Array.from({ length: 6 }, () =>
    Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() ** 2 * vocabSize)),
  );
}

/** How often each token follows `key` in the documents. */
function countFollowers(documents: readonly number[][], key: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const document of documents) {
    for (let i = 0; i + key.length < document.length; i++) {
      if (!key.every((token, k) => document[i + k] === token)) continue;
      const next = document[i + key.length];
      counts.set(next, (counts.get(next) ?? 0) + 1);
    }
  }
  return counts;
}

describe("counts are those of a search through the text", () => {
  test("of every key up to three tokens, and of keys that never occur", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const documents = randomDocuments(seed);
      const database = buildStatistics(documents, vocabSize);
      const random = seededRandom(seed + 100);
      for (let i = 0; i < 150; i++) {
        const key = Array.from({ length: 1 + (i % 3) }, () => Math.floor(random() ** 2 * vocabSize));
        const span = findKey(database, [99, ...key], 1, key.length);
        const found = [...followers(database, span, key.length, Number.POSITIVE_INFINITY)];
        const expected = [...countFollowers(documents, key)].sort(([a], [b]) => a - b);
        expect(found.map(({ token, span }) => [token, weightOf(database, span)])).toEqual(expected);
      }
    }
  });

  test("with a resolution no follower of that share is missed, and every count is exact", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const documents = randomDocuments(seed);
      const database = buildStatistics(documents, vocabSize);
      for (let token = 0; token < vocabSize; token++) {
        const expected = countFollowers(documents, [token]);
        const span = findKey(database, [token], 0, 1);
        const found = new Map([...followers(database, span, 1, 4)].map((f) => [f.token, weightOf(database, f.span)]));
        for (const [next, count] of found) expect(count).toBe(expected.get(next));
        const total = weightOf(database, span);
        for (const [next, count] of expected) if (count * 4 >= total) expect(found.has(next)).toBe(true);
      }
    }
  });
});

describe("continuations", () => {
  // Documents do not run into each other: nothing follows the 3 of the first one but its own 4.
  const database = buildStatistics(
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [1, 2, 5],
      [1, 6],
    ],
    vocabSize,
  );
  const following = (key: number[], maxDepth: number, maxNodes: number) =>
    continuations(database, findKey(database, key, 0, key.length), key.length, { maxDepth, maxNodes });

  test("are the heaviest nodes of the trie of what followed, with shares of the parent", () => {
    expect(following([1], 3, 9)).toEqual({
      token: [2, 3, 4, 5, 6],
      parent: [-1, 0, 1, 0, -1],
      share: [3 / 4, 2 / 3, 1, 1 / 3, 1 / 4],
      weight: [3, 2, 2, 1, 1],
    });
  });

  test("keep to their limits", () => {
    expect(following([1], 1, 9).token).toEqual([2, 6]);
    expect(following([1], 3, 2).token).toEqual([2, 3]);
    expect(following([9], 3, 9).token).toEqual([]);
    expect(following([4], 3, 9).token).toEqual([]);
  });
});

test("the most frequent n-grams are those of a count, none across documents", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const documents = randomDocuments(seed);
    const counts = new Map<string, number>();
    for (const document of documents) {
      for (let i = 0; i + 2 <= document.length; i++) {
        const key = document.slice(i, i + 2).join();
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    const found = mostFrequent(buildStatistics(documents, vocabSize), 2, 5);
    expect(found.map(({ weight }) => weight)).toEqual([...counts.values()].sort((a, b) => b - a).slice(0, 5));
    for (const { tokens, weight } of found) expect(weight).toBe(counts.get(tokens.join()));
  }
});

test("what cannot be a database is refused", () => {
  expect(() => buildStatistics([], vocabSize)).toThrow(/no text/);
  expect(() => buildStatistics([[], []], vocabSize)).toThrow(/no text/);
  expect(() => buildStatistics([[vocabSize]], vocabSize)).toThrow(/token 12 is outside/);
  expect(() => buildStatistics([[-1]], vocabSize)).toThrow(/token -1 is outside/);
});
