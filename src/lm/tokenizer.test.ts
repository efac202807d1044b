import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openGguf } from "../ggml/index.ts";
import { rewriteGguf, writeRandomModel } from "./testing/index.ts";
import { Tokenizer } from "./tokenizer.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-tokenizer-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function tokenizer(architecture: "llama" | "qwen2", pre?: string): Tokenizer {
  const path = join(folder, `${architecture}.gguf`);
  writeRandomModel(path, { architecture, layerCount: 1 });
  const changed = join(folder, `${architecture}-${pre}.gguf`);
  if (pre) rewriteGguf(path, changed, (metadata) => metadata.set("tokenizer.ggml.pre", { type: "string", value: pre }));
  using gguf = openGguf(pre ? changed : path);
  return new Tokenizer(gguf);
}

describe.each(["llama", "qwen2"] as const)("%s", (architecture) => {
  test.each(["", "hello", "two  spaces\n\ttabs", "naïve café 東京 🎉", "\u0000 and \ufffd", "a".repeat(5000)])(
    "%j comes back",
    (text) => {
      using t = tokenizer(architecture);
      const tokens = t.encode(text);
      expect(t.decode(tokens).trimStart()).toBe(text.trimStart());
      expect([...tokens].every((token) => token >= 0 && token < t.vocabSize)).toBe(true);
    },
  );

  test("control tokens are read only where asked for", () => {
    using t = tokenizer(architecture);
    const written = new TextDecoder().decode(t.pieceBytes(t.eos)) || (architecture === "llama" ? "</s>" : "<|im_end|>");
    expect([...t.encode(written, { parseSpecial: true })]).toContain(t.eos);
    expect([...t.encode(written)]).not.toContain(t.eos);
    expect(t.isEndOfGeneration(t.eos)).toBe(true);
    expect(t.endOfGeneration).toContain(t.eos);
  });

  test("ids outside of the vocabulary are refused", () => {
    using t = tokenizer(architecture);
    for (const token of [-1, t.vocabSize, 1.5, Number.NaN]) {
      expect(() => t.pieceBytes(token)).toThrow(expect.objectContaining({ code: "bad-argument" }));
    }
  });

  test("use after dispose is refused", () => {
    const t = tokenizer(architecture);
    t[Symbol.dispose]();
    t[Symbol.dispose]();
    expect(() => t.encode("x")).toThrow(expect.objectContaining({ code: "disposed" }));
  });
});

test("equal vocabularies have equal hashes, others do not", () => {
  using a = tokenizer("llama");
  using b = tokenizer("llama");
  using c = tokenizer("qwen2");
  expect(a.hash).toBe(b.hash);
  expect(a.hash).not.toBe(c.hash);
});

test("a recursive pre-tokenizer survives the longest text it is given", () => {
  using t = tokenizer("qwen2", "tekken");
  expect(t.encode("a".repeat(16384)).length).toBeGreaterThan(0);
  expect(() => t.encode("a".repeat(16385))).toThrow(/without white space/);
});
