import { describe, expect, it } from "vitest";
import { parseReference } from "./reference.ts";

describe("parseReference", () => {
  it.each([
    ["org/name", { repo: "org/name" }],
    ["org/name:Q4_0", { repo: "org/name", file: "Q4_0" }],
    ["org/name:a/b.gguf@refs/pr/1", { repo: "org/name", file: "a/b.gguf", revision: "refs/pr/1" }],
    ["o.r-g/na_me@v1", { repo: "o.r-g/na_me", revision: "v1" }],
  ])("%s", (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
  });

  it.each([
    "../x",
    "..",
    "/etc/passwd",
    "org/..",
    "org/a--b",
    "org/na/me",
    "org",
    "",
    "org/name:",
    "org/name@",
    "org/name:../../x.gguf",
    "org/name:/abs.gguf",
    "org/name:a\\..\\b.gguf",
    "org/name:a\0b",
    "org/name@../../x",
  ])("refuses %j", (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: "bad-argument" }));
  });
});
