import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DraftwrightError } from "../../errors.ts";
import { type MetadataValue, openGguf, writeGguf } from "../../ggml/gguf/index.ts";
import { tokenizerMetadata } from "../testing/vocabularies.ts";
import { checkVocabulary } from "./vocabulary.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "draftwright-vocabulary-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Change = (metadata: Map<string, MetadataValue>) => void;

function check(kind: "spm" | "bpe", change: Change): number {
  const metadata = new Map(tokenizerMetadata(kind, 450));
  change(metadata);
  const path = join(folder, "vocabulary.gguf");
  writeGguf(path, metadata, []);
  using gguf = openGguf(path);
  return checkVocabulary(gguf);
}

function expectRefused(kind: "spm" | "bpe", change: Change, pattern: RegExp, code = "bad-model"): void {
  let error: unknown;
  try {
    check(kind, change);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(DraftwrightError);
  expect((error as DraftwrightError).message).toMatch(pattern);
  expect((error as DraftwrightError).code).toBe(code);
}

/** Replaces the text of one token. */
const token =
  (id: number, text: string | Uint8Array): Change =>
  (metadata) => {
    const tokens = [...((metadata.get("tokenizer.ggml.tokens") as MetadataValue).value as string[])] as (
      | string
      | Uint8Array
    )[];
    tokens[id] = text;
    metadata.set("tokenizer.ggml.tokens", { type: "array", element: "string", value: tokens });
  };
const set =
  (key: string, value: MetadataValue | undefined): Change =>
  (metadata) => {
    const name = key.includes(".") ? key : `tokenizer.ggml.${key}`;
    if (value === undefined) metadata.delete(name);
    else metadata.set(name, value);
  };
const uint32 = (value: number): MetadataValue => ({ type: "uint32", value });
const string = (value: string): MetadataValue => ({ type: "string", value });
const strings = (...value: (string | Uint8Array)[]): MetadataValue => ({ type: "array", element: "string", value });
const int32s = (length: number, fill: number): MetadataValue => ({
  type: "array",
  element: "int32",
  value: new Int32Array(length).fill(fill),
});

describe("vocabularies", () => {
  it("that are sound pass", () => {
    expect(check("spm", () => {})).toBe(450);
    expect(check("bpe", () => {})).toBe(450);
    expect(check("bpe", set("token_type", undefined))).toBe(450);
    expect(check("bpe", set("pre", undefined))).toBe(450);
    expect(check("spm", token(400, ""))).toBe(450);
    expect(check("spm", token(400, Uint8Array.of(0xff)))).toBe(450);
  });

  it("without which libllama cannot load are refused", () => {
    expectRefused("spm", set("model", undefined), /"tokenizer.ggml.model" is missing/);
    expectRefused("spm", set("model", string("bert")), /tokenizer is "bert"/, "unsupported-model");
    expectRefused("spm", set("model", string("no_vocab")), /tokenizer is "no_vocab"/, "unsupported-model");
    expectRefused("spm", set("tokens", undefined), /has no vocabulary/);
    expectRefused("spm", set("tokens", strings()), /has no vocabulary/);
    expectRefused("spm", set("tokens", int32s(3, 1)), /array of int32, expected array of string/);
    expectRefused("bpe", set("merges", undefined), /has no merges/);
    expectRefused("bpe", set("pre", string("whitespace")), /pre-tokenizer "whitespace"/, "unsupported-model");
    expectRefused("spm", set("scores", int32s(449, 0)), /449 token scores for 450 tokens/);
    expectRefused("spm", set("token_type", int32s(451, 1)), /451 token types for 450/);
    expectRefused("spm", set("add_bos_token", uint32(1)), /is uint32, expected bool/);
    expectRefused("spm", set("bos_token_id", { type: "int32", value: 1 }), /is int32, expected uint32/);
    expectRefused("spm", set("general.file_type", string("7")), /is string, expected uint32/);
    expectRefused("spm", set("tokenizer.chat_template", uint32(1)), /is uint32, expected string/);
    expectRefused("spm", set("suppress_tokens", strings()), /expected array of int32/);
  });

  it("on which libllama asserts are refused", () => {
    expectRefused("spm", token(400, "<s>"), /token 400 has the same text/);
    // Cut at the zero byte, both are "<s>".
    expectRefused("spm", token(400, "<s>\0x"), /token 400 has the same text/);
    expectRefused(
      "spm",
      (metadata) => {
        token(400, "")(metadata);
        token(401, "[EMPTY_400]")(metadata);
      },
      /token 400 has the same text/,
    );
    expectRefused("spm", token(150, "abcdef"), /token 150 is a byte token but its text/);
    expectRefused(
      "spm",
      (metadata) => {
        token(150, "abcdef")(metadata);
        set("token_type", undefined)(metadata);
      },
      /has no byte token <0x90>/,
      "unsupported-model",
    );
    expectRefused(
      "bpe",
      (metadata) => {
        set("bos_token_id", undefined)(metadata);
        set("pre", string("glm4"))(metadata);
        set("add_bos_token", { type: "bool", value: true })(metadata);
      },
      /must begin with a BOS token/,
    );
    expectRefused("bpe", set("general.name", string("my PHI-3")), /lacks Phi-3's tokens <\/s> <unk> <s>\./);
    expect(check("spm", set("general.name", string("my PHI-3")))).toBe(450);
  });

  it("that are damaged are refused", () => {
    expectRefused("spm", set("eos_token_id", uint32(450)), /"tokenizer.ggml.eos_token_id" is 450 but there are 450/);
    expectRefused("spm", set("token_type", int32s(450, 7)), /token 0 has type 7/);
    const scores: MetadataValue = { type: "array", element: "float32", value: new Float32Array(450).fill(Number.NaN) };
    expectRefused("spm", set("scores", scores), /score of token 0 is not a number/);
    expectRefused("bpe", set("merges", strings("a b", "ab")), /merge 1 does not name two parts/);
    expectRefused("bpe", set("merges", strings(" b")), /merge 0 does not name/);
    expectRefused("spm", token(5, "x".repeat(5000)), /token 5 is 5000 bytes long/);
    expectRefused("bpe", token(300, Uint8Array.of(0xf5, 0x80, 0x80, 0x80)), /token 300 is not valid UTF-8/);
  });

  it("whose texts libllama would blow up are refused", () => {
    expectRefused(
      "bpe",
      (metadata) => {
        const tokens = Array.from({ length: 450 }, (_, i) => `${i}`.padEnd(1200, "\u4e00"));
        metadata.set("tokenizer.ggml.tokens", strings(...tokens));
        set("token_type", undefined)(metadata);
      },
      /not byte-level texts/,
    );
  });
});
