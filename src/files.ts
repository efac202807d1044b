import { randomBytes } from "node:crypto";
import { mkdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { DraftwrightError } from "./errors.ts";

export interface FileModes {
  /** Of the file; default 0o666 less the process's mask. */
  readonly mode?: number;
  /** Of the folders that are made on the way. */
  readonly folderMode?: number;
}

/**
 * Writes a whole file, so that an interruption leaves the old one or the new one and a reader never sees half of it. Folders
 * on the way are made. What is no plain file, such as a pipe, is written to as it is. Throws "bad-argument" with the path.
 */
export function replaceFile(path: string, data: string | Uint8Array, modes: FileModes = {}): void {
  writeBeside(path, (temporary) => writeFileSync(temporary, data, { mode: modes.mode }), modes);
}

/** The same for those who write in their own way: `write` gets the name to write to. Its DraftwrightErrors pass. */
export function writeBeside(path: string, write: (temporary: string) => void, modes: FileModes = {}): void {
  let temporary: string | undefined;
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found && !found.isFile()) {
      write(path);
      return;
    }
    // A link stays a link: what it points to is replaced.
    const target = found ? realpathSync(path) : path;
    mkdirSync(dirname(target), { recursive: true, mode: modes.folderMode });
    temporary = `${target}.${process.pid}.${randomBytes(3).toString("hex")}.tmp`;
    write(temporary);
    renameSync(temporary, target);
  } catch (cause) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    if (cause instanceof DraftwrightError) throw cause;
    throw new DraftwrightError("bad-argument", `Cannot write ${path}: ${(cause as Error).message}.`, { cause });
  }
}
