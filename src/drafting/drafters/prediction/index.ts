// Predicted outputs: the caller says what the output will be like, such as the old version of a text that is being
// edited, and drafts are taken from there.
import { DraftwrightError } from "../../../errors.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../../drafter.ts";
import { cutTree, type DraftTree, emptyTree, judge, TreeBuilder } from "../../tree.ts";
import { Alignment, type Guess, placesOf } from "./alignment.ts";

// Buckets: one range for each reason, in it by the number of tokens that speak for or against the guess.
const classes = 6;
const priors: Readonly<Record<Guess["reason"], readonly number[]>> = {
  start: [0.7],
  follows: [0.8, 0.85, 0.9, 0.9, 0.95, 0.95],
  found: [0.4, 0.6, 0.75, 0.8, 0.85, 0.85],
  replaced: [0.3, 0.25, 0.2, 0.15, 0.1, 0.1],
  inserted: [0.3, 0.25, 0.2, 0.15, 0.1, 0.1],
};
const reasons = Object.keys(priors) as Guess["reason"][];

/**
 * Drafts from a predicted output. `tokens`: the prediction, as a continuation of the prompt, so without a begin-of-text
 * token. It may be wrong anywhere: after a difference drafting goes on where the output joins it again. The drafter serves
 * one prompt. Opening throws "vocabulary-mismatch" for tokens that the target does not have.
 */
export function predictionDrafter(tokens: ArrayLike<number>): Drafter {
  const prediction = Int32Array.from(tokens);
  const places = placesOf(prediction);
  return {
    name: "prediction",
    needs: {},
    open(sequence) {
      const odd = prediction.find((token) => token < 0 || token >= sequence.vocabSize);
      if (odd !== undefined) {
        throw new DraftwrightError(
          "vocabulary-mismatch",
          `The prediction holds token ${odd}; the target has 0..${sequence.vocabSize - 1}. Tokenize it with this model.`,
        );
      }
      return new PredictionSession(prediction, new Alignment(prediction, places), sequence);
    },
  };
}

class PredictionSession implements DraftSession {
  private readonly prediction: Int32Array;
  private readonly alignment: Alignment;
  private readonly sequence: SequenceView;
  /** Tokens before the output. */
  private promptLength: number | undefined;
  private offer: DraftTree = emptyTree;
  private buckets: number[] = [];

  constructor(prediction: Int32Array, alignment: Alignment, sequence: SequenceView) {
    this.prediction = prediction;
    this.alignment = alignment;
    this.sequence = sequence;
  }

  bid({ tokens, length, maxDepth, maxNodes }: TokenView): readonly Bid[] {
    this.follow(tokens, length, 0);
    const builder = new TreeBuilder();
    this.buckets = [];
    // The target says one token: the chances of siblings sum to at most 1.
    let left = 1;
    for (const guess of this.alignment.guesses()) {
      left -= this.addChain(builder, guess, Math.min(maxDepth, maxNodes), left);
    }
    this.offer = builder.build();
    if (builder.size === 0) return [];
    return [{ parent: this.offer.parent, chance: Float64Array.from(this.offer.confidence), draftMs: () => 0 }];
  }

  expand(_bid: Bid, nodes: number): DraftTree {
    return cutTree(this.offer, nodes);
  }

  observe({ tokens, length, emitted }: RoundResult): void {
    // The tokens were known without paying, so they teach whether they were bought or not.
    judge(this.offer, emitted, (node, depth, accepted) => {
      this.sequence.acceptance.update(this.buckets[node], depth, accepted);
    });
    this.offer = emptyTree;
    this.follow(tokens, length, emitted.length);
  }

  close(): void {
    this.offer = emptyTree;
  }

  /** Reads the output as far as it goes. `emitted`: tokens of the last round, where the first round may be. */
  private follow(tokens: Int32Array, length: number, emitted: number): void {
    this.promptLength ??= length - emitted;
    for (let at = this.promptLength + this.alignment.length; at < length; at++) this.alignment.push(tokens[at]);
  }

  /** Adds the prediction from a place on; returns the chance of its first node. */
  private addChain(builder: TreeBuilder, { at, reason, count }: Guess, nodes: number, most: number): number {
    const kind = Math.min(Math.ceil(Math.log2(Math.max(1, count))), priors[reason].length - 1);
    const bucket = reasons.indexOf(reason) * classes + kind;
    const { acceptance, source } = this.sequence;
    const end = Math.min(this.prediction.length, at + nodes);
    const chances = new Float64Array(end - at);
    acceptance.chain(bucket, priors[reason][kind], chances);
    const first = Math.min(most, chances[0]);
    let parent = -1;
    for (let i = 0; at + i < end; i++) {
      parent = builder.add(parent, this.prediction[at + i], source, i === 0 ? first : chances[i]);
      this.buckets[parent] = bucket;
    }
    return first;
  }
}
