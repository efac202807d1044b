import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { parseSkipSet, type SavedSkipSet, skipSetText } from "../../drafting/index.ts";
import { DraftwrightError } from "../../errors.ts";

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

/** Written beside and renamed, so that an interruption leaves the old file or the new one. */
export function replaceFile(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.${randomBytes(3).toString("hex")}.tmp`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new DraftwrightError("bad-argument", `Cannot write ${path}: ${(cause as Error).message}.`, { cause });
  }
}
