// Comma-separated tables with quoted cells (RFC 4180), as columns of strings.
import { readFileSync } from "node:fs";
import { DraftwrightError } from "../../../errors.ts";

export interface Table {
  readonly path: string;
  readonly rows: number;
  /** Cells of a column. Throws `bad-argument` when there is none of that name. */
  column(name: string): readonly string[];
  has(name: string): boolean;
}

/** Throws `bad-argument` for a file that cannot be read, has no header, or has a row of another width. */
export function readTable(path: string): Table {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  }
  const [header, ...rows] = cells(text.replace(/^\uFEFF/, ""));
  if (!header) throw new DraftwrightError("bad-argument", `${path} is empty; it should be a CSV file with a header.`);
  rows.forEach((row, i) => {
    if (row.length !== header.length) {
      throw new DraftwrightError(
        "bad-argument",
        `${path}, row ${i + 2}: ${row.length} cells under a header of ${header.length}. The file is cut short or no CSV.`,
      );
    }
  });
  return {
    path,
    rows: rows.length,
    has: (name) => header.includes(name),
    column(name) {
      const at = header.indexOf(name);
      if (at < 0) {
        throw new DraftwrightError(
          "bad-argument",
          `${path} has no column "${name}"; it has ${header.slice(0, 12).join(", ")}. Is --format right?`,
        );
      }
      return rows.map((row) => row[at]);
    },
  };
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

function cells(text: string): string[][] {
  const rows: string[][] = [];
  const pattern = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|$)/y;
  let row: string[] = [];
  while (pattern.lastIndex < text.length || row.length > 0) {
    const match = pattern.exec(text);
    if (!match)
      throw new DraftwrightError("bad-argument", `CSV row ${rows.length + 1} has a quote that does not close.`);
    const [, cell, end] = match;
    row.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === ",") continue;
    rows.push(row);
    row = [];
    if (end === "") break;
  }
  return rows;
}
