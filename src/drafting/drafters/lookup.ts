import { DraftwrightError } from "../../errors.ts";
import type { AcceptanceTable } from "../calibration.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../drafter.ts";
import { cutTree, type DraftTree, TreeBuilder } from "../tree.ts";
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

/** One continuation: a chain under the root. */
interface Continuation {
  readonly bucket: number;
  readonly nodes: number;
  token(i: number): number;
}

/** The chances of a bucket's chain, as learned by `version`. */
interface ChainChances {
  readonly version: number;
  readonly chance: Float64Array;
}

class LookupSession implements DraftSession {
  private readonly options: LookupOptions;
  private readonly source: number;
  private readonly acceptance: AcceptanceTable;
  private readonly automaton: SuffixAutomaton;
  private offer: readonly Continuation[] = [];
  private readonly chances: ChainChances[] = [];

  constructor(options: LookupOptions, sequence: SequenceView) {
    this.options = options;
    this.source = sequence.source;
    this.acceptance = sequence.acceptance;
    this.automaton = new SuffixAutomaton(options.tie ?? "latest");
  }

  bid(context: TokenView): readonly Bid[] {
    const { automaton } = this;
    while (automaton.size < context.length) automaton.push(context.tokens[automaton.size]);
    const nodes = Math.min(context.maxDepth, context.maxNodes, this.options.block ?? Number.POSITIVE_INFINITY);
    this.offer = this.matches(context, nodes);
    if (this.offer.length === 0) this.offer = this.bigrams(context, nodes);
    if (this.offer.length === 0) return [];
    return [{ ...this.shape(), draftMs: free }];
  }

  expand(bid: Bid, nodes: number): DraftTree {
    const builder = new TreeBuilder();
    for (const { nodes: length, token } of this.offer) {
      let parent = -1;
      for (let i = 0; i < length; i++) parent = builder.add(parent, token(i), this.source, bid.chance[builder.size]);
    }
    return cutTree(builder.build(), nodes);
  }

  observe(round: RoundResult): void {
    // The tokens were known without paying, so they teach whether they were bought or not.
    for (const { bucket, nodes, token } of this.offer) {
      for (let depth = 0; depth < nodes && depth < round.emitted.length; depth++) {
        const accepted = token(depth) === round.emitted[depth];
        this.acceptance.update(bucket, depth, accepted);
        if (!accepted) break;
      }
    }
    this.offer = [];
  }

  close(): void {
    this.offer = [];
  }

  private matches({ tokens, length }: TokenView, nodes: number): Continuation[] {
    const branches = this.options.branches ?? 1;
    const found: Continuation[] = [];
    const limit = branches === 1 ? 1 : maxSuffixes;
    for (const match of this.automaton.matches(this.options.minMatch ?? 1, limit)) {
      if (found.length === branches) break;
      const first = tokens[match.next];
      if (found.some(({ token }) => token(0) === first)) continue;
      const period = length - match.next;
      const bucket = lengthBucket(match.length) + (found.length > 0 ? lengthBuckets : 0);
      // Past the end of the text the copy reads what it has written, so it repeats with this period.
      found.push({ bucket, nodes, token: (i) => tokens[match.next + (i % period)] });
    }
    return found;
  }

  private bigrams({ tokens, length }: TokenView, nodes: number): Continuation[] {
    const { bigram } = this.options;
    if (!bigram) return [];
    const chain: number[] = [];
    for (let next = bigram[tokens[length - 1]]; next >= 0 && chain.length < nodes; next = bigram[next])
      chain.push(next);
    return chain.length === 0 ? [] : [{ bucket: 0, nodes: chain.length, token: (i) => chain[i] }];
  }

  /** Parents and chances of the offer's nodes, one continuation after the other. */
  private shape(): Pick<Bid, "parent" | "chance"> {
    const { offer } = this;
    if (offer.length === 1) return { parent: chainParents(offer[0].nodes), chance: this.chainChances(offer[0]) };
    const size = offer.reduce((sum, { nodes }) => sum + nodes, 0);
    const parent = new Int32Array(size);
    const chance = new Float64Array(size);
    // The target says one token: the chances of siblings sum to at most 1.
    let left = 1;
    let at = 0;
    for (const continuation of offer) {
      chance.set(this.chainChances(continuation), at);
      chance[at] = Math.min(left, chance[at]);
      left -= chance[at];
      for (let i = 0; i < continuation.nodes; i++) parent[at + i] = i === 0 ? -1 : at + i - 1;
      at += continuation.nodes;
    }
    return { parent, chance };
  }

  /** The same array as before while nothing was learned: most offers of a quiet text are declined. */
  private chainChances({ bucket, nodes }: Continuation): Float64Array {
    const { version } = this.acceptance;
    const known = this.chances[bucket];
    if (known?.version === version && known.chance.length === nodes) return known.chance;
    const chance = new Float64Array(nodes);
    this.acceptance.chain(bucket, bucket > lengthBuckets ? branchPrior : priors[bucket], chance);
    this.chances[bucket] = { version, chance };
    return chance;
  }
}

const free = () => 0;

let parents = new Int32Array();

/** -1, 0, 1, ..: parents of a chain of `nodes` nodes. */
function chainParents(nodes: number): Int32Array {
  if (parents.length < nodes) parents = Int32Array.from({ length: 2 * nodes }, (_, i) => i - 1);
  return parents.subarray(0, nodes);
}

function lengthBucket(length: number): number {
  return Math.min(1 + Math.ceil(Math.log2(length)), lengthBuckets);
}
