import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { buildStatistics } from "../../drafting/index.ts";
import { DraftwrightError } from "../../errors.ts";
import { openToy } from "../testing/toy-runtime.ts";
import { buildFromAnswers, buildFromTexts, readDatabase, writeDatabase } from "./index.ts";
import { readTexts } from "./texts.ts";

const root = mkdtempSync(join(tmpdir(), "draftwright-databases-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder: string;
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
});
const write = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
  return path;
};

/** Tokens are bytes. */
const bytes = { vocabSize: 256, encode: (text: string) => Int32Array.from(new TextEncoder().encode(text)) };

describe("texts", () => {
  const read = (...paths: string[]) => {
    const counts = { files: 0, skipped: 0, skippedLines: 0 };
    return { documents: [...readTexts(paths, counts)].map((pieces) => [...pieces].join("")), counts };
  };

  test("folders with all they contain, in order; what is no text is skipped and counted", () => {
    write("b.txt", "second");
    write("a/c.md", "first, \u00a7 1");
    write("binary", Uint8Array.of(80, 0, 81));
    write("latin1.txt", Uint8Array.of(0x67, 0xe4, 0x62));
    write("empty.txt", "");
    write(".git/config", "hidden");
    write("node_modules/x/index.js", "not yours");
    expect(read(folder)).toEqual({
      documents: ["first, \u00a7 1", "second"],
      counts: { files: 5, skipped: 3, skippedLines: 0 },
    });
  });

  test(".jsonl: one document a line; lines without a text are counted", () => {
    const path = write("x.jsonl", '{"text": "one"}\n\n{"id": 3}\nnot json\n{"text": 4}\n{"text": "two\\nlines"}');
    expect(read(path)).toEqual({
      documents: ["one", "two\nlines"],
      counts: { files: 1, skipped: 0, skippedLines: 3 },
    });
  });

  test("long texts come in pieces that end at line ends and lose nothing", () => {
    const line = `${"\u00e4\u20ac\u{1f600} ".repeat(30)}\n`;
    for (const text of [line.repeat(1000), "\u20ac".repeat(100_000), `${"x".repeat(200_000)}\nend`]) {
      const [pieces] = [...readTexts([write("long.txt", text)], { files: 0, skipped: 0, skippedLines: 0 })];
      const list = [...pieces];
      expect(list.length).toBeGreaterThan(2);
      expect(list.join("") === text).toBe(true);
      if (text.startsWith(line)) expect(list.every((piece) => piece.endsWith("\n"))).toBe(true);
    }
  });

  test("a missing path is named", () => {
    expect(() => read(join(folder, "nowhere"))).toThrow(/Cannot read .*nowhere/);
  });
});

describe("statistics", () => {
  test("every file is a document, however many pieces it has", () => {
    const long = `${"The Tenant shall pay. ".repeat(20)}\n`.repeat(400);
    write("a.txt", long);
    write("b.txt", "short");
    const { database, report } = buildFromTexts([folder], bytes);
    expect(database.documents).toBe(2);
    expect(report).toEqual({ files: 2, skipped: 0, skippedLines: 0, refused: 0, tokens: long.length + 5 });
    expect(database.size).toBe(long.length + 5 + 2);
  });

  test("documents that the tokenizer refuses are counted; without any text there is no database", () => {
    write("a.txt", "good");
    write("b.txt", "bad");
    const picky = {
      ...bytes,
      encode(text: string) {
        if (text === "bad") throw new DraftwrightError("bad-argument", "too long a run");
        return bytes.encode(text);
      },
    };
    expect(buildFromTexts([folder], picky).report).toMatchObject({ files: 2, refused: 1, tokens: 4 });
    expect(() => buildFromTexts([write("c/only.bin", Uint8Array.of(0))], bytes)).toThrow(/There is no text in/);
  });
});

describe("files", () => {
  const database = buildStatistics([[1, 2, 3]], 256);
  const stored = { database, tokenizerHash: "ab".repeat(32), description: "test" };

  test("what was written is read, and nothing else is left in the folder", () => {
    const path = join(folder, "new/a.db");
    expect(writeDatabase(path, stored)).toBe(readFileSync(path).length);
    expect(readDatabase(path, { hash: "ab".repeat(32), path: "m.gguf" })).toEqual(stored);
    expect(readdirSync(join(folder, "new"))).toEqual(["a.db"]);
  });

  test("another vocabulary, no file and no database are told apart", () => {
    const path = join(folder, "a.db");
    writeDatabase(path, stored);
    const codeOf = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        if (error instanceof DraftwrightError) return `${error.code}: ${error.message}`;
      }
      return "";
    };
    expect(codeOf(() => readDatabase(path, { hash: "cd".repeat(32), path: "m.gguf" }))).toMatch(
      /^vocabulary-mismatch: .*a\.db was built with another vocabulary than that of m\.gguf/,
    );
    expect(codeOf(() => readDatabase(join(folder, "b.db")))).toMatch(/^bad-argument: Cannot read .*b\.db/);
    expect(codeOf(() => readDatabase(write("c.db", "text")))).toMatch(/^bad-database: .*c\.db is not a drafting/);
    expect(codeOf(() => writeDatabase(join(path, "below"), stored))).toMatch(/^bad-argument: Cannot write/);
  });
});

test("a model's own answers: n-grams by the number of answers that hold them", async () => {
  const model = await openToy();
  const prompts = ["one", "two", "one", "x".repeat(400)];
  const progress: number[] = [];
  const built = await buildFromAnswers(model, prompts, {
    maxTokens: 12,
    order: 3,
    most: 1000,
    onProgress: (done) => progress.push(done),
  });
  const answer = async (prompt: string) =>
    (await model.generate(prompt, { maxTokens: 12, draft: "off" }).result).tokenIds;
  const [one, two] = [await answer("one"), await answer("two")];
  await model.dispose();
  expect(built).toMatchObject({ answers: 3, skipped: 1, tokens: 2 * one.length + two.length });
  expect(progress).toEqual([1, 2, 3, 4]);
  const { rows, counts } = built.database;
  for (const [row, count] of counts.entries()) {
    const ngram = Array.from(rows.subarray(3 * row, 3 * row + 3)).join();
    const holds = (tokens: readonly number[]) => `,${tokens.join()},`.includes(`,${ngram},`);
    expect(count).toBe((holds(one) ? 2 : 0) + (holds(two) ? 1 : 0));
  }
});
