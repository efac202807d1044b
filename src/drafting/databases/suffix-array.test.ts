import { describe, expect, test } from "vitest";
import { seededRandom } from "../../lm/toy/index.ts";
import { suffixArray } from "./suffix-array.ts";

function bySorting(text: Int32Array): number[] {
  const compare = (a: number, b: number) => {
    for (; a < text.length && b < text.length; a++, b++) if (text[a] !== text[b]) return text[a] - text[b];
    return b - a;
  };
  return Array.from(text.keys()).sort(compare);
}

describe("the order of all suffixes", () => {
  test.each([
    ["nothing", []],
    ["one token", [3]],
    ["rising", [0, 1, 2, 3]],
    ["falling", [3, 2, 1, 0]],
    ["one value", [2, 2, 2, 2, 2]],
    ["mississippi", [1, 0, 3, 3, 0, 3, 3, 0, 2, 2, 0]],
    ["a period", [1, 2, 1, 2, 1, 2, 1, 2, 1]],
  ])("%s", (_, text) => {
    const tokens = Int32Array.from(text);
    expect(Array.from(suffixArray(tokens, 4))).toEqual(bySorting(tokens));
  });

  test("random texts over small and large alphabets, and copies of themselves", () => {
    for (let seed = 1; seed <= 400; seed++) {
      const random = seededRandom(seed);
      const alphabet = [1, 2, 3, 10, 500][seed % 5];
      const part = Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * alphabet));
      const tokens = Int32Array.from(seed % 2 === 0 ? part : [...part, ...part.slice(3), ...part]);
      expect(Array.from(suffixArray(tokens, alphabet))).toEqual(bySorting(tokens));
    }
  });

  test("a long text: every neighbour is in order", () => {
    const random = seededRandom(5);
    const tokens = Int32Array.from({ length: 200_000 }, () => Math.floor(random() ** 4 * 300));
    const order = suffixArray(tokens, 300);
    expect(new Set(order).size).toBe(tokens.length);
    for (let i = 1; i < order.length; i++) {
      let [a, b] = [order[i - 1], order[i]];
      while (a < tokens.length && b < tokens.length && tokens[a] === tokens[b]) {
        a++;
        b++;
      }
      if (!(a === tokens.length || tokens[a] < tokens[b])) expect.fail(`suffixes ${order[i - 1]} and ${order[i]}`);
    }
  });
});
