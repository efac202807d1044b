import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type MetadataValue, Vocabulary, writeGguf } from "../../ggml/index.ts";
import { byteAlphabet } from "../../lm/index.ts";
import { seededRandom } from "../../lm/toy/index.ts";
import { preTokenizer, splitWords } from "./split.ts";
import { type Merge, referenceTokens } from "./testing/reference.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-split-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** libllama's tokenizer with the given merges, and no others: it merges only where its splitter lets it. */
function vocabulary(merges: readonly Merge[]): Vocabulary {
  const text = (value: string): MetadataValue => ({ type: "string", value });
  const texts = (value: string[]): MetadataValue => ({ type: "array", element: "string", value });
  const path = join(folder, "vocabulary.gguf");
  const metadata: [string, MetadataValue][] = [
    ["general.architecture", text("llama")],
    ["tokenizer.ggml.model", text("gpt2")],
    ["tokenizer.ggml.pre", text(preTokenizer)],
    ["tokenizer.ggml.tokens", texts([...byteAlphabet, ...merges.map(([left, right]) => left + right)])],
    ["tokenizer.ggml.merges", texts(merges.map((pair) => pair.join(" ")))],
  ];
  writeGguf(path, new Map(metadata), []);
  return new Vocabulary(path);
}

const count = (words: readonly string[], merges: readonly Merge[]) =>
  words.reduce((sum, word) => sum + referenceTokens(word, merges).length, 0);

describe("words are split as libllama's pre-tokenizer does", () => {
  test("at every boundary of a text made of everything the pattern names", () => {
    const characters = [..." \n\r\t'sSdreLvm1_!"];
    const spelled = characters.map((character) => byteAlphabet[Buffer.from(character)[0]]);
    const random = seededRandom(3);
    const text = Array.from({ length: 10_000 }, () => characters[Math.floor(random() * characters.length)]).join("");
    const words = splitWords(text);
    expect(words.join("")).toBe(text);
    for (const left of spelled) {
      const merges = spelled.map((right) => [left, right] as const);
      using v = vocabulary(merges);
      expect(v.encode(text).length, left).toBe(count(words, merges));
    }
  });

  // What Unicode calls a character decides; libllama and Node have different versions of its tables.
  const limit = 0x34000;
  const isCharacter = (code: number) => code > 0 && code < limit && (code < 0xd800 || code >= 0xe000);
  const edges = Array.from({ length: limit - 1 }, (_, i) => i + 1).filter((i) => kind(i) !== kind(i - 1));
  const sampled = Array.from({ length: limit / 64 }, (_, i) => 64 * i + 37);
  const codes = [...edges, ...edges.map((i) => i - 1), ...sampled].filter(isCharacter);
  const cases: [string, (character: string) => string, Merge[]][] = [
    ["behind a letter", (c) => `a${c}\n`, byteAlphabet.map((byte) => ["a", byte])],
    ["behind a sign", (c) => `!${c}\n`, byteAlphabet.map((byte) => ["!", byte])],
    ["before a letter", (c) => `${c}a\n`, byteAlphabet.map((byte) => [byte, "a"])],
  ];
  test.each(cases)(`%s, whatever the other character is (${codes.length} of them)`, (_, line, merges) => {
    using v = vocabulary(merges);
    const lines = codes.map((code) => line(String.fromCodePoint(code)));
    const expected = lines.map((text) => count(splitWords(text), merges));
    const total = expected.reduce((sum, n) => sum + n, 0);
    if (v.encode(lines.join("")).length === total) return;
    const wrong = codes.filter((_, i) => v.encode(lines[i]).length !== expected[i]);
    expect(wrong.map((code) => code.toString(16))).toEqual([]);
    expect.unreachable("only together are the lines split otherwise");
  });
});

/** How our pattern takes a character. */
function kind(code: number): number {
  const [letter, digit, sign] = ["a", "1", "!"].map(
    (neighbour) => splitWords(neighbour + String.fromCodePoint(code)).length,
  );
  return 4 * letter + 2 * digit + sign;
}
