// Texts of files of any size, in pieces. Where a piece is cut, a word ends.
import { createReadStream, statSync } from "node:fs";
import { DraftwrightError } from "../../errors.ts";
import { isJsonLines, parseDocument } from "../text-data.ts";

/** A line break, or a single space, with something behind it. No word goes on there. */
const SAFE_CUTS = [/\n(?=\P{White_Space})/gu, /(?<=\P{White_Space})(?= \P{White_Space})/gu];
/** Characters without either, after which the text is cut anyway. */
const LONGEST_PIECE = 2 ** 24;

/** Bytes of all files. Throws `bad-argument` for what is no readable file. */
export function totalBytes(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + sizeOf(path), 0);
}

function sizeOf(path: string): number {
  try {
    const found = statSync(path);
    if (!found.isFile()) throw new Error("it is no file");
    return found.size;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/**
 * Yields the texts of a file with the number of bytes that were read so far: of JSON lines as `readDocuments` takes them, each
 * answer apart; of other files all there is.
 */
export async function* readTexts(path: string): AsyncGenerator<{ text: string; bytes: number }> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const pieces = isJsonLines(path) ? jsonTexts(path) : plainTexts();
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
      bytes += chunk.length;
      for await (const text of pieces(decoder.decode(chunk, { stream: true }), false)) yield { text, bytes };
    }
    for await (const text of pieces(decoder.decode(), true)) yield { text, bytes };
  } catch (cause) {
    if (cause instanceof DraftwrightError) throw cause;
    throw unreadable(path, cause);
  }
}

/** Takes a chunk, the last one with `end`; yields what is complete. */
type Pieces = (chunk: string, end: boolean) => AsyncGenerator<string>;

function plainTexts(): Pieces {
  let rest = "";
  return async function* (chunk, end) {
    rest += chunk;
    const at = end ? rest.length : cut(rest);
    if (at > 0) yield rest.slice(0, at);
    rest = rest.slice(at);
  };
}

/** Where a text may be cut; 0: nowhere yet. */
function cut(text: string): number {
  for (const pattern of SAFE_CUTS) {
    let at = 0;
    for (const match of text.matchAll(pattern)) at = match.index + match[0].length;
    if (at > 0) return at;
  }
  return text.length > LONGEST_PIECE ? text.length : 0;
}

function jsonTexts(path: string): Pieces {
  let rest = "";
  let number = 0;
  return async function* (chunk, end) {
    const lines = chunk.split("\n");
    lines[0] = rest + lines[0];
    rest = end ? "" : (lines.pop() as string);
    for (const line of lines) {
      number++;
      if (line.trim() === "") continue;
      const document = await parseDocument(line, `${path}:${number}`, {});
      if ("text" in document) yield document.text;
      else yield* [document.prompt, document.answer];
    }
  };
}

function unreadable(path: string, cause: unknown): DraftwrightError {
  return new DraftwrightError("bad-argument", `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
}
