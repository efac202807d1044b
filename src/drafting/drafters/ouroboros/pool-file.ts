import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { DraftwrightError } from "../../../errors.ts";
import { replaceFile } from "../../../files.ts";
import { PhrasePool } from "../lookahead/phrase-pool.ts";

// Little-endian. Header: magic (8 bytes), version, vocabulary size, phrase length, phrases per key, most phrases, phrases
// (u32 each), SHA-256 of the tokenizer's hash (32 bytes). Then a row per phrase, oldest first: key and tokens, u32 each.
// Last the SHA-256 of all that.
const magic = "DWPHRASE";
const version = 1;
const digestBytes = 32;
const headerBytes = 8 + 6 * 4 + digestBytes;

/** The vocabulary a pool must have been made for. */
export interface PoolIdentity {
  readonly vocabSize: number;
  /** `Tokenizer.hash`. */
  readonly tokenizerHash: string;
}

/**
 * Writes a pool of scope "disk", readable by its owner only, since it holds what users wrote. Throws "bad-argument" for
 * other scopes, and where the file cannot be written.
 */
export function savePool(pool: PhrasePool, path: string): void {
  if (pool.scope !== "disk") {
    throw new DraftwrightError(
      "bad-argument",
      `A phrase pool of scope "${pool.scope}" is not written to disk: it holds text of users. Make it with scope "disk".`,
    );
  }
  replaceFile(path, encodePool(pool), { mode: 0o600, folderMode: 0o700 });
}

/**
 * Reads what `savePool` wrote; the pool has scope "disk". Throws "bad-argument" when the file is not a sound pool,
 * "vocabulary-mismatch" when it was made for another vocabulary, and what the file system throws.
 */
export function loadPool(path: string, identity: PoolIdentity): PhrasePool {
  const file = openSync(path, "r");
  try {
    if (fstatSync(file).size > 2 ** 31 - 1) refuse("it is larger than any pool");
    return decodePool(readFileSync(file), identity);
  } finally {
    closeSync(file);
  }
}

export function encodePool(pool: PhrasePool): Uint8Array {
  const rowBytes = 4 * (pool.phraseLength + 1);
  const bytes = Buffer.alloc(headerBytes + pool.size * rowBytes + digestBytes);
  bytes.write(magic, 0, "latin1");
  const header = [version, pool.vocabSize, pool.phraseLength, pool.perKey, pool.maxPhrases, pool.size];
  header.forEach((value, i) => {
    bytes.writeUInt32LE(value, 8 + 4 * i);
  });
  sha256(pool.tokenizerHash).copy(bytes, headerBytes - digestBytes);
  let at = headerBytes;
  for (const [key, phrases] of pool.entries()) {
    for (const { tokens } of phrases) {
      for (const token of [key, ...tokens]) at = bytes.writeUInt32LE(token, at);
    }
  }
  sha256(bytes.subarray(0, at)).copy(bytes, at);
  return bytes;
}

/** Throws "bad-argument" or "vocabulary-mismatch". */
export function decodePool(data: Uint8Array, identity: PoolIdentity): PhrasePool {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length < headerBytes + digestBytes) refuse("it is too short");
  if (bytes.toString("latin1", 0, 8) !== magic) refuse("it does not begin like one");
  const [format, vocabSize, phraseLength, perKey, maxPhrases, count] = Array.from({ length: 6 }, (_, i) =>
    bytes.readUInt32LE(8 + 4 * i),
  );
  if (format !== version) refuse(`it has format ${format}, this program reads format ${version}`);
  // Everything is bounded by the size of the file before anything is allocated.
  const rowBytes = 4 * (phraseLength + 1);
  if (bytes.length !== headerBytes + count * rowBytes + digestBytes) refuse("its length does not fit its header");
  const body = bytes.subarray(0, bytes.length - digestBytes);
  if (!sha256(body).equals(bytes.subarray(body.length))) refuse("its checksum is wrong");
  const made = bytes.subarray(headerBytes - digestBytes, headerBytes);
  if (vocabSize !== identity.vocabSize || !made.equals(sha256(identity.tokenizerHash))) {
    throw new DraftwrightError(
      "vocabulary-mismatch",
      "The phrase pool was made for another vocabulary. Keep one file per model family, or delete this one.",
    );
  }
  const pool = new PhrasePool({ ...identity, phraseLength, perKey, maxPhrases, scope: "disk" });
  for (let at = headerBytes; at < body.length; at += rowBytes) {
    const row = Array.from({ length: phraseLength + 1 }, (_, i) => bytes.readUInt32LE(at + 4 * i));
    pool.insert(row[0], row.slice(1), "text");
  }
  if (pool.size !== count) refuse("it repeats itself, or holds more phrases than it allows");
  return pool;
}

function sha256(data: Uint8Array | string): Buffer {
  return createHash("sha256").update(data).digest();
}

function refuse(why: string): never {
  throw new DraftwrightError("bad-argument", `Not a saved phrase pool: ${why}. Delete the file; it is filled anew.`);
}
