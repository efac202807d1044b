// Where the other files of a split model lie: `NAME-00001-of-00004.gguf` and so on, all in one folder.

import { basename, dirname, join } from "node:path";
import { DraftwrightError } from "../../errors.ts";
import type { Metadata } from "./metadata.ts";

/** gguf-split writes five digits; llama.cpp reads no other pattern. */
const MAX_PARTS = 512;

/** Paths of all parts, the given one first. Just [path] for a model in one file. */
export function splitPaths(path: string, metadata: Metadata): string[] {
  const count = metadata.uint16("split.count") ?? 1;
  if (count <= 1) return [path];
  const no = metadata.uint16("split.no");
  const named = /^(.*)-00001-of-(\d{5})\.gguf$/.exec(basename(path));
  if (no !== 0 || named === null || Number(named[2]) !== count) {
    throw new DraftwrightError(
      "bad-model",
      `${path} is part ${no === undefined ? "?" : no + 1} of a model split into ${count} files. ` +
        "Open the first part, under its original name (NAME-00001-of-0000N.gguf), with the others beside it.",
    );
  }
  if (count > MAX_PARTS) {
    throw new DraftwrightError("bad-model", `${path} is split into ${count} files; at most ${MAX_PARTS} are read.`);
  }
  const number = (index: number) => String(index + 1).padStart(5, "0");
  return Array.from({ length: count }, (_, index) =>
    join(dirname(path), `${named[1]}-${number(index)}-of-${named[2]}.gguf`),
  );
}
