import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Thinking, Thoughts, thinkingOf } from "./thoughts.ts";

/** Everything that comes of a text in pieces of these sizes. */
function run(text: string, thinking: Thinking | undefined, sizes: readonly number[]) {
  const thoughts = new Thoughts(thinking);
  const all = { text: "", thinking: "" };
  const add = (piece: { text: string; thinking?: string }) => {
    all.text += piece.text;
    all.thinking += piece.thinking ?? "";
  };
  for (let at = 0, i = 0; at < text.length; i++) {
    const size = sizes[i % sizes.length];
    add(thoughts.push(text.slice(at, at + size)));
    at += size;
  }
  add(thoughts.push("", true));
  return all;
}

describe("thoughts", () => {
  test.each<[string, Thinking | undefined, string, string]>([
    ["\nWell.\n\n</think>\n\nYes.", "begun", "Well.", "Yes."],
    ["<think>\nWell.\n</think>\n\nYes. <think>", "possible", "Well.", "Yes. <think>"],
    [" \n<think></think>Yes.", "possible", "", "Yes."],
    [" Yes. </think>", "possible", "", " Yes. </think>"],
    ["<thin", "possible", "", "<thin"],
    ["a < b </ c </think", "begun", "a < b </ c </think", ""],
    ["<think>a</think>b", undefined, "", "<think>a</think>b"],
    ["a</think>", "begun", "a", ""],
  ])("%j, %s", (output, thinking, thought, text) => {
    for (const size of [1, 2, 3, 7, 100]) {
      expect(run(output, thinking, [size])).toEqual({ text, thinking: thought });
    }
  });

  test("however a text is cut, its parts are the same", () => {
    const text = fc
      .array(fc.constantFrom("<think>", "</think>", "<", "</", "think>", " ", "\n", "a", "é"), { maxLength: 12 })
      .map((parts) => parts.join(""));
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(text, fc.constantFrom<Thinking>("begun", "possible"), sizes, (output, thinking, cuts) => {
        expect(run(output, thinking, cuts)).toEqual(run(output, thinking, [1000]));
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  test("the prompt says whether they have begun", () => {
    const template = "{% if '</think>' in message.content %}..";
    expect(thinkingOf(template, "<|Assistant|><think>\n")).toBe("begun");
    expect(thinkingOf(template, "<|im_start|>assistant\n")).toBe("possible");
    expect(thinkingOf(template, "<|im_start|>assistant\n<think>\n\n</think>\n\n")).toBeUndefined();
    expect(thinkingOf("{{ messages }}", "<think>")).toBeUndefined();
    expect(thinkingOf(undefined, "<think>")).toBeUndefined();
  });
});
