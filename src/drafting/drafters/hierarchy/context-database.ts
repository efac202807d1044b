import { TransitionTable } from "../transition-table.ts";

export interface ContextSettings {
  /** Tokens before a row by which it is found; longest first. */
  readonly keyLengths: readonly number[];
  /** Different rows kept for a key; the one not seen for longest goes. */
  readonly perKey: number;
  /** Tokens of a row. */
  readonly valueLength: number;
  /** Rows that the text has only begun count too; they go on over their own tokens. */
  readonly ragged: boolean;
}

/** What followed a key earlier in the text. */
export interface ContextRow {
  /** Tokens before the row that equal the end of the text, up to 17. */
  readonly match: number;
  token(i: number): number;
}

const longestMatch = 17;

/**
 * Every n-gram of a growing text, found by the tokens it begins with; for each key the latest different ones. Rows are
 * positions in the text. Source: Cho et al. 2025 (Hierarchy Drafting), the context-dependent database.
 */
export class ContextDatabase {
  private readonly settings: ContextSettings;
  private readonly longestKey: number;
  private readonly tokens: number[] = [];
  /** A trie of keys, read backwards from the row: state 0 is the empty key. */
  private readonly keys = new TransitionTable();
  private states = 1;
  /** By state: where rows begin, the latest last. */
  private readonly rows: number[][] = [];

  constructor(settings: ContextSettings) {
    this.settings = settings;
    this.longestKey = Math.max(...settings.keyLengths);
  }

  get size(): number {
    return this.tokens.length;
  }

  push(token: number): void {
    const { tokens, keys, rows, settings } = this;
    tokens.push(token);
    const start = tokens.length - settings.valueLength;
    let state = 0;
    for (let length = 1; length <= this.longestKey && start - length >= 0; length++) {
      let next = keys.get(state, tokens[start - length]);
      if (next < 0) {
        next = this.states++;
        keys.set(state, tokens[start - length], next);
      }
      state = next;
      if (!settings.keyLengths.includes(length)) continue;
      rows[state] ??= [];
      this.refresh(rows[state], start);
    }
  }

  /** Rows after the end of the text: those of the longest keys first, of one key the latest first. */
  *lookup(): Generator<ContextRow> {
    const { tokens, settings } = this;
    const seen = new Set<number>();
    for (const length of settings.keyLengths) {
      for (const start of this.starts(length)) {
        if (seen.has(start)) continue;
        seen.add(start);
        const period = tokens.length - start;
        yield { match: this.match(start), token: (i) => tokens[start + (i % period)] };
      }
    }
  }

  private *starts(keyLength: number): Generator<number> {
    const { tokens, keys, settings } = this;
    const end = tokens.length;
    if (settings.ragged) {
      for (let start = end - 1; start > end - settings.valueLength && start >= keyLength; start--) {
        if (this.match(start) >= keyLength) yield start;
      }
    }
    let state = 0;
    for (let length = 1; length <= keyLength && state >= 0; length++) {
      state = length > end ? -1 : keys.get(state, tokens[end - length]);
    }
    const found = this.rows[state] ?? [];
    for (let i = found.length - 1; i >= 0; i--) yield found[i];
  }

  /** Makes the row at `start` the latest of its key. */
  private refresh(starts: number[], start: number): void {
    const { tokens } = this;
    const known = starts.findIndex((other) => {
      for (let i = 0; i < this.settings.valueLength; i++) if (tokens[other + i] !== tokens[start + i]) return false;
      return true;
    });
    if (known >= 0) starts.splice(known, 1);
    else if (starts.length === this.settings.perKey) starts.shift();
    starts.push(start);
  }

  private match(start: number): number {
    const { tokens } = this;
    let length = 0;
    while (
      length < longestMatch &&
      length < start &&
      tokens[start - 1 - length] === tokens[tokens.length - 1 - length]
    ) {
      length++;
    }
    return length;
  }
}
