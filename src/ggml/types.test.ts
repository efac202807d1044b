import { describe, expect, it } from "vitest";
import { rowBytes, tensorType, tensorTypeById } from "./types.ts";

describe("tensor types", () => {
  it("are found by name and id", () => {
    expect(tensorType("q4_k")).toMatchObject({ id: 12, name: "Q4_K", blockElements: 256, blockBytes: 144 });
    expect(tensorTypeById(30)?.name).toBe("BF16");
    expect(tensorTypeById(31)).toBeUndefined();
    expect(() => tensorType("Q9")).toThrow(/F32, F16/);
  });

  it("give row sizes for whole blocks only", () => {
    expect(rowBytes(tensorType("Q8_0"), 576)).toBe(612);
    expect(rowBytes(tensorType("F16"), 3)).toBe(6);
    for (const bad of [0, -32, 33, 1.5, Number.NaN, 2 ** 60]) {
      expect(() => rowBytes(tensorType("Q8_0"), bad)).toThrow(/positive multiple of 32/);
    }
  });
});
