import { expect, test } from "vitest";
import { seededRandom } from "../../../lm/toy/index.ts";
import { SuffixAutomaton } from "../suffix-automaton.ts";
import { MaxGram } from "./max-gram.ts";

test.each(["earliest", "latest"] as const)("finds what the suffix automaton finds, at every step: %s", (tie) => {
  const random = seededRandom(5);
  const search = new MaxGram({ tie }, 20);
  for (const vocabSize of [1, 2, 6, 20]) {
    const automaton = new SuffixAutomaton(tie);
    const text = new Int32Array(400);
    for (let length = 0; length < text.length; ) {
      const copy = random() < 0.2 ? 6 : 1;
      const from = Math.floor(random() * length);
      for (let i = 0; i < copy && length < text.length; i++) {
        text[length] = copy > 1 ? text[from + i] : Math.floor(random() * vocabSize);
        automaton.push(text[length++]);
        expect(search.match(text, length)).toEqual(automaton.matches(1, 1)[0] ?? null);
      }
    }
  }
});

test("a rewritten end is searched as it stands", () => {
  const search = new MaxGram({}, 20);
  const text = Int32Array.of(1, 2, 3, 4, 1, 2);
  expect(search.match(text, 6)).toEqual({ length: 2, next: 2 });
  text[5] = 4;
  expect(search.match(text, 6)).toEqual({ length: 1, next: 4 });
});
