import { readFileSync } from "node:fs";
import { parseSkipSet, type SavedSkipSet, skipSetText } from "../../drafting/index.ts";
import { DraftwrightError } from "../../errors.ts";
import { replaceFile } from "../../files.ts";

/** Throws "bad-argument" when the file cannot be read or is no saved skip set. */
export function readSkipSet(path: string): SavedSkipSet {
  return parseSkipSet(read(path), path);
}

/** Throws "bad-argument" when the file cannot be written. */
export function writeSkipSet(path: string, saved: SavedSkipSet): void {
  replaceFile(path, skipSetText(saved));
}

export function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  }
}
