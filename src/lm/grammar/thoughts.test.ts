import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteGrammar, type ByteState } from "./byte-grammar.ts";
import { behindThoughts } from "./thoughts.ts";

const answer = 'root ::= "{" ("<" | "x")* "}" | "(" root ")"';
const grammars = [true, false].map((begun) => {
  const { gbnf, start } = behindThoughts(answer, begun);
  return new ByteGrammar(gbnf, start);
});
const thoughts = "(?:(?!</think>)[^])*</think>[ \\t\\r\\n]{0,4}";
const patterns = [thoughts, `(?:[ \\t\\r\\n]{0,4}<think>${thoughts})?`].map(
  (before) => new RegExp(`^${before}\\(*\\{[<x]*\\}\\)*$`, "u"),
);

function accepts(grammar: ByteGrammar, text: string): boolean {
  let state: ByteState | undefined = grammar.start;
  for (const byte of new TextEncoder().encode(text)) state = state?.step(byte);
  return state?.accepting ?? false;
}

test("thoughts are free, end at the first closing tag, and the grammar follows", () => {
  const piece = fc.constantFrom("<think>", "</think>", "<", "</", "</thin", "k>", "é", "\n", "x", "{", "}");
  const before = fc.array(piece, { maxLength: 6 }).map((parts) => parts.join(""));
  const after = fc.constantFrom("</think>{}", "</think>\n\n{<x}", "{x}", "</think>{", "</think>    \n{}", "({})");
  let accepted = 0;
  fc.assert(
    fc.property(before, after, (...parts) => {
      const text = parts.join("");
      const balanced = text.split("(").length === text.split(")").length;
      for (const [i, grammar] of grammars.entries()) {
        const expected = balanced && patterns[i].test(text);
        if (expected) accepted++;
        expect(accepts(grammar, text), text).toBe(expected);
      }
    }),
    { seed: 3, numRuns: 2000 },
  );
  expect(accepted).toBeGreaterThan(300);
});

test("a rule of the same name is another rule", () => {
  const { gbnf, start } = behindThoughts('root ::= thoughts\nthoughts ::= "a" | thoughts-0\nthoughts-0 ::= "b"', true);
  const grammar = new ByteGrammar(gbnf, start);
  expect(["</think>a", "x</think>b", "a", "</think>c"].map((text) => accepts(grammar, text))).toEqual([
    ...[true, true, false, false],
  ]);
});
