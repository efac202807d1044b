import { existsSync } from "node:fs";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { GrammarOracle } from "../../ggml/llama/grammar-oracle.ts";
import { openTokenizer } from "../load.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { type GrammarState, GrammarVocabulary, jsonSchemaToGbnf, TokenGrammar } from "./index.ts";
import { utf8Ranges } from "./utf8.ts";

/** Tokens are bytes and a few words; the last one ends a text. */
const words = ["hello", "é", "日本", '":', "true", "\n\n", "  "];
const bytes = {
  vocabSize: 256 + words.length + 1,
  endOfGeneration: [256 + words.length],
  pieceBytes: (token: number) =>
    token < 256 ? Uint8Array.of(token) : new TextEncoder().encode(words[token - 256] ?? ""),
};
const vocabulary = new GrammarVocabulary(bytes);
const end = bytes.endOfGeneration[0];

/** Whether a grammar has the text, token by token through bytes. */
function accepts(gbnf: string, text: string): boolean {
  let state: GrammarState | undefined = new TokenGrammar(gbnf, vocabulary).start;
  for (const byte of new TextEncoder().encode(text)) state = state?.advance(byte);
  return state?.accepting ?? false;
}

function allowed(state: GrammarState, size: number): number[] {
  const logits = new Float32Array(size);
  state.mask(logits);
  return [...logits.keys()].filter((token) => logits[token] === 0);
}

describe("GBNF", () => {
  const cases: [string, string, readonly string[], readonly string[]][] = [
    ["strings and choices", 'root ::= "yes" | "no"', ["yes", "no"], ["", "y", "yesno", "maybe"]],
    ["a rule over lines", 'root ::= (\n  "a" # first\n  | "b"\n) x\nx ::= "!"?', ["a", "b!", "a!"], ["", "!"]],
    ["lines that begin with a bar", 'root ::= "a"\n  | "b"\n', ["a", "b"], ["ab"]],
    ["repetitions", 'root ::= "a"* "b"+ "c"? [de]{2} "f"{1,} "g"{0,2}', ["bddf", "aabbcedffgg"], ["bdf", "bddfggg"]],
    ["classes", "root ::= [^a-cx\\]\\n-]+", ["dz", "日é"], ["", "a", "d]", "-", "\n"]],
    ["escapes", 'root ::= "\\x41\\u00e9\\U0001F600\\t\\"\\\\"', ['Aé😀\t"\\'], ["A"]],
    ["any character", "root ::= . .", ["é😀", "ab"], ["a", "abc"]],
    ["recursion", 'root ::= "(" root* ")"', ["()", "(()(()))"], ["(", "())", ""]],
    ["nothing", 'root ::= ""', [""], ["a"]],
    ["empty rules in loops", 'root ::= (a | "x")* "."\na ::= "y"?', [".", "xyyx."], ["z"]],
    ["names with dashes", 'root ::= a-1 a-1\na-1 ::= "k"', ["kk"], ["k"]],
  ];
  test.each(cases)("%s", (_, gbnf, inside, outside) => {
    for (const text of inside) expect(accepts(gbnf, text), text).toBe(true);
    for (const text of outside) expect(accepts(gbnf, text), text).toBe(false);
  });

  test.each([
    ["", /no rule "root"/],
    ["root = a", /"::=" must follow/],
    ['root ::= "a', /line 1: a string is not closed/],
    ['root ::= "a"\nother ::= [b', /line 2: a class is not closed/],
    ["root ::= other", /"other" is used and not defined/],
    ['root ::= "a"\nroot ::= "b"', /defined twice/],
    ['root ::= ("a"', /not closed with/],
    ['root ::= "a" )', /a rule ends here/],
    ['root ::= "\\q"', /is no escape/],
    ['root ::= "\\u12"', /names no character/],
    ["root ::= [z-a]", /wrong way round/],
    ['root ::= "a"{3,2}', /wrong way round/],
    ['root ::= "a"{x}', /repetition must be/],
    ['root ::= "a"{99999}', /10000 repetitions/],
    ['root ::= (("a"{9999}){9999}){9}', /more than 200000 states/],
    ["root ::= <think>", /single tokens/],
    [`root ::= ${"(".repeat(200)}"a"${")".repeat(200)}`, /nested deeper/],
    ['root ::= root "a"', /"root" can begin with itself/],
    ['root ::= a\na ::= b "x" | "y"\nb ::= "z"? a', /can begin with itself/],
    ["a".repeat(300_000), /characters/],
  ])("refuses %j", (gbnf, message) => {
    expect(() => new TokenGrammar(gbnf, vocabulary)).toThrow(message);
  });

  test("a grammar with too many readings is refused where it gets too many", () => {
    const { start } = new TokenGrammar('root ::= "a" root "b" | "a" root "c" | ""', vocabulary);
    let state: GrammarState | undefined = start;
    expect(() => {
      for (let i = 0; i < 30; i++) state = state?.advance(97);
    }).toThrow(/too many ways/);
  });
});

describe("UTF-8 ranges", () => {
  test("match exactly the UTF-8 of their code points", () => {
    const points = fc.oneof(
      fc.nat(0x10ffff),
      fc.constantFrom(0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0xd7ff, 0xe000),
    );
    const matches = (point: number, ranges: ReturnType<typeof utf8Ranges>) => {
      const encoded = new TextEncoder().encode(String.fromCodePoint(point));
      return ranges.filter(
        (one) => one.length === encoded.length && one.every(([a, b], i) => encoded[i] >= a && encoded[i] <= b),
      );
    };
    fc.assert(
      fc.property(points, points, points, (a, b, point) => {
        const ranges = utf8Ranges([Math.min(a, b), Math.max(a, b)]);
        for (const one of [point, a, b]) {
          if (one >= 0xd800 && one <= 0xdfff) continue;
          const isInside = one >= Math.min(a, b) && one <= Math.max(a, b);
          expect(matches(one, ranges)).toHaveLength(isInside ? 1 : 0);
        }
      }),
      { seed: 5, numRuns: 2000 },
    );
  });
});

describe("states", () => {
  test("masks agree with single tokens, and ends only stand at ends", () => {
    const { start } = new TokenGrammar('root ::= ("hello" | "hé" [日本]* | "\\n"{2} | "hell")', vocabulary);
    let state = start;
    for (const byte of new TextEncoder().encode("hé")) {
      const expected = [...Array(bytes.vocabSize).keys()].filter((token) => state.advance(token));
      expect(allowed(state, bytes.vocabSize)).toEqual(expected);
      state = state.advance(byte) as GrammarState;
    }
    expect(allowed(state, bytes.vocabSize)).toEqual([0xe6, 258, end]);
    const over = state.advance(end) as GrammarState;
    expect([state.complete, over.complete, over.advance(97)]).toEqual([false, true, undefined]);
    // After the end nothing is masked: what a draft has there is cut anyway.
    expect(allowed(over, bytes.vocabSize)).toHaveLength(bytes.vocabSize);
  });

  test("a text that only an end could follow is complete; one that nothing can follow is refused", () => {
    const done = new TokenGrammar('root ::= "a"', vocabulary).start.advance(97);
    expect(done?.complete).toBe(true);
    const ascii = new GrammarVocabulary({ ...bytes, vocabSize: 128, endOfGeneration: [] });
    const { start } = new TokenGrammar('root ::= "é"', ascii);
    expect(() => start.mask(new Float32Array(128))).toThrow(/no token of this model/);
  });

  test("what must follow is written in the longest tokens", () => {
    const { start } = new TokenGrammar('root ::= "{\\"hello\\":true" ("x" | "y")', vocabulary);
    expect(start.likelyTokens(10, () => undefined)).toEqual([0x7b, 0x22, 256, 259, 260]);
    expect(start.likelyTokens(2, () => undefined)).toEqual([0x7b, 0x22]);
    expect(start.likelyTokens(10, (_) => 0x79)).toEqual([0x7b, 0x22, 256, 259, 260, 0x79]);
  });

  test("states survive that their grammar forgets", () => {
    const grammar = new TokenGrammar('root ::= "a" [bc]*', vocabulary);
    const state = grammar.start.advance(97) as GrammarState;
    const before = allowed(state, bytes.vocabSize);
    grammar.bytes.forget();
    expect(allowed(state, bytes.vocabSize)).toEqual(before);
    expect(state.advance(98)?.accepting).toBe(true);
  });
});

const path = "models/embedded-target.Q8_0.gguf";
describe.skipIf(!existsSync(path))("against llama.cpp's grammar sampler", () => {
  let tokenizer: Tokenizer | undefined;
  afterAll(() => tokenizer?.[Symbol.dispose]());

  const schema = {
    type: "object",
    properties: {
      name: { type: "string", maxLength: 12 },
      age: { type: "integer", minimum: -3, maximum: 120 },
      tags: { type: "array", items: { enum: ["red", "blue", "bluish"] }, maxItems: 3 },
      rest: {},
    },
    required: ["name", "tags"],
  };
  test.each([
    ["a list", 'root ::= ("- " [^\\n]{1,20} "\\n"){2,5} "end"?'],
    ["arithmetic", 'root ::= sum\nsum ::= term ([-+] term)*\nterm ::= [0-9]{1,4} | "(" sum ")"'],
    ["a JSON schema", jsonSchemaToGbnf(schema)],
    ["any JSON", jsonSchemaToGbnf({})],
    ["characters of several bytes", 'root ::= [é-ü日本]+ ("—" | "…") [^a-z]*'],
  ])("%s: the same tokens at every step", (_, gbnf) => {
    tokenizer ??= openTokenizer(path);
    const { vocabSize, pieceBytes } = tokenizer;
    // llama.cpp takes control tokens for the text of their names, bytes that no UTF-8 has for the beginnings of characters,
    // and never allows a zero byte.
    const ends = new Set(tokenizer.endOfGeneration);
    const comparable = (token: number) => {
      const piece = pieceBytes.call(tokenizer, token);
      if (piece.length === 0) return ends.has(token);
      return piece[0] !== 0 && piece.every((byte) => byte < 0xf5 && byte !== 0xc0 && byte !== 0xc1);
    };
    const grammar = new TokenGrammar(gbnf, new GrammarVocabulary(tokenizer));
    for (let seed = 1; seed <= 3; seed++) {
      using oracle = new GrammarOracle(path, gbnf);
      let random = seed * 7919;
      let state = grammar.start;
      for (let step = 0; step < 25 && !state.complete; step++) {
        const tokens = allowed(state, vocabSize);
        expect(tokens.filter(comparable)).toEqual(oracle.allowed().filter(comparable));
        random = (random * 1103515245 + 12345) % 2 ** 31;
        const token = tokens[random % tokens.length];
        oracle.accept(token);
        state = state.advance(token) as GrammarState;
      }
    }
  });
});
