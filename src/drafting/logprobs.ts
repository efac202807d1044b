import { logSumExp, type TokenLogprob, topLogprobs } from "../lm/sampling/index.ts";

/** How likely the target found an emitted token, and the likeliest ones in its place. */
export interface Logprobs {
  readonly logprob: number;
  readonly top: readonly TokenLogprob[];
}

/** Reads the target's rows of one round as they are verified, before anything changes them. */
export class LogprobReader {
  private readonly count: number;
  private rows: { readonly logits: Float32Array; readonly logSum: number; readonly top: readonly TokenLogprob[] }[] =
    [];

  /** `count`: likeliest tokens to keep of each row. */
  constructor(count: number) {
    this.count = count;
  }

  begin(): void {
    this.rows = [];
  }

  /** The raw logits [vocab] from which the next token is taken. Later it may be masked, but not for the token taken. */
  read(logits: Float32Array): void {
    const logSum = logSumExp(logits);
    this.rows.push({ logits, logSum, top: topLogprobs(logits, this.count, logSum) });
  }

  /** Of the round's `index`th token; before the next forward. */
  of(index: number, token: number): Logprobs {
    const { logits, logSum, top } = this.rows[index];
    return { logprob: logits[token] - logSum, top };
  }
}
