import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../lm/toy/index.ts";
import { ContextDatabase, type ContextSettings } from "./context-database.ts";

const paper: ContextSettings = { keyLengths: [1], perKey: 7, valueLength: 4, ragged: false };

function rowsAfter(text: readonly number[], settings: ContextSettings): number[][] {
  const database = new ContextDatabase(settings);
  for (const token of text) database.push(token);
  return [...database.lookup()].map(({ token }) => Array.from({ length: settings.valueLength }, (_, i) => token(i)));
}

/** Key 1, followed by a row of two tokens that nothing else holds, for each id. */
const occurrences = (...ids: number[]) => ids.flatMap((id) => [1, 100 + id, 200 + id]);
const pairs: ContextSettings = { ...paper, valueLength: 2 };

describe("rows of a key", () => {
  test("the latest first; the eighth different one drops the oldest", () => {
    const rows = rowsAfter([...occurrences(1, 2, 3, 4, 5, 6, 7, 8), 1], pairs);
    expect(rows).toEqual([8, 7, 6, 5, 4, 3, 2].map((id) => [100 + id, 200 + id]));
  });

  test("a row that is seen again survives", () => {
    const rows = rowsAfter([...occurrences(1, 2, 3, 4, 5, 6, 7, 1, 8), 1], pairs);
    expect(rows).toEqual([8, 1, 7, 6, 5, 4, 3].map((id) => [100 + id, 200 + id]));
  });

  test("each n-gram is known as soon as its last token is", () => {
    expect(rowsAfter([1, 2, 3, 1], paper)).toEqual([]);
    expect(rowsAfter([1, 2, 3, 4, 1], paper)).toEqual([[2, 3, 4, 1]]);
    expect(rowsAfter([1, 2, 3, 4, 2], paper)).toEqual([]);
    expect(rowsAfter([1, 2, 3, 4, 5, 2], paper)).toEqual([[3, 4, 5, 2]]);
  });

  test("ragged: a row may be begun only, and goes on over its own tokens", () => {
    const ragged = { ...paper, ragged: true };
    expect(rowsAfter([1, 2, 3, 1], ragged)).toEqual([[2, 3, 1, 2]]);
    expect(rowsAfter([9, 9], ragged)).toEqual([[9, 9, 9, 9]]);
  });

  test("longer keys come first, and no occurrence comes twice", () => {
    const text = [1, 2, 3, 9, 9, 5, 2, 3, 8, 8, 5, 4, 3, 7, 7, 5, 1, 2, 3];
    const settings = { keyLengths: [3, 2, 1], perKey: 7, valueLength: 2, ragged: true };
    expect(rowsAfter(text, settings)).toEqual([
      [9, 9],
      [8, 8],
      [7, 7],
    ]);
    expect(rowsAfter(text, { ...settings, keyLengths: [1] })).toEqual([
      [7, 7],
      [8, 8],
      [9, 9],
    ]);
  });

  test("agrees with a search through the text, which also gives the length of the match", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const database = new ContextDatabase({ keyLengths: [2], perKey: 1000, valueLength: 3, ragged: false });
      const text: number[] = [];
      for (let i = 0; i < 80; i++) {
        text.push(Math.floor(random() * 3));
        database.push(text[i]);
        const expected = new Map<string, number>();
        for (let start = 2; start + 3 <= text.length; start++) {
          let match = 0;
          while (match < 17 && match < start && text[start - 1 - match] === text[i - match]) match++;
          if (match < 2) continue;
          // Of equal rows the latest counts, in its place.
          const row = text.slice(start, start + 3).join();
          expected.delete(row);
          expected.set(row, match);
        }
        const found = [...database.lookup()].map(({ match, token }) => [[0, 1, 2].map(token).join(), match]);
        expect(found).toEqual([...expected].reverse());
      }
    }
  });
});
