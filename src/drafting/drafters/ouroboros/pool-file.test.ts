import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DraftwrightError } from "../../../errors.ts";
import { seededRandom } from "../../../lm/toy/index.ts";
import { PhrasePool, type PoolScope } from "../lookahead/phrase-pool.ts";
import { decodePool, encodePool, loadPool, savePool } from "./pool-file.ts";

const identity = { vocabSize: 50, tokenizerHash: "a hash" };

function filled(scope: PoolScope = "disk"): PhrasePool {
  const random = seededRandom(3);
  const token = () => Math.floor(random() * 50);
  const pool = new PhrasePool({ ...identity, scope, perKey: 4, maxPhrases: 90 });
  for (let i = 0; i < 200; i++) pool.insert(token(), [token(), token(), token()], "text");
  return pool;
}

const contents = (pool: PhrasePool) => Array.from(pool.entries(), ([key, list]) => [key, list.map((p) => p.tokens)]);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "phrase-pool-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a saved pool", () => {
  test("comes back as it was, order and limits included", () => {
    const path = join(folder, "new", "pool.bin");
    const pool = filled();
    savePool(pool, path);
    const loaded = loadPool(path, identity);
    expect(contents(loaded)).toEqual(contents(pool));
    expect(loaded.size).toBe(pool.size);
    expect([loaded.scope, loaded.perKey, loaded.maxPhrases, loaded.phraseLength]).toEqual(["disk", 4, 90, 3]);
    for (const [key] of pool.entries()) {
      expect(loaded.newest(key, 9).map((p) => p.tokens)).toEqual(pool.newest(key, 9).map((p) => p.tokens));
    }
    savePool(new PhrasePool({ ...identity, scope: "disk" }), path);
    expect(loadPool(path, identity).size).toBe(0);
  });

  test("is its owner's alone, and nothing is left beside it", () => {
    const path = join(folder, "pool.bin");
    writeFileSync(path, "older", { mode: 0o644 });
    savePool(filled(), path);
    if (process.platform !== "win32") expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["pool.bin"]);
  });

  test("only scope disk is written", () => {
    for (const scope of ["request", "session"] as const) {
      expect(() => savePool(filled(scope), join(folder, "pool.bin"))).toThrow(/not written to disk/);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test("another vocabulary is refused", () => {
    const bytes = encodePool(filled());
    for (const other of [
      { ...identity, vocabSize: 51 },
      { ...identity, tokenizerHash: "another" },
    ]) {
      expect(() => decodePool(bytes, other)).toThrow(expect.objectContaining({ code: "vocabulary-mismatch" }));
    }
  });

  test("a file that is none is refused", () => {
    const path = join(folder, "pool.bin");
    writeFileSync(path, "not a pool");
    expect(() => loadPool(path, identity)).toThrow(/too short/);
    writeFileSync(path, Buffer.alloc(500));
    expect(() => loadPool(path, identity)).toThrow(/does not begin/);
  });
});

describe("a damaged file", () => {
  /** The checksum made right again: what a hostile writer would do. */
  function sealed(bytes: Buffer): Buffer {
    const body = bytes.subarray(0, Math.max(0, bytes.length - 32));
    return Buffer.concat([body, createHash("sha256").update(body).digest()]);
  }

  function mutated(original: Uint8Array, random: () => number): Buffer {
    let bytes = Buffer.from(original);
    const times = 1 + Math.floor(random() * 4);
    for (let i = 0; i < times; i++) {
      const at = Math.floor(random() * bytes.length);
      const kind = Math.floor(random() * 5);
      if (kind === 0) bytes[at] ^= 1 << Math.floor(random() * 8);
      else if (kind === 1) bytes = bytes.subarray(0, at);
      else if (kind === 2) bytes = Buffer.concat([bytes, bytes.subarray(at)]);
      else {
        // Fields and rows are u32: extremes where they hurt, half of them in the header.
        const word = 4 * Math.floor((kind === 3 ? random() * 32 : random() * bytes.length) / 4);
        const values = [0, 1, 49, 50, 0x7fffffff, 0x80000000, 0xffffffff];
        if (bytes.length >= word + 4) bytes.writeUInt32LE(values[Math.floor(random() * values.length)], word);
      }
      if (bytes.length === 0) break;
    }
    return bytes;
  }

  test("without its checksum every change is refused: 400 mutations", () => {
    const random = seededRandom(11);
    const original = encodePool(filled());
    for (let i = 0; i < 400; i++) {
      const bytes = mutated(original, random);
      if (bytes.equals(original)) continue;
      expect(() => decodePool(bytes, identity)).toThrow(DraftwrightError);
    }
  });

  test("with a checksum that fits it is refused or a sound pool: 400 mutations", () => {
    const random = seededRandom(12);
    const original = encodePool(filled());
    let accepted = 0;
    for (let i = 0; i < 400; i++) {
      let pool: PhrasePool;
      try {
        pool = decodePool(sealed(mutated(original, random)), identity);
      } catch (error) {
        expect(error).toBeInstanceOf(DraftwrightError);
        continue;
      }
      accepted++;
      let count = 0;
      for (const [key, list] of pool.entries()) {
        expect(list.length).toBeLessThanOrEqual(pool.perKey);
        for (const { tokens } of list) {
          expect(tokens).toHaveLength(pool.phraseLength);
          for (const token of [key, ...tokens]) expect(token >= 0 && token < 50).toBe(true);
          count++;
        }
      }
      expect(count).toBe(pool.size);
      expect(count).toBeLessThanOrEqual(pool.maxPhrases);
    }
    expect(accepted).toBeGreaterThan(0);
  });

  test("a huge count allocates nothing", () => {
    const bytes = Buffer.from(encodePool(filled()));
    bytes.writeUInt32LE(0xffffffff, 8 + 4 * 5);
    expect(() => decodePool(sealed(bytes), identity)).toThrow(/length does not fit/);
  });
});
