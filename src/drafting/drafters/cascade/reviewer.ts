import { argmax } from "../../../lm/sampling/index.ts";
import type { DraftSequence } from "../draft-sequence.ts";

/** The text of a cascade at work: the committed tokens, and behind them a draft that its levels rewrite in place. */
export interface DraftText {
  readonly tokens: Int32Array;
  /** Probability that the last reviewer of a token gave it; 1 for Max-Gram's, which nobody has reviewed. */
  readonly probability: Float32Array;
  /** Drafter that answers for a token: the index of its last reviewer, or of Max-Gram. */
  readonly by: Uint8Array;
}

export interface Review {
  /** Tokens of the block that were kept. */
  readonly kept: number;
  /** Tokens it wrote behind them; at least one, unless the block cannot be put in its own words. */
  readonly added: number;
}

/** A neural drafter. It never decodes: it reads a block that cheaper drafters wrote, in one forward, and adds what it says. */
export interface Reviewer {
  /** Tokens of text it can read. */
  readonly capacity: number;
  /** The committed text; must be called before the first review of a round. */
  follow(tokens: Int32Array, length: number): void;
  /** Rows to run before it could review a block behind a committed text of `length` tokens. */
  missing(length: number): number;
  /**
   * Reviews the block `[base, end)` of `draft`: keeps its agreed beginning and writes its own next token behind it (at
   * most up to `limit`), both with probabilities. `lenience`: see `keeps`.
   */
  review(draft: DraftText, base: number, end: number, lenience: number, limit: number): Review;
  close(): void;
}

/**
 * Whether a reviewer keeps a drafted token that is not its own choice: with lenience l > 1, if it gives it more than 1/l of
 * the probability with which it was drafted. Source: Chen et al. 2024. Only below the target, so it never changes the output.
 */
export function keeps(probability: number, drafted: number, lenience: number): boolean {
  return lenience > 1 && probability > drafted / lenience;
}

/** A reviewer over the target's own vocabulary. */
export function modelReviewer(sequence: DraftSequence): Reviewer {
  return {
    capacity: sequence.capacity,
    follow: (tokens, length) => sequence.follow(tokens, length),
    missing: (length) => length - sequence.length,
    review({ tokens, probability }, base, end, lenience) {
      const logits = sequence.run(tokens, end, end - base + 1);
      for (let at = base; ; at++) {
        const row = logits(at - base);
        const best = argmax(row);
        if (at < end) {
          const token = tokens[at];
          const chance = probabilityOf(row, best, token);
          if (token === best || keeps(chance, probability[at], lenience)) {
            probability[at] = chance;
            continue;
          }
        }
        tokens[at] = best;
        probability[at] = probabilityOf(row, best, best);
        return { kept: at - base, added: 1 };
      }
    },
    close: () => sequence.close(),
  };
}

/** Logits this far under the best one are left out of the softmax sum: 8,192 of them change it by 0.3 %. */
const negligible = 15;

/** Softmax probability of a token; `best`: the token with the highest logit. */
export function probabilityOf(logits: Float32Array, best: number, token: number): number {
  const max = logits[best];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const below = logits[i] - max;
    if (below > -negligible) sum += Math.exp(below);
  }
  return Math.exp(logits[token] - max) / sum;
}
