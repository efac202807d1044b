import type { SourcePalette } from "../sources.ts";
import { printable, type Style } from "../terminal.ts";

/** Text with the source of every character. */
interface Cell {
  readonly char: string;
  readonly source: string;
}

export interface Span {
  readonly text: string;
  readonly source: string;
}

/** Where there is no colour, drafted text stands in brackets. */
export function spansToLines(spans: readonly Span[], width: number, palette: SourcePalette, style: Style): string[] {
  return wrap(toCells(spans, !style.color), width).map((line) => render(line, palette));
}

/** Lines of two texts beside each other; `left` holds no escape sequences. */
export function beside(left: readonly string[], right: readonly string[], width: number): string {
  const rows = Math.max(left.length, right.length);
  let text = "";
  for (let i = 0; i < rows; i++) text += `${(left[i] ?? "").padEnd(width)} | ${right[i] ?? ""}\n`;
  return text;
}

function toCells(spans: readonly Span[], bracketed: boolean): Cell[] {
  const cells: Cell[] = [];
  let inDraft = false;
  const bracket = (char: string) => cells.push({ char, source: "target" });
  for (const { text, source } of spans) {
    if (bracketed && text !== "" && (source !== "target") !== inDraft) {
      bracket(inDraft ? "]" : "[");
      inDraft = !inDraft;
    }
    for (const char of printable(text)) cells.push({ char, source });
  }
  if (inDraft) bracket("]");
  return cells;
}

/** Breaks at spaces where it can; a space at a break disappears. */
function wrap(cells: readonly Cell[], width: number): Cell[][] {
  const lines: Cell[][] = [];
  let line: Cell[] = [];
  for (const cell of cells) {
    if (cell.char === "\n") {
      lines.push(line);
      line = [];
      continue;
    }
    line.push(cell);
    if (line.length <= width) continue;
    const space = line.findLastIndex(({ char }) => char === " ");
    const cut = space > 0 ? space : width;
    lines.push(line.slice(0, cut));
    line = line.slice(space > 0 ? cut + 1 : cut);
  }
  return line.length > 0 ? [...lines, line] : lines;
}

function render(line: readonly Cell[], palette: SourcePalette): string {
  let text = "";
  for (let i = 0; i < line.length; ) {
    const { source } = line[i];
    let run = "";
    while (i < line.length && line[i].source === source) run += line[i++].char;
    text += palette.token(run, source);
  }
  return text;
}
