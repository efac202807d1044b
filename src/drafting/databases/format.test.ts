import { describe, expect, test } from "vitest";
import { DraftwrightError } from "../../errors.ts";
import { seededRandom } from "../../lm/toy/index.ts";
import { continuations } from "./continuations.ts";
import { type Database, decodeDatabase, encodeDatabase } from "./format.ts";
import { buildModelDatabase } from "./model.ts";
import { findKey } from "./sorted-sequences.ts";
import { buildStatistics } from "./statistics.ts";

const tokenizerHash = "0123456789abcdef".repeat(4);
const description = "three clauses, \u00a7 1 to 3";

function documents(vocabSize: number): number[][] {
  const random = seededRandom(vocabSize);
  return Array.from({ length: 5 }, () => Array.from({ length: 40 }, () => Math.floor(random() ** 3 * vocabSize)));
}

const cases: [string, number, (vocabSize: number) => Database][] = [
  ["statistics, two bytes a token", 300, (size) => buildStatistics(documents(size), size)],
  ["statistics, four bytes a token", 70_000, (size) => buildStatistics(documents(size), size)],
  ["model, two bytes a token", 300, (size) => buildModelDatabase(documents(size), size, 3, 100)],
  ["model, four bytes a token", 70_000, (size) => buildModelDatabase(documents(size), size, 3, 100)],
];

describe.each(cases)("%s", (_, vocabSize, make) => {
  const database = make(vocabSize);
  const bytes = () => encodeDatabase({ database, tokenizerHash, description });

  test("what was written is read, and answers alike", () => {
    const read = decodeDatabase(bytes(), "a.db");
    expect(read).toEqual({ database, tokenizerHash, description });
    for (const key of [0, 1, 2, 7]) {
      const lookup = (of: Database) => continuations(of, findKey(of, [key], 0, 1), 1, { maxDepth: 4, maxNodes: 20 });
      expect(lookup(read.database)).toEqual(lookup(database));
    }
  });

  test("bytes that begin anywhere are read", () => {
    const shifted = new Uint8Array(bytes().length + 1);
    shifted.set(bytes(), 1);
    expect(decodeDatabase(shifted.subarray(1), "a.db").database).toEqual(database);
  });

  test("a changed byte, a missing end and an added one are refused, naming the file", () => {
    const sound = bytes();
    const random = seededRandom(7);
    for (let i = 0; i < 300; i++) {
      const length = i % 3 === 0 ? Math.floor(random() * sound.length) : sound.length + (i % 3 === 1 ? 0 : 1 + (i % 9));
      const broken = new Uint8Array(length);
      broken.set(sound.subarray(0, length));
      if (i % 3 === 1) broken[Math.floor(random() * length)] ^= 1 << Math.floor(random() * 8);
      expect(() => decodeDatabase(broken, "my.db")).toThrow(/^my\.db is not a drafting database/);
    }
  });

  test("a wrong content with a right checksum is refused or harmless, and never any other error", () => {
    const sound = bytes();
    const random = seededRandom(8);
    let refused = 0;
    for (let i = 0; i < 400; i++) {
      const broken = sound.slice();
      const header = new DataView(broken.buffer);
      // Half of them in the header, where it matters most.
      const at = i % 2 === 0 ? 8 + 4 * (i % 7) : Math.floor(random() * (broken.length / 4)) * 4;
      if (at === 36) continue;
      const values = [0, 1, 2, 3, 0xffff, 0x10000, 0x7fffffff, 0xffffffff, Math.floor(random() * 2 ** 32)];
      header.setUint32(at, values[i % values.length], true);
      header.setUint32(36, crcOf(broken), true);
      try {
        const { database } = decodeDatabase(broken, "my.db");
        for (let token = 0; token < 20; token++) {
          const trie = continuations(database, findKey(database, [token, 0], 0, 2), 2, { maxDepth: 5, maxNodes: 30 });
          expect(trie.token.every((next) => next >= 0 && next < database.vocabSize)).toBe(true);
        }
      } catch (error) {
        if (!(error instanceof DraftwrightError)) throw error;
        expect([error.code, error.message.slice(0, 6)]).toEqual(["bad-database", "my.db "]);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(150);
  });
});

test("other files are told apart", () => {
  expect(() => decodeDatabase(new Uint8Array(0), "x")).toThrow(/does not begin like one/);
  expect(() => decodeDatabase(new TextEncoder().encode("GGUF".repeat(50)), "x")).toThrow(/does not begin like one/);
  const newer = encodeDatabase({ database: cases[0][2](300), tokenizerHash, description: "" });
  newer[8] = 9;
  expect(() => decodeDatabase(newer, "x")).toThrow(/version 9 of the format, this program reads version 1/);
});

/** CRC-32 of all bytes but the four at 36: written out, so that the test does not use what it tests. */
function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    if (i >= 36 && i < 40) continue;
    crc ^= bytes[i];
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
