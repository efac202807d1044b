import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openGguf } from "../../ggml/index.ts";
import { byteAlphabet } from "../../lm/index.ts";
import { openTokenizer } from "../../lm/load.ts";
import { seededRandom } from "../../lm/toy/index.ts";
import { learnMerges, type MergeOptions } from "./learn-merges.ts";
import { readTexts } from "./read-texts.ts";
import { splitWords } from "./split.ts";
import { type Merge, referenceMerges, referenceTokens } from "./testing/reference.ts";
import { trainTokenizer } from "./train-tokenizer.ts";
import { WordCounts } from "./word-counts.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-tokenizer-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function learn(counts: ReadonlyMap<string, number>, options: MergeOptions): { merges: Merge[]; symbols: number } {
  const merges: Merge[] = [];
  const learning = learnMerges(counts, options);
  let step = learning.next();
  for (; !step.done; step = learning.next()) merges.push(step.value);
  return { merges, symbols: step.value };
}

/** Words over few characters, so that runs and equal counts are frequent. */
function randomCounts(seed: number, characters: string, words: number, longest: number): Map<string, number> {
  const random = seededRandom(seed);
  const pick = (n: number) => Math.floor(random() * n);
  const letters = [...characters];
  const word = () => Array.from({ length: 1 + pick(longest) }, () => letters[pick(letters.length)]).join("");
  return new Map(Array.from({ length: words }, () => [word(), 1 + pick(4)]));
}

const few = { minFrequency: 2 } as const;

describe("learning merges", () => {
  test.each([
    ["a", 6, 40],
    ["ab", 40, 12],
    ["abc", 60, 9],
    ["aab\u00e9\u6771", 60, 7],
    ["etaoin shrdlu", 200, 8],
  ])("gives what counting anew for each merge gives (characters %j)", (characters, words, longest) => {
    for (let seed = 1; seed <= 6; seed++) {
      const counts = randomCounts(seed, characters, words, longest);
      const { merges, symbols } = learn(counts, { ...few, merges: 60 });
      expect(merges).toEqual(referenceMerges(counts, 60, 2));
      expect(new Set(merges.map((pair) => pair.join(""))).size).toBe(merges.length);
      const tokens = Array.from(counts, ([word, count]) => count * referenceTokens(word, merges).length);
      expect(symbols).toBe(tokens.reduce((sum, n) => sum + n, 0));
    }
  });

  test("does not depend on the order of the words", () => {
    const counts = randomCounts(9, "abcd", 80, 8);
    const reversed = new Map([...counts].reverse());
    expect(learn(reversed, { ...few, merges: 80 })).toEqual(learn(counts, { ...few, merges: 80 }));
  });

  test("ends where pairs are rarer than asked for, leaves out what is taken, and makes no endless tokens", () => {
    const counts = new Map([
      ["abab", 5],
      ["cd", 2],
    ]);
    expect(learn(counts, { merges: 9, minFrequency: 3 }).merges).toEqual([
      ["a", "b"],
      ["ab", "ab"],
    ]);
    expect(learn(counts, { ...few, merges: 9, taken: new Set(["ab"]) }).merges).toEqual([
      ["b", "a"],
      ["a", "ba"],
      ["aba", "b"],
      ["c", "d"],
    ]);
    const long = learn(new Map([["-".repeat(5000), 3]]), { ...few, merges: 99 }).merges;
    expect(Math.max(...long.map((pair) => pair.join("").length))).toBe(512);
  });
});

test("too many different words: the rarest are forgotten, and how many is known", () => {
  const words = new WordCounts(10);
  words.add(`${" aa".repeat(5)}${" bb".repeat(2)} c d e f g h i j`);
  expect(words.counts.size).toBe(10);
  words.add(" k");
  expect([...words.counts]).toEqual([
    [" aa", 5],
    [" bb", 2],
  ]);
  expect(words).toMatchObject({ seen: 16, forgotten: 9 });
});

describe("reading", () => {
  async function texts(path: string): Promise<string[]> {
    const found: string[] = [];
    for await (const { text } of readTexts(path)) found.push(text);
    return found;
  }

  // More than one chunk of the file.
  const random = seededRandom(5);
  const pieces = [
    " the",
    "\u6771\u4eac",
    "\n",
    "\n\n",
    "  ",
    "\r\n",
    "\u0085",
    " 12",
    "!\n",
    "\u00e9t\u00e9",
    "\t",
    "don't",
  ];
  const long = Array.from({ length: 400_000 }, () => pieces[Math.floor(random() * pieces.length)]).join("");
  test.each([
    ["lines", long],
    ["one line", long.replaceAll(/[\n\r\u0085]/g, " ")],
  ])("plain text of %s comes in pieces with the words of the whole", async (_, text) => {
    const found = await texts(file("long.txt", text));
    expect(found.length).toBeGreaterThan(2);
    expect(found.join("")).toBe(text);
    const words = found.flatMap((piece) => splitWords(piece));
    expect(words.join("\u0000") === splitWords(text).join("\u0000")).toBe(true);
  });

  test("JSON lines are taken as training takes them", async () => {
    const messages = ["q", "r"].map((content, i) => ({ role: ["user", "assistant"][i], content }));
    const lines = [
      { text: "a\n\nb" },
      { prompt: "p", completion: "c" },
      { instruction: "i", input: "x", output: "o" },
      { messages },
    ];
    const path = file("lines.jsonl", `${lines.map((line) => JSON.stringify(line)).join("\n\n")}\n`);
    expect(await texts(path)).toEqual(["a\n\nb", "p", "c", "i\n\nx\n\n", "o", "q\n\n", "r"]);
    await expect(texts(file("bad.jsonl", '{"text":"a"}\n{"id":1}\n'))).rejects.toThrow(/bad\.jsonl:2: no text/);
    await expect(texts(join(folder, "absent.txt"))).rejects.toMatchObject({ code: "bad-argument" });
  });
});

describe("a trained vocabulary", () => {
  const stems =
    "the of and Tenant shall pay Landlord's rent agreement don't WE'LL na\u00efve \u6771\u4eac\u90fd \ud83c\udf89\ud83c\udf89 -- __init__ x1 2026 == </div> \u0645\u0631\u062d\u0628\u0627";
  const joints = [" ", " ", " ", "\n", "\n\n", ", ", ".  ", "\r\n", "\t", "", "\u00a0"];
  const write = (seed: number, words: number) => {
    const random = seededRandom(seed);
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() ** 2 * list.length)];
    const ends = ["", "", "s", "ing", "ed", "tion"];
    return Array.from({ length: words }, () => pick(stems.split(" ")) + pick(ends) + pick(joints)).join("");
  };
  const data = [file("data.txt", write(1, 6000))];
  const out = join(folder, "vocabulary.gguf");
  const size = 400;
  const training = trainTokenizer({ data, out, vocabulary: size, special: ["<|table|>"] });

  const strings = (key: string) => {
    using gguf = openGguf(out);
    return [...(gguf.metadata.strings(`tokenizer.ggml.${key}`) ?? [])];
  };
  const merges = () => strings("merges").map((pair) => pair.split(" ") as [string, string]);

  test("gives libllama the tokens that merging by hand gives, and every text back", async () => {
    const { tokens, bytesPerToken } = await training;
    expect(tokens).toBe(size);
    using tokenizer = openTokenizer(out);
    expect(tokenizer.vocabSize).toBe(size);
    const ids = new Map(strings("tokens").map((text, id) => [text, id]));
    const others = [
      "",
      " ",
      "\u0000",
      "a".repeat(300),
      "\u0416\u0438\u0437\u043d\u044c 12345\n\n\n  x",
      "<|table|><s>",
    ];
    for (const text of [write(2, 400), write(3, 400), ...others]) {
      const expected = splitWords(text).flatMap((word) =>
        referenceTokens(word, merges()).map((token) => ids.get(token)),
      );
      const encoded = [...tokenizer.encode(text)];
      expect(encoded).toEqual(expected);
      expect(tokenizer.decode(encoded)).toBe(text);
    }
    const whole = readFileSync(data[0]);
    expect(whole.length / tokenizer.encode(whole.toString()).length).toBeCloseTo(bytesPerToken, 10);
  });

  test("has no token that cannot be reached: each is what its own bytes become", async () => {
    await training;
    const all = merges();
    const bytes = new Map(byteAlphabet.map((character, byte) => [character, byte]));
    // As words are whole characters, parts of characters are given to the reference.
    using tokenizer = openTokenizer(out);
    const found = strings("tokens").slice(8 + 256);
    expect(found.length).toBe(size - 264);
    for (const [i, token] of found.entries()) {
      const raw = Uint8Array.from([...token].map((character) => bytes.get(character) as number));
      const text = Buffer.from(raw).toString();
      if (Buffer.compare(Buffer.from(text), raw) !== 0) continue;
      expect(referenceTokens(text, all)).toEqual([token]);
      if (splitWords(text).length === 1) expect([...tokenizer.encode(text)]).toEqual([264 + i]);
    }
  });

  test("has special tokens, read only where asked for, and a chat template", async () => {
    await training;
    using tokenizer = openTokenizer(out);
    expect(tokenizer).toMatchObject({ bos: 1, eos: 2, addsBos: true });
    expect(tokenizer.endOfGeneration).toEqual([2, 6]);
    expect([...tokenizer.encode("<|table|>x<|end|>", { parseSpecial: true })].filter((id) => id < 8)).toEqual([7, 6]);
    expect([...tokenizer.encode("<|table|>")].every((id) => id >= 8)).toBe(true);
    expect([...tokenizer.encode("x", { addSpecial: true })][0]).toBe(1);
    using gguf = openGguf(out);
    expect(gguf.tensors.size).toBe(0);
    expect(gguf.metadata.string("tokenizer.chat_template")).toContain("<|assistant|>");
  });

  test("is the same file when made again", async () => {
    await training;
    const again = join(folder, "again.gguf");
    await trainTokenizer({ data, out: again, vocabulary: size, special: ["<|table|>"] });
    expect(readFileSync(again).equals(readFileSync(out))).toBe(true);
  });

  const none = join(folder, "none.gguf");
  test.each([
    [/263 tokens at least: 256 bytes and 7 special ones/, { vocabulary: 262 }],
    [/no text in .*empty\.txt/, { vocabulary: 300, data: [file("empty.txt", "")] }],
    [/gives 265 tokens, not 300.*--vocabulary 265/, { vocabulary: 300, data: [file("small.txt", "abab abab")] }],
    [/"<s>" cannot be a special token/, { special: ["<s>"] }],
    [/"a" cannot be a special token/, { special: ["a"] }],
    [/Cannot read .*no file/, { data: [folder] }],
    [/Cannot write .*folder/, { out: folder }],
    [/interrupted/, { signal: AbortSignal.abort() }],
  ])("is refused with what is wrong: %s", async (message, change) => {
    await expect(trainTokenizer({ data, out: none, vocabulary: size, ...change })).rejects.toThrow(message);
    expect(existsSync(none)).toBe(false);
  });

  test("may be the bytes alone", async () => {
    const bare = join(folder, "bare.gguf");
    await trainTokenizer({ data, out: bare, vocabulary: 263 });
    using tokenizer = openTokenizer(bare);
    expect(tokenizer.decode(tokenizer.encode("na\u00efve"))).toBe("na\u00efve");
    expect(tokenizer.encode("abc").length).toBe(3);
  });
});
