// What a grammar leaves no choice about: names of properties, brackets, line ends. No network is run, so these drafts cost
// nothing but their rows.
import type { Constraint } from "../constraint.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../drafter.ts";
import { cutTree, type DraftTree, emptyTree, judge, TreeBuilder } from "../tree.ts";

/** A constraint that knows how texts go on. States are equal when they are the same object. */
export interface ForeseeingConstraint extends Constraint {
  /** At most `most` tokens that write what must follow; where there is a choice `guess` may know the next byte. */
  likelyTokens(most: number, guess: (state: object) => number | undefined): number[];
  /** Visits the states inside a token with the byte that was written there. */
  visit(token: number, seen: (state: object, byte: number) => void): void;
  advance(token: number): ForeseeingConstraint | undefined;
}

const prior = 0.9;
const longest = 16;
/** A state that was left in two ways has no habit. */
const changing = -1;

/**
 * Drafts what the constraint of a text leaves open in one way only. Where it leaves several, but the text has always chosen
 * the same one in that state (such as a blank after a colon), that one is drafted too. The tokens of a text are a choice of
 * the target's all the same, so nothing is certain and chances are learned. It serves one prompt.
 */
export function grammarDrafter(start: ForeseeingConstraint): Drafter {
  return { name: "grammar", needs: {}, open: (sequence) => new GrammarSession(start, sequence) };
}

class GrammarSession implements DraftSession {
  private readonly sequence: SequenceView;
  private readonly habits = new WeakMap<object, number>();
  private state: ForeseeingConstraint | undefined;
  /** Tokens that `state` has read, prompt included. */
  private length: number | undefined;
  private offer: DraftTree = emptyTree;

  constructor(start: ForeseeingConstraint, sequence: SequenceView) {
    this.state = start;
    this.sequence = sequence;
  }

  bid({ tokens, length, maxDepth, maxNodes }: TokenView): readonly Bid[] {
    this.follow(tokens, length, 0);
    this.offer = emptyTree;
    const guess = (state: object) => {
      const byte = this.habits.get(state);
      return byte === changing ? undefined : byte;
    };
    const drafted = this.state?.likelyTokens(Math.min(longest, maxDepth, maxNodes), guess) ?? [];
    if (drafted.length === 0) return [];
    const chances = new Float64Array(drafted.length);
    this.sequence.acceptance.chain(0, prior, chances);
    const builder = new TreeBuilder();
    drafted.forEach((token, i) => {
      builder.add(i - 1, token, this.sequence.source, chances[i]);
    });
    this.offer = builder.build();
    return [{ parent: this.offer.parent, chance: Float64Array.from(this.offer.confidence), draftMs: () => 0 }];
  }

  expand(_bid: Bid, nodes: number): DraftTree {
    return cutTree(this.offer, nodes);
  }

  observe({ tokens, length, emitted }: RoundResult): void {
    judge(this.offer, emitted, (_node, depth, accepted) => this.sequence.acceptance.update(0, depth, accepted));
    this.offer = emptyTree;
    this.follow(tokens, length, emitted.length);
  }

  close(): void {
    this.state = undefined;
  }

  /** `emitted`: tokens of the last round, where the first round may be. */
  private follow(tokens: Int32Array, length: number, emitted: number): void {
    this.length ??= length - emitted;
    for (; this.length < length; this.length++) {
      const token = tokens[this.length];
      this.state?.visit(token, (state, byte) => {
        const habit = this.habits.get(state);
        this.habits.set(state, habit === undefined || habit === byte ? byte : changing);
      });
      this.state = this.state?.advance(token);
    }
  }
}
