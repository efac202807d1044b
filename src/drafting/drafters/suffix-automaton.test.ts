import { describe, expect, test } from "vitest";
import { seededRandom } from "../../lm/toy/index.ts";
import { SuffixAutomaton } from "./suffix-automaton.ts";

/** The longest suffix that also ends before the last token, and the first token after its earliest or latest occurrence. */
function bruteForce(text: readonly number[], tie: "earliest" | "latest") {
  for (let length = text.length - 1; length > 0; length--) {
    const ends: number[] = [];
    for (let end = length; end < text.length; end++) {
      let equal = true;
      for (let i = 1; i <= length && equal; i++) equal = text[end - i] === text[text.length - i];
      if (equal) ends.push(end);
    }
    if (ends.length > 0) return { length, next: tie === "earliest" ? ends[0] : ends[ends.length - 1] };
  }
  return undefined;
}

describe.each(["earliest", "latest"] as const)("%s", (tie) => {
  test.each([
    ["two tokens", 2, 60],
    ["four tokens", 4, 120],
    ["many tokens, past the first growth of the tables", 50, 400],
  ])("agrees with brute force at every step: %s", (_, vocabSize, length) => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = seededRandom(seed);
      const automaton = new SuffixAutomaton(tie);
      const text: number[] = [];
      while (text.length < length) {
        // Copies make long matches likely.
        const from = Math.floor(random() * text.length);
        const part = random() < 0.2 ? text.slice(from, from + 6) : [Math.floor(random() * vocabSize)];
        for (const token of part) {
          text.push(token);
          automaton.push(token);
          expect(automaton.matches(1, 1)[0]).toEqual(bruteForce(text, tie));
        }
      }
    }
  });

  test("a single repeated token", () => {
    const automaton = new SuffixAutomaton(tie);
    for (let i = 0; i < 50; i++) automaton.push(9);
    expect(automaton.matches(1, 1)).toEqual([{ length: 49, next: 49 }]);
  });
});

test("shorter suffixes follow, each at its own occurrence, none under the minimum", () => {
  const automaton = new SuffixAutomaton("latest");
  //              0  1  2  3  4  5  6  7  8  9
  for (const t of [1, 2, 3, 5, 2, 3, 6, 1, 2, 3]) automaton.push(t);
  expect(automaton.matches(1, 9)).toEqual([
    { length: 3, next: 3 },
    { length: 2, next: 6 },
  ]);
  expect(automaton.matches(3, 9)).toEqual([{ length: 3, next: 3 }]);
  expect(automaton.matches(4, 9)).toEqual([]);
});

test("nothing repeats in an empty or a new text", () => {
  const automaton = new SuffixAutomaton("earliest");
  expect(automaton.matches(1, 1)).toEqual([]);
  for (const token of [1, 2, 3]) automaton.push(token);
  expect(automaton.matches(1, 1)).toEqual([]);
});
