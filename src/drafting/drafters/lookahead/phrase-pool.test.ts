import { expect, test } from "vitest";
import { PhrasePool } from "./phrase-pool.ts";

const pool = (options: { perKey?: number; maxPhrases?: number } = {}) =>
  new PhrasePool({ vocabSize: 100, phraseLength: 2, ...options });
const tokens = (from: PhrasePool, key: number) => from.newest(key, 99).map((phrase) => phrase.tokens.join());

test("newest first, at most so many as asked for", () => {
  const p = pool();
  for (const i of [1, 2, 3]) p.insert(7, [i, i], "text");
  expect(tokens(p, 7)).toEqual(["3,3", "2,2", "1,1"]);
  expect(p.newest(7, 2)).toHaveLength(2);
  expect(p.newest(7, 0)).toEqual([]);
  expect(p.newest(8, 2)).toEqual([]);
});

test("an overflow drops the oldest, an insert again makes the newest", () => {
  const p = pool({ perKey: 3 });
  for (const i of [1, 2, 3]) p.insert(7, [i, i], "text");
  p.insert(7, [1, 1], "window");
  expect(tokens(p, 7)).toEqual(["1,1", "3,3", "2,2"]);
  p.insert(7, [4, 4], "text");
  expect(tokens(p, 7)).toEqual(["4,4", "1,1", "3,3"]);
  expect(p.size).toBe(3);
});

test("a phrase belongs to who knew it first", () => {
  const p = pool();
  p.insert(7, [1, 1], "window");
  p.insert(7, [1, 1], "text");
  p.insert(8, [1, 1], "verified");
  expect(p.stats()).toEqual({
    scope: "session",
    keys: 2,
    phrases: 2,
    byOrigin: { text: 0, window: 1, verified: 1 },
  });
});

test("lists never exceed their length, the pool never its size, whatever comes", () => {
  const p = pool({ perKey: 4, maxPhrases: 25 });
  for (let i = 0; i < 500; i++) {
    const key = (i * 7) % 13;
    p.insert(key, [(i * i) % 11, i % 5], "text");
    const used = p.newest(key, 3).at(-1);
    if (used) p.refresh(key, used, [(i * 3) % 11, i % 4]);
    const lists = Array.from(p.entries(), ([, list]) => list);
    for (const list of lists) {
      expect(list.length).toBeLessThanOrEqual(4);
      expect(new Set(list.map((phrase) => phrase.tokens.join())).size).toBe(list.length);
    }
    expect(lists.reduce((sum, list) => sum + list.length, 0)).toBe(p.size);
    expect(p.size).toBeLessThanOrEqual(25);
  }
});

test("past its size the keys written longest ago go", () => {
  const p = pool({ maxPhrases: 2 });
  p.insert(1, [1, 1], "text");
  p.insert(2, [1, 1], "text");
  p.insert(1, [1, 1], "text");
  p.insert(3, [1, 1], "text");
  expect(Array.from(p.entries(), ([key]) => key)).toEqual([1, 3]);
});

test("a refresh takes the place of what was used, and leaves no duplicate", () => {
  const p = pool();
  for (const i of [1, 2, 3, 4]) p.insert(7, [i, i], "text");
  const [, third, second] = p.newest(7, 4);
  p.refresh(7, second, [9, 9]);
  expect(tokens(p, 7)).toEqual(["4,4", "3,3", "9,9", "1,1"]);
  expect(p.newest(7, 4)[2].origin).toBe("verified");
  p.refresh(7, third, [1, 1]);
  expect(tokens(p, 7)).toEqual(["4,4", "1,1", "9,9"]);
  expect(p.size).toBe(3);
  // No longer there: another sequence was quicker.
  p.refresh(7, third, [5, 5]);
  expect(tokens(p, 7)).toEqual(["4,4", "1,1", "9,9"]);
});

test("clear forgets everything", () => {
  const p = pool();
  p.insert(7, [1, 1], "text");
  p.clear();
  expect([p.size, p.newest(7, 1), p.stats().keys]).toEqual([0, [], 0]);
});

test("what does not fit is refused", () => {
  expect(() => pool().insert(1, [1], "text")).toThrow(/phrases of 2/);
  expect(() => pool().insert(1, [1, 100], "text")).toThrow(/0..99/);
  expect(() => pool().insert(-1, [1, 1], "text")).toThrow(/0..99/);
  expect(() => pool({ perKey: 0 })).toThrow(/perKey/);
  expect(() => new PhrasePool({ vocabSize: 9, scope: "disk" })).toThrow(/tokenizerHash/);
});
