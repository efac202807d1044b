import type { CharRange } from "./gbnf.ts";

/** Bytes from `low` to `high`, both included. */
export type ByteRange = readonly [low: number, high: number];

/** Longest code point of 1, 2, 3 and 4 bytes. */
const lengthEnds = [0x7f, 0x7ff, 0xffff, 0x10ffff];

/**
 * The UTF-8 of a range of code points, as sequences of byte ranges that together match exactly it. Surrogates have no UTF-8
 * and are left out.
 */
export function utf8Ranges([low, high]: CharRange): ByteRange[][] {
  if (low <= 0xdfff && high >= 0xd800) {
    const before = low < 0xd800 ? utf8Ranges([low, 0xd7ff]) : [];
    return high > 0xdfff ? [...before, ...utf8Ranges([0xe000, high])] : before;
  }
  const length = lengthEnds.findIndex((end) => low <= end);
  const end = lengthEnds[length];
  if (high > end) return [...utf8Ranges([low, end]), ...utf8Ranges([end + 1, high])];
  // Where the last i bytes do not run through all their values, the range is cut.
  for (let i = 1; i <= length; i++) {
    const mask = 2 ** (6 * i) - 1;
    if ((low & ~mask) === (high & ~mask)) continue;
    if ((low & mask) !== 0) return [...utf8Ranges([low, low | mask]), ...utf8Ranges([(low | mask) + 1, high])];
    if ((high & mask) !== mask) {
      const cut = high & ~mask;
      return [...utf8Ranges([low, cut - 1]), ...utf8Ranges([cut, high])];
    }
  }
  const first = encode(low, length);
  const last = encode(high, length);
  return [first.map((byte, i): ByteRange => [byte, last[i]])];
}

/** `length`: bytes after the first. */
function encode(point: number, length: number): number[] {
  if (length === 0) return [point];
  const bytes: number[] = [];
  for (let i = 0; i < length; i++) bytes.unshift(0x80 | ((point >> (6 * i)) & 0x3f));
  return [[0xc0, 0xe0, 0xf0][length - 1] | (point >> (6 * length)), ...bytes];
}
