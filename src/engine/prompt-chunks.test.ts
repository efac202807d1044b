import { expect, test } from "vitest";
import { PREFILL_ROWS } from "../lm/model.ts";
import { nextChunk, sharedRows } from "./prompt-chunks.ts";

const prompt = (length: number, changed = length) =>
  Int32Array.from({ length }, (_, i) => (i < changed ? i : i + 1000));

test("chunks have at most 128 rows; those of a prompt that is long enough never less than the kernels want", () => {
  for (let rows = 1; rows < 700; rows++) {
    let left = rows;
    for (let chunks = 0; left > 0; chunks++) {
      const chunk = nextChunk(left);
      expect(chunk).toBeLessThanOrEqual(128);
      expect(chunk).toBeGreaterThanOrEqual(Math.min(rows, PREFILL_ROWS));
      expect(chunks).toBeLessThan(Math.ceil(rows / 128));
      left -= chunk;
    }
    expect(left).toBe(0);
  }
});

test.each<[string, number, number, Int32Array, Int32Array]>([
  ["the same prompt: all but its last token", 299, 299, prompt(300), prompt(300)],
  ["one that goes on: all of it", 299, 299, prompt(300), prompt(400)],
  ["what is left fills a chunk", 255, 299, prompt(300), prompt(320)],
  ["a difference in between", 100, 299, prompt(300), prompt(300, 100)],
  ["a difference near the end", 235, 299, prompt(300), prompt(300, 280)],
  ["as much as has been read", 128, 128, prompt(300), prompt(300)],
  ["a shorter one", 199, 299, prompt(300), prompt(200)],
  ["short ones among each other", 30, 39, prompt(40), prompt(60, 30)],
  ["short ones that are equal", 39, 39, prompt(40), prompt(40)],
  ["a long one is read otherwise than a short one", 0, 63, prompt(64), prompt(65)],
  ["nothing alike", 0, 299, prompt(300), prompt(300, 0)],
])("%s", (_, expected, rows, known, wanted) => {
  expect(sharedRows(known, rows, wanted)).toBe(expected);
});
