import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { argmax } from "./index.ts";

describe("argmax", () => {
  it("finds the first of the highest, at every length", () => {
    const values = fc.array(fc.constantFrom(-Infinity, -1, -0, 0, 0.5, 2, Infinity), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(values, (list) => {
        const max = Math.max(...list);
        expect(argmax(Float32Array.from(list))).toBe(list.indexOf(max));
      }),
      { seed: 31, numRuns: 1000 },
    );
  });

  it("names the NaN wherever it stands", () => {
    for (let length = 1; length < 14; length++) {
      for (let at = 0; at < length; at++) {
        const logits = new Float32Array(length).map((_, i) => 10 - i);
        logits[at] = NaN;
        expect(() => argmax(logits)).toThrow(`token ${at} is NaN`);
      }
    }
    expect(() => argmax(new Float32Array(0))).toThrow(/empty/);
  });
});
