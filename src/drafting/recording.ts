import type { Offer } from "./market.ts";
import type { DraftTree } from "./tree.ts";

/** A draft tree as plain data; `source` holds names. */
export interface RecordedTree {
  readonly token: readonly number[];
  readonly parent: readonly number[];
  readonly confidence: readonly number[];
  /** Drafter of each node, of the verified tree only. */
  readonly source?: readonly string[];
  /** Nodes that were evaluated but could not be accepted. */
  readonly observed?: readonly number[];
}

/** One bid of a round: nodes with chances, and the price of drafting the first 1, 2, .. of them. */
export interface RecordedOffer {
  readonly drafter: string;
  readonly parent: readonly number[];
  readonly chance: readonly number[];
  /** Milliseconds as quoted; empty = all free. */
  readonly draftMs: readonly number[];
  /** What was drafted of it; a bid that nobody bought has no tokens. */
  readonly drafted?: RecordedTree;
}

/** All that a round knew and did, as plain data. */
export interface RoundRecord {
  /** Committed rows of the target before the round: the number of tokens before the root. */
  readonly kv: number;
  readonly tree: RecordedTree;
  /** Accepted nodes of `tree`, root side first. */
  readonly path: readonly number[];
  readonly offers: readonly RecordedOffer[];
}

export function recordTree(tree: DraftTree, sources?: readonly string[]): RecordedTree {
  const { role } = tree;
  return {
    token: Array.from(tree.token),
    parent: Array.from(tree.parent),
    confidence: Array.from(tree.confidence, rounded),
    ...(sources && { source: Array.from(tree.source, (source) => sources[source]) }),
    ...(role && { observed: [...role.keys()].filter((node) => role[node] !== 0) }),
  };
}

/** Must be called before the drafters learn of the outcome: prices move then. */
export function recordOffer({ seat, bid, drafted }: Offer): RecordedOffer {
  const prices = Array.from(bid.parent, (_, i) => rounded(bid.draftMs(i + 1)));
  return {
    drafter: seat.name,
    parent: Array.from(bid.parent),
    chance: Array.from(bid.chance, rounded),
    draftMs: prices.some((ms) => ms > 0) ? prices : [],
    ...(drafted && { drafted: recordTree(drafted) }),
  };
}

/** Six digits: a trace is long. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
