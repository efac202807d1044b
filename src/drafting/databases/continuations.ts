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
  /** Only whole rows, which end at `maxDepth` or where nothing follows, and so many of them: the heaviest. */
  readonly maxRows?: number;
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
  { maxDepth, maxNodes, maxRows, resolution = Number.POSITIVE_INFINITY }: ContinuationLimits,
): Continuations {
  const trie: Continuations = { token: [], parent: [], share: [], weight: [] };
  // Sorted, the best last. More than the nodes that may still come are never needed.
  const waiting: Waiting[] = [];
  const ends: number[] = [];
  const grow = (parent: number, from: Span, depth: number) => {
    const total = weightOf(sequences, from);
    let isEnd = true;
    for (const { token, span } of followers(sequences, from, keyLength + depth, resolution)) {
      isEnd = false;
      const weight = weightOf(sequences, span);
      const room = maxRows === undefined ? maxNodes - trie.token.length : Number.POSITIVE_INFINITY;
      if (waiting.length >= room && weight <= waiting[0].weight) continue;
      // Among equals the newest goes first, so that one path grows long before the next begins.
      let at = waiting.length;
      while (at > 0 && waiting[at - 1].weight > weight) at--;
      waiting.splice(at, 0, { token, parent, depth, span, weight, share: weight / total });
      if (waiting.length > room) waiting.shift();
    }
    if (isEnd && parent >= 0) ends.push(parent);
  };
  grow(-1, span, 0);
  while (trie.token.length < maxNodes && ends.length < (maxRows ?? Number.POSITIVE_INFINITY)) {
    const next = waiting.pop();
    if (!next) break;
    const node = trie.token.push(next.token) - 1;
    trie.parent.push(next.parent);
    trie.share.push(next.share);
    trie.weight.push(next.weight);
    if (next.depth + 1 === maxDepth) ends.push(node);
    else if (node + 1 < maxNodes) grow(node, next.span, next.depth + 1);
  }
  return maxRows === undefined ? trie : onlyPaths(trie, ends);
}

/** The nodes on the paths to `ends`. */
function onlyPaths(trie: Continuations, ends: readonly number[]): Continuations {
  const kept = new Uint8Array(trie.token.length);
  for (const end of ends) for (let node = end; node >= 0 && kept[node] === 0; node = trie.parent[node]) kept[node] = 1;
  const index: number[] = [];
  let size = 0;
  for (let node = 0; node < kept.length; node++) index.push(kept[node] === 1 ? size++ : -1);
  const of = (column: readonly number[]) => column.filter((_, node) => kept[node] === 1);
  return {
    token: of(trie.token),
    parent: of(trie.parent).map((parent) => (parent < 0 ? -1 : index[parent])),
    share: of(trie.share),
    weight: of(trie.weight),
  };
}
