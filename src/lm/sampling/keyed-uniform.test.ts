import { describe, expect, it } from "vitest";
import { keyedUniform } from "./index.ts";
import { philox4x32 } from "./philox.ts";

describe("philox4x32", () => {
  // Random123, tests/kat_vectors, lines "philox4x32 10": counter, key, result.
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("matches the published vector %#", (counter, key, expected) => {
    const block = Uint32Array.from(counter);
    philox4x32(block, key[0], key[1]);
    expect([...block]).toEqual(expected);
  });
});

describe("keyedUniform", () => {
  it("is the first 53 bits of the block of its key", () => {
    // Of the first vector: 27 bits of the first word, 26 of the second.
    const words = (BigInt(0x6627e8d5 >>> 5) << 26n) | BigInt(0xe169c58d >>> 6);
    expect(keyedUniform(0, 0, 0)).toBe(Number(words) / 2 ** 53);
  });

  it("lies in [0, 1), evenly, and depends on every part of the key", () => {
    const bins = new Array(16).fill(0);
    for (let position = 0; position < 16_000; position++) bins[Math.floor(keyedUniform(9, 2, position) * 16)]++;
    const chiSquare = bins.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(37.7); // 15 degrees of freedom, p = 0.001
    const keys: [number, number, number, number][] = [
      [0, 0, 0, 0],
      [1, 0, 0, 0],
      [2 ** 32, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ];
    expect(new Set(keys.map((key) => keyedUniform(...key))).size).toBe(keys.length);
    expect(keyedUniform(7, 1, 5, 0)).toBe(keyedUniform(7, 1, 5));
  });

  it("refuses keys that would silently wrap", () => {
    expect(() => keyedUniform(-1, 0, 0)).toThrow(/seed is -1/);
    expect(() => keyedUniform(2 ** 53, 0, 0)).toThrow(/seed/);
    expect(() => keyedUniform(0, 1.5, 0)).toThrow(/completion/);
    expect(() => keyedUniform(0, 0, 2 ** 32)).toThrow(/position/);
    expect(() => keyedUniform(0, 0, 0, NaN)).toThrow(/stream/);
  });
});
