import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { decodeDatabase, encodeDatabase, type StoredDatabase } from "../../drafting/index.ts";
import { DraftwrightError } from "../../errors.ts";

/** The vocabulary that a database must have been made with. */
export interface ExpectedVocabulary {
  /** `Tokenizer.hash`. */
  readonly hash: string;
  /** Names the model in messages. */
  readonly path: string;
}

/**
 * Reads a drafting database. Throws "bad-argument" when there is no such file, "bad-database" when it is none, and
 * "vocabulary-mismatch" when its token ids are not those of `expected`.
 */
export function readDatabase(path: string, expected?: ExpectedVocabulary): StoredDatabase {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `Cannot read the database ${path}: ${(cause as Error).message}.`, {
      cause,
    });
  }
  const stored = decodeDatabase(bytes, path);
  if (expected && stored.tokenizerHash !== expected.hash) {
    throw new DraftwrightError(
      "vocabulary-mismatch",
      `${path} was built with another vocabulary than that of ${expected.path}, so its tokens mean other texts. ` +
        "Build it again with this model: draftwright db build.",
    );
  }
  return stored;
}

/** Written beside and renamed, so that a reader never sees half a file. Returns the bytes written. */
export function writeDatabase(path: string, stored: StoredDatabase): number {
  const temporary = `${path}.${process.pid}.tmp`;
  const bytes = encodeDatabase(stored);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, bytes);
    renameSync(temporary, path);
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `Cannot write ${path}: ${(cause as Error).message}.`, { cause });
  } finally {
    if (existsSync(temporary)) rmSync(temporary);
  }
  return bytes.length;
}
