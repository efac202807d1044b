import { DraftwrightError } from "../../errors.ts";
import type { AcceptanceTable } from "../calibration.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../drafter.ts";
import { cutTree, type DraftTree, emptyTree, judge, TreeBuilder } from "../tree.ts";
import { SuffixAutomaton } from "./suffix-automaton.ts";

export interface LookupOptions {
  /** Which earlier occurrence of the suffix is continued when there are several. Default "latest". */
  readonly tie?: "earliest" | "latest";
  /** Shortest suffix, in tokens, whose earlier occurrence counts. Default 1. */
  readonly minMatch?: number;
  /** Most nodes of one continuation: the block M of the paper. Default: as many as the budget buys. */
  readonly block?: number;
  /** Different continuations to offer, from ever shorter suffixes. Default 1: a chain. */
  readonly branches?: number;
  /** Most likely follower of each token, -1 = unknown; used when nothing matches. Build one with `bigramTable`. */
  readonly bigram?: Int32Array;
}

/** Suffixes looked at for further branches. */
const maxSuffixes = 8;

// Buckets: 0 is the bigram table, 1.. are match lengths 1, 2, 3-4, 5-8, 9-16, 17+, and the same again for branches that
// are not the longest match. The priors only decide what is tried before there are data.
const lengthBuckets = 6;
const priors = [0.3, 0.3, 0.45, 0.6, 0.7, 0.8, 0.85];
const branchPrior = 0.15;

/**
 * Max-Gram: finds the longest suffix of the text that occurred before and proposes what followed it there; at the end of
 * the text the copy goes on over the tokens just proposed. No network, no training, costs microseconds.
 * Source: Chen et al. 2024, "Cascade Speculative Drafting" (Max-Gram), whose second pass searches anew over text and draft. It always
 * ends up here too: a longer suffix found elsewhere would contradict the first search. One search can serve any depth.
 */
export function lookupDrafter(options: LookupOptions = {}): Drafter {
  for (const [name, value] of Object.entries({
    minMatch: options.minMatch ?? 1,
    block: options.block ?? 1,
    branches: options.branches ?? 1,
  })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new DraftwrightError("bad-argument", `lookup: ${name} is ${value}; it must be an integer >= 1.`);
    }
  }
  return {
    name: "lookup",
    needs: {},
    open(sequence) {
      const { bigram } = options;
      if (bigram && (bigram.length !== sequence.vocabSize || bigram.some((token) => token >= sequence.vocabSize))) {
        throw new DraftwrightError(
          "vocabulary-mismatch",
          `lookup: the bigram table is for ${bigram.length} tokens, the target has ${sequence.vocabSize}.`,
        );
      }
      return new LookupSession(options, sequence);
    },
  };
}

class LookupSession implements DraftSession {
  private readonly options: LookupOptions;
  private readonly source: number;
  private readonly acceptance: AcceptanceTable;
  private readonly automaton: SuffixAutomaton;
  /** What the last bid offered, and the bucket of each of its nodes. */
  private offer: DraftTree = emptyTree;
  private buckets: number[] = [];

  constructor(options: LookupOptions, sequence: SequenceView) {
    this.options = options;
    this.source = sequence.source;
    this.acceptance = sequence.acceptance;
    this.automaton = new SuffixAutomaton(options.tie ?? "latest");
  }

  bid(context: TokenView): readonly Bid[] {
    const { automaton } = this;
    while (automaton.size < context.length) automaton.push(context.tokens[automaton.size]);
    const builder = new TreeBuilder();
    this.buckets = [];
    const nodes = Math.min(context.maxDepth, context.maxNodes, this.options.block ?? Number.POSITIVE_INFINITY);
    this.addMatches(builder, context, nodes);
    if (builder.size === 0) this.addBigrams(builder, context, nodes);
    this.offer = builder.build();
    if (builder.size === 0) return [];
    return [{ parent: this.offer.parent, chance: Float64Array.from(this.offer.confidence), draftMs: () => 0 }];
  }

  expand(_bid: Bid, nodes: number): DraftTree {
    return cutTree(this.offer, nodes);
  }

  observe(round: RoundResult): void {
    // The tokens were known without paying, so they teach whether they were bought or not.
    judge(this.offer, round.emitted, (node, depth, accepted) => {
      this.acceptance.update(this.buckets[node], depth, accepted);
    });
    this.offer = emptyTree;
  }

  close(): void {
    this.offer = emptyTree;
  }

  private addMatches(builder: TreeBuilder, { tokens, length }: TokenView, nodes: number): void {
    const branches = this.options.branches ?? 1;
    const matches = this.automaton.matches(this.options.minMatch ?? 1, branches === 1 ? 1 : maxSuffixes);
    let added = 0;
    // The target says one token: the chances of siblings sum to at most 1.
    let left = 1;
    for (const match of matches) {
      if (added > 0 && builder.find(-1, tokens[match.next]) >= 0) continue;
      if (added === branches) return;
      const period = length - match.next;
      // Past the end of the text the copy reads what it has written, so it repeats with this period.
      const token = (i: number) => tokens[match.next + (i % period)];
      left -= this.addChain(builder, nodes, lengthBucket(match.length) + (added > 0 ? lengthBuckets : 0), left, token);
      added++;
    }
  }

  private addBigrams(builder: TreeBuilder, { tokens, length }: TokenView, nodes: number): void {
    const { bigram } = this.options;
    if (!bigram) return;
    let last = tokens[length - 1];
    this.addChain(builder, nodes, 0, 1, () => {
      last = bigram[last];
      return last;
    });
  }

  /** Adds a chain under the root until `token` gives -1 or `nodes` are reached; returns the chance of its first node. */
  private addChain(
    builder: TreeBuilder,
    nodes: number,
    bucket: number,
    most: number,
    token: (i: number) => number,
  ): number {
    const prior = bucket > lengthBuckets ? branchPrior : priors[bucket];
    const first = Math.min(most, this.acceptance.chance(bucket, 0, prior));
    let parent = -1;
    for (let depth = 0; depth < nodes; depth++) {
      const next = token(depth);
      if (next < 0) break;
      const chance = depth === 0 ? first : this.acceptance.chance(bucket, depth, prior);
      parent = builder.add(parent, next, this.source, chance);
      this.buckets[parent] = bucket;
    }
    return first;
  }
}

function lengthBucket(length: number): number {
  return Math.min(1 + Math.ceil(Math.log2(length)), lengthBuckets);
}
