import { readFileSync } from "node:fs";
import { decodeDatabase, encodeDatabase, type StoredDatabase } from "../../drafting/index.ts";
import { DraftwrightError } from "../../errors.ts";
import { replaceFile } from "../../files.ts";

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

/** Returns the bytes written. */
export function writeDatabase(path: string, stored: StoredDatabase): number {
  const bytes = encodeDatabase(stored);
  replaceFile(path, bytes);
  return bytes.length;
}
