// Comma-separated tables with quoted cells (RFC 4180), as columns of strings.
import { readFileSync } from "node:fs";
import { DraftwrightError } from "../../../errors.ts";

export interface Table {
  readonly path: string;
  readonly rows: number;
  /** Cells of a column that was asked for. */
  column(name: string): readonly string[];
}

/**
 * Keeps only the named columns: Kaggle's players.csv has 36 million cells. Throws `bad-argument` for a file that cannot be
 * read, has no header, lacks a column, or has a row of another width.
 */
export function readTable(path: string, names: readonly string[]): Table {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  }
  let header: readonly string[] | undefined;
  let kept: (string[] | undefined)[] = [];
  let rows = 0;
  const endRow = (width: number) => {
    if (!header) return;
    rows++;
    if (width === header.length) return;
    throw new DraftwrightError(
      "bad-argument",
      `${path}, row ${rows + 1}: ${width} cells under a header of ${header.length}. The file is cut short or no CSV.`,
    );
  };
  const columns = new Map(names.map((name) => [name, [] as string[]]));
  const first: string[] = [];
  scan(text, path, (cell, column, last) => {
    if (header) kept[column]?.push(cell());
    else first.push(cell());
    if (!last) return;
    endRow(column + 1);
    if (header) return;
    header = first;
    kept = first.map((name, i) => (first.indexOf(name) === i ? columns.get(name) : undefined));
    const missing = names.find((name) => !first.includes(name));
    if (missing !== undefined) {
      throw new DraftwrightError(
        "bad-argument",
        `${path} has no column "${missing}"; it has ${first.slice(0, 12).join(", ")}. Is --format right?`,
      );
    }
  });
  if (!header) throw new DraftwrightError("bad-argument", `${path} is empty; it should be a CSV file with a header.`);
  return { path, rows, column: (name) => columns.get(name) ?? [] };
}

/** A column of finite numbers. Throws `bad-argument` with the row of the first cell that is none. */
export function numbers(table: Table, name: string, empty?: number): Float64Array {
  return Float64Array.from(table.column(name), (cell, i) => {
    const value = cell === "" && empty !== undefined ? empty : Number(cell);
    if ((cell.trim() === "" && empty === undefined) || !Number.isFinite(value)) {
      throw new DraftwrightError("bad-argument", `${table.path}, row ${i + 2}: ${name} is "${cell}", not a number.`);
    }
    return value;
  });
}

const [quote, comma, lineFeed, carriageReturn] = [34, 44, 10, 13];

/** Tells each cell with its place in its row, and whether it ends the row. */
function scan(text: string, path: string, tell: (cell: () => string, column: number, last: boolean) => void): void {
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let column = 0;
  let line = 1;
  let open = false;
  while (at < text.length || open) {
    const from = at;
    const isQuoted = text.charCodeAt(at) === quote;
    if (isQuoted) at = afterQuote(text, at);
    else while (at < text.length && !endsCell(text.charCodeAt(at))) at++;
    const end = at;
    if (text.charCodeAt(at) === carriageReturn) at++;
    const stop = text.charCodeAt(at);
    if (end < 0 || (at < text.length && stop !== comma && stop !== lineFeed)) {
      throw new DraftwrightError("bad-argument", `${path}, row ${line}: a quote does not close, or text follows it.`);
    }
    open = stop === comma;
    const cell = () => (isQuoted ? text.slice(from + 1, end - 1).replaceAll('""', '"') : text.slice(from, end));
    tell(cell, column, !open);
    column = open ? column + 1 : 0;
    if (!open) line++;
    at++;
  }
}

const endsCell = (code: number) => code === comma || code === lineFeed || code === carriageReturn;

/** Place after the closing quote, or -1. */
function afterQuote(text: string, at: number): number {
  for (;;) {
    const next = text.indexOf('"', at + 1);
    if (next < 0) return -1;
    if (text.charCodeAt(next + 1) !== quote) return next + 1;
    at = next + 1;
  }
}
