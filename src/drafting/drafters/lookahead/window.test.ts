import { describe, expect, test } from "vitest";
import { TreeBuilder } from "../../tree.ts";
import { LookaheadWindow, windowRows } from "./window.ts";

/** A stand-in for a model: a token that depends on the whole path. */
const says = (path: readonly number[]) => path.reduce((hash, token) => (hash * 31 + token * 7 + 3) % 9973, 11);
const text = Int32Array.from([5, 9, 2, 6, 5, 3]);

function grow(window: LookaheadWindow, context: Int32Array, rows = 999, depth = 999) {
  const parents: number[] = [];
  const tokens: number[] = [];
  const placed = window.place(context, context.length, rows, depth, (parent, token) => {
    parents.push(parent);
    tokens.push(token);
    return tokens.length - 1;
  });
  const path = (node: number): number[] => (node < 0 ? [] : [...path(parents[node]), tokens[node]]);
  return { placed, parents, tokens, path };
}

describe.each([
  [4, 5],
  [7, 4],
  [1, 3],
  [5, 2],
])("W = %i, N = %i", (W, N) => {
  test("rows, sight, positions and n-grams are those of the two-dimensional window", () => {
    const window = new LookaheadWindow({ window: W, level: N });
    // The reference: levels of arrays. Level 0 holds the current token at index 0.
    let levels: number[][] = [];
    let context = text;
    for (let round = 0; round < 3 * N; round++) {
      const { placed, tokens, path } = grow(window, context);
      const last = context[context.length - 1];
      if (round === 0) {
        levels = [placed.tops.map((top, i) => (i === 0 ? last : path(top)[i - 1]))];
        for (const token of levels[0]) expect(Array.from(text)).toContain(token);
      }
      levels[0][0] = last;
      const full = levels.length === N - 1;
      expect(tokens).toHaveLength(W - 1 + (levels.length - 1) * W);
      if (full) expect(tokens).toHaveLength(windowRows({ window: W, level: N }, W));
      const outputs: number[] = [];
      for (let i = 0; i < W; i++) {
        // Token i of the newest level sees the first i tokens after the current one and the i-th of the levels below.
        const sight = [...levels[0].slice(1, i + 1), ...levels.slice(1).map((level) => level[i])];
        expect(path(placed.tops[i])).toEqual(sight);
        outputs.push(says([...context, ...sight]));
      }
      const ngrams = placed.tops.map((_, i) => window.advance(i, outputs[i]));
      expect(ngrams).toEqual(
        outputs.map((output, i) => (full ? [...levels.map((level) => level[i]), output] : undefined)),
      );
      levels.push(outputs);
      if (full) levels.shift();
      context = Int32Array.from([...context, says(Array.from(context))]);
    }
  });
});

test("a budget holds whole columns, a limit of depth too", () => {
  const options = { window: 4, level: 4 };
  const window = new LookaheadWindow(options);
  for (let round = 0; round < 4; round++) {
    const { placed } = grow(window, text);
    placed.tops.forEach((_, i) => {
      window.advance(i, 40 + round);
    });
  }
  for (let rows = 0; rows <= 12; rows++) {
    const { placed, tokens } = grow(window, text, rows);
    expect(tokens.length).toBe(windowRows(options, placed.tops.length));
    expect(tokens.length).toBeLessThanOrEqual(rows);
    expect(windowRows(options, Math.min(4, placed.tops.length + 1))).toBeGreaterThanOrEqual(Math.min(rows, 11));
  }
  for (let depth = 0; depth <= 6; depth++) {
    const { placed, path } = grow(window, text, 999, depth);
    expect(placed.tops).toHaveLength(Math.max(0, Math.min(4, depth - 1)));
    for (const top of placed.tops) expect(path(top).length).toBeLessThanOrEqual(depth);
  }
});

test("columns that were not evaluated stay as they are", () => {
  const window = new LookaheadWindow({ window: 3, level: 3 });
  const before = grow(window, text).path(1);
  expect(window.advance(0, 77)).toBeUndefined();
  const { placed, path } = grow(window, text);
  expect(path(placed.tops[0])).toEqual([77]);
  expect(path(placed.tops[2])).toEqual(before);
});

test("equal tokens under one parent may be one node", () => {
  const window = new LookaheadWindow({ window: 3, level: 4 });
  const same = Int32Array.from([4, 4, 4]);
  for (let round = 0; round < 4; round++) {
    const builder = new TreeBuilder();
    const { tops } = window.place(same, 3, 99, 99, (parent, token) => builder.add(parent, token, 0, 0));
    // Column i is i + (levels above) tokens deep in one chain of fours.
    const { parent } = builder.build();
    expect(Array.from(parent)).toEqual(Array.from(parent, (_, i) => i - 1));
    tops.forEach((top, i) => {
      const ngram = window.advance(i, 4);
      expect(top).toBe(i + Math.min(round, 2) - 1);
      if (ngram) expect(ngram).toEqual([4, 4, 4, 4]);
    });
  }
});

test("numbers out of range are refused", () => {
  expect(() => new LookaheadWindow({ window: 0, level: 4 })).toThrow(/window/);
  expect(() => new LookaheadWindow({ window: 4, level: 1 })).toThrow(/level/);
});
