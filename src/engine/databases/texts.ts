import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DraftwrightError } from "../../errors.ts";

/** One document, in pieces that end at line ends where they can: a tokenizer takes time and memory by the piece. */
export type Document = Iterable<string>;

export interface TextCounts {
  files: number;
  /** Files that hold no text: binary, not UTF-8, or empty. */
  skipped: number;
  /** Lines of .jsonl files without a text. */
  skippedLines: number;
}

const pieceBytes = 1 << 16;

/**
 * The documents of files and folders, in the order of their names; folders with all they contain, but for hidden ones and
 * node_modules. A .jsonl file holds one document a line, in the field `text`. Throws "bad-argument" for a missing path.
 */
export function* readTexts(paths: readonly string[], counts: TextCounts): Generator<Document> {
  for (const path of paths) {
    let isFolder: boolean;
    try {
      isFolder = statSync(path).isDirectory();
    } catch (cause) {
      throw new DraftwrightError("bad-argument", `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
    }
    for (const file of isFolder ? filesOf(path) : [path]) {
      counts.files++;
      const bytes = textBytes(file);
      if (!bytes) counts.skipped++;
      else if (/\.jsonl$/i.test(file)) yield* linesOf(bytes, counts);
      else yield piecesOf(bytes);
    }
  }
}

function* filesOf(folder: string): Generator<string> {
  const name = (entry: Dirent) => entry.name;
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (name(a) < name(b) ? -1 : 1))) {
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesOf(path);
    else if (entry.isFile()) yield path;
  }
}

/** Undefined when the file is no text. */
function textBytes(file: string): Uint8Array | undefined {
  const bytes = readFileSync(file);
  if (bytes.length === 0 || bytes.includes(0)) return undefined;
  try {
    for (const _ of piecesOf(bytes));
    return bytes;
  } catch {
    return undefined;
  }
}

/** Throws a TypeError where the bytes are not UTF-8. */
function* piecesOf(bytes: Uint8Array): Generator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let start = 0; start < bytes.length; ) {
    const limit = Math.min(start + pieceBytes, bytes.length);
    const lineEnd = limit < bytes.length ? bytes.lastIndexOf(10, limit - 1) + 1 : limit;
    const end = lineEnd > start ? lineEnd : limit;
    yield decoder.decode(bytes.subarray(start, end), { stream: end < bytes.length });
    start = end;
  }
}

function* linesOf(bytes: Uint8Array, counts: TextCounts): Generator<Document> {
  const decoder = new TextDecoder();
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(10, start);
    const end = found < 0 ? bytes.length : found;
    const line = decoder.decode(bytes.subarray(start, end)).trim();
    start = end + 1;
    if (line === "") continue;
    const text = textOf(line);
    if (text) yield piecesOf(new TextEncoder().encode(text));
    else counts.skippedLines++;
  }
}

function textOf(line: string): string | undefined {
  try {
    const { text } = JSON.parse(line) ?? {};
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}
