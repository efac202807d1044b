import { checkRange } from "./phrase-pool.ts";

export interface WindowOptions {
  /** Positions guessed ahead at once: the W of the paper. */
  readonly window: number;
  /** Length of the n-grams it makes, key included: the N of the paper. Phrases have one token less. */
  readonly level: number;
}

/** Throws "bad-argument". */
export function checkWindow({ window, level }: WindowOptions): void {
  checkRange("lookahead: window", window, 1, 64);
  checkRange("lookahead: level", level, 2, 33);
}

/** Rows of `columns` whole columns: the current token is not one of them. */
export function windowRows({ level }: WindowOptions, columns: number): number {
  return columns === 0 ? 0 : columns - 1 + (level - 2) * columns;
}

/** Where the window stands in a tree. */
export interface Placed {
  /** Node of the newest token of each column; its output is the column's next token. -1 is the root. */
  readonly tops: readonly number[];
}

/**
 * The two-dimensional window of Jacobi trajectories: column i holds what was guessed for positions i, i+1, .. after the current
 * token in the last level - 1 forwards. A row sees the current token, the oldest tokens of the columns before its own, and
 * those below it in its own column. That is a chain of ancestors, so the window is a tree of nodes that are evaluated and
 * never accepted. Source: Fu et al. 2024, "Break the sequential dependency of LLM inference using lookahead decoding", section 3.
 */
export class LookaheadWindow {
  readonly options: WindowOptions;
  /** Tokens of each column, oldest first; the first of column 0 is the current token. Empty before the first use. */
  private columns: number[][] = [];

  constructor(options: WindowOptions) {
    checkWindow(options);
    this.options = options;
  }

  /**
   * Adds whole columns, at most `rows` nodes, none deeper than `maxDepth` levels under the root. `add` gives the node of a
   * token under a parent (-1 = root); equal tokens under one parent may share a node. `text` ends with the current token.
   */
  place(
    text: Int32Array,
    length: number,
    rows: number,
    maxDepth: number,
    add: (parent: number, token: number) => number,
  ): Placed {
    if (this.columns.length === 0) this.start(text, length);
    this.columns[0][0] = text[length - 1];
    const tops: number[] = [];
    let oldest = -1;
    let left = rows;
    for (let i = 0; i < this.columns.length; i++) {
      const column = this.columns[i];
      const needed = column.length - (i === 0 ? 1 : 0);
      if (needed > left || i + column.length - 1 > maxDepth) break;
      left -= needed;
      if (i > 0) oldest = add(oldest, column[0]);
      let node = oldest;
      for (let l = 1; l < column.length; l++) node = add(node, column[l]);
      tops.push(node);
    }
    return { tops };
  }

  /** Takes the output after the newest token of a column. Returns the n-gram that is complete with it, key first. */
  advance(column: number, output: number): readonly number[] | undefined {
    const tokens = this.columns[column];
    tokens.push(output);
    if (tokens.length < this.options.level) return undefined;
    const ngram = [...tokens];
    tokens.shift();
    return ngram;
  }

  /** The first guesses are tokens of the text, spread over it: always the same for the same text. */
  private start(text: Int32Array, length: number): void {
    this.columns = Array.from({ length: this.options.window }, (_, i) => [
      text[Math.floor((((i * 0x9e3779b1) >>> 0) / 2 ** 32) * length)],
    ]);
  }
}
