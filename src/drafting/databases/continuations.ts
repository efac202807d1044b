import { followers, type SortedSequences, type Span, weightOf } from "./sorted-sequences.ts";

/** The likeliest continuations of a key as a trie, parents before children, best first. Structure of arrays. */
export interface Continuations {
  readonly token: number[];
  /** Node index, -1 = right after the key. */
  readonly parent: number[];
  /** Share of the parent's weight that goes on with this token. */
  readonly share: number[];
  /** Weight of the sequences that go on so. */
  readonly weight: number[];
}

export interface ContinuationLimits {
  readonly maxDepth: number;
  readonly maxNodes: number;
  /** Followers with less than a `resolution`-th of their parent's weight may be left out. Default: none are. */
  readonly resolution?: number;
}

interface Waiting {
  readonly token: number;
  readonly parent: number;
  readonly depth: number;
  readonly span: Span;
  readonly weight: number;
  readonly share: number;
}

/** What follows the first `keyLength` tokens that all sequences of `span` share: the heaviest nodes first. */
export function continuations(
  sequences: SortedSequences,
  span: Span,
  keyLength: number,
  { maxDepth, maxNodes, resolution = Number.POSITIVE_INFINITY }: ContinuationLimits,
): Continuations {
  const trie: Continuations = { token: [], parent: [], share: [], weight: [] };
  // Sorted, the best last. More than the nodes that may still come are never needed.
  const waiting: Waiting[] = [];
  const grow = (parent: number, from: Span, depth: number) => {
    const total = weightOf(sequences, from);
    for (const { token, span } of followers(sequences, from, keyLength + depth, resolution)) {
      const weight = weightOf(sequences, span);
      const room = maxNodes - trie.token.length;
      if (waiting.length >= room && weight <= waiting[0].weight) continue;
      // Among equals the newest goes first, so that one path grows long before the next begins.
      let at = waiting.length;
      while (at > 0 && waiting[at - 1].weight > weight) at--;
      waiting.splice(at, 0, { token, parent, depth, span, weight, share: weight / total });
      if (waiting.length > room) waiting.shift();
    }
  };
  grow(-1, span, 0);
  while (trie.token.length < maxNodes) {
    const next = waiting.pop();
    if (!next) break;
    const node = trie.token.push(next.token) - 1;
    trie.parent.push(next.parent);
    trie.share.push(next.share);
    trie.weight.push(next.weight);
    if (next.depth + 1 < maxDepth && node + 1 < maxNodes) grow(node, next.span, next.depth + 1);
  }
  return trie;
}
