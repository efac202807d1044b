import { describe, expect, it } from "vitest";
import { chooseFiles } from "./choose.ts";

const paths = [
  "README.md",
  "m-Q4_K.gguf",
  "m-Q4_K_M.gguf",
  "m.Q8_0.gguf",
  "m_f16.gguf",
  "mmproj-m-Q8_0.gguf",
  "UD/m-UD-Q2_K_XL.gguf",
  "big/m-IQ4_0-00002-of-00002.gguf",
  "big/m-IQ4_0-00001-of-00002.gguf",
];

describe("chooseFiles", () => {
  it.each([
    ["Q4_K", ["m-Q4_K.gguf"]], // and not Q4_K_M
    ["q4_k_m", ["m-Q4_K_M.gguf"]],
    ["Q8_0", ["m.Q8_0.gguf"]], // and not the vision projector
    ["F16", ["m_f16.gguf"]],
    ["mmproj-m-Q8_0.gguf", ["mmproj-m-Q8_0.gguf"]], // unless named
    ["Q2_K_XL", ["UD/m-UD-Q2_K_XL.gguf"]],
    ["m-UD-Q2_K_XL", ["UD/m-UD-Q2_K_XL.gguf"]],
    ["IQ4_0", ["big/m-IQ4_0-00001-of-00002.gguf", "big/m-IQ4_0-00002-of-00002.gguf"]],
    ["big/m-IQ4_0-00002-of-00002.gguf", ["big/m-IQ4_0-00001-of-00002.gguf", "big/m-IQ4_0-00002-of-00002.gguf"]],
  ])("%s", (selector, expected) => {
    expect(chooseFiles("org/m", paths, selector)).toEqual(expected);
  });

  it("never guesses: several, none, or parts missing are errors with the choices", () => {
    expect(() => chooseFiles("org/m", paths)).toThrow(/several models; choose one:\n {2}org\/m:UD\/m-UD-Q2_K_XL.gguf/);
    expect(() => chooseFiles("org/m", paths, "Q4_0")).toThrow(/no files for "Q4_0"/);
    expect(() => chooseFiles("org/m", ["a-Q4_0.gguf", "b-Q4_0.gguf"], "Q4_0")).toThrow(/2 files for "Q4_0"/);
    expect(() => chooseFiles("org/m", ["m-00001-of-00002.gguf"])).toThrow(/1 of 2 parts/);
    expect(chooseFiles("org/m", ["only.gguf", "mmproj-only.gguf", "imatrix.gguf"])).toEqual(["only.gguf"]);
  });
});
