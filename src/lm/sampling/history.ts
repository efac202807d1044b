import { DraftwrightError } from "../../errors.ts";
import { checkParams, hasPenalties, type SamplingParams } from "./params.ts";

/**
 * Tokens of prompt and output along the current path. Drafting pushes a node's tokens, samples, and pops them again; the
 * counts that penalties need follow in constant time.
 */
export interface TokenHistory {
  push(token: number): void;
  /** Removes the last token and returns it. Throws "bad-argument" when empty. */
  pop(): number;
  readonly length: number;
}

/** The history of one path, counting for `params`. Throws "bad-argument" for bad parameters or token ids. */
export function createHistory(params: SamplingParams, vocabSize: number, tokens: ArrayLike<number> = []): TokenHistory {
  checkParams(params, vocabSize);
  const history = new CountedHistory(vocabSize, hasPenalties(params), params.penaltyWindow ?? Infinity);
  for (let i = 0; i < tokens.length; i++) history.push(tokens[i]);
  return history;
}

/** What the sampler reads: the distinct tokens of the window and how often each occurs. */
export class CountedHistory implements TokenHistory {
  readonly vocabSize: number;
  readonly window: number;
  /** False when nothing is penalised: counts are then not kept at all. */
  readonly counting: boolean;
  /** token -> occurrences in the window, never 0. */
  readonly counts = new Map<number, number>();
  private tokens = new Int32Array(256);
  private size = 0;

  constructor(vocabSize: number, counting: boolean, window: number) {
    this.vocabSize = vocabSize;
    this.counting = counting;
    this.window = window;
  }

  get length(): number {
    return this.size;
  }

  push(token: number): void {
    if (!(Number.isInteger(token) && token >= 0 && token < this.vocabSize)) {
      throw new DraftwrightError(
        "bad-argument",
        `Token ${token} is not in the vocabulary (0..${this.vocabSize - 1}); tokenize with the target's own tokenizer.`,
      );
    }
    if (this.size === this.tokens.length) {
      const grown = new Int32Array(this.size * 2);
      grown.set(this.tokens);
      this.tokens = grown;
    }
    this.tokens[this.size++] = token;
    if (!this.counting) return;
    this.add(token);
    if (this.size > this.window) this.subtract(this.tokens[this.size - 1 - this.window]);
  }

  pop(): number {
    if (this.size === 0)
      throw new DraftwrightError("bad-argument", "pop() on an empty history: push and pop in pairs.");
    const token = this.tokens[--this.size];
    if (!this.counting) return token;
    this.subtract(token);
    if (this.size >= this.window) this.add(this.tokens[this.size - this.window]);
    return token;
  }

  private add(token: number): void {
    this.counts.set(token, (this.counts.get(token) ?? 0) + 1);
  }

  private subtract(token: number): void {
    const count = this.counts.get(token) ?? 0;
    if (count > 1) this.counts.set(token, count - 1);
    else this.counts.delete(token);
  }
}
