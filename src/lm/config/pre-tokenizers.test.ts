import { expect, it } from "vitest";
import { isPreTokenizer, refuseLongRuns } from "./pre-tokenizers.ts";

it("knows llama.cpp's pre-tokenizers but for those that can abort", () => {
  expect(isPreTokenizer("qwen2")).toBe(true);
  expect(isPreTokenizer("whitespace")).toBe(false);
  expect(isPreTokenizer("exaone-moe")).toBe(false);
});

it("refuses long runs where the pre-tokenizer recurses", () => {
  const long = "a".repeat(16385);
  expect(() => refuseLongRuns("tekken", `x ${long} y`)).toThrow(/16385 characters in a row without white space/);
  expect(() => refuseLongRuns(undefined, " ".repeat(16385))).toThrow(/in a row of white space/);
  refuseLongRuns("tekken", `${long.slice(1)} ${long.slice(1)}`);
  refuseLongRuns("qwen2", long);
  refuseLongRuns("tekken", "a b ".repeat(10000));
});
