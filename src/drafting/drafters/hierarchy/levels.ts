import { type Continuations, continuations } from "../../databases/continuations.ts";
import { findKey, type SortedSequences } from "../../databases/sorted-sequences.ts";
import type { TokenView } from "../../drafter.ts";
import type { Row } from "./candidates.ts";
import { ContextDatabase } from "./context-database.ts";
import type { DatabaseName, HierarchySettings, LookupSettings } from "./settings.ts";

/** A database as a session asks it. */
export interface Level {
  readonly name: DatabaseName;
  /** What may follow the text, the likeliest first. Work is done as far as rows are taken. */
  rows(context: TokenView): Iterable<Row>;
}

// Buckets of acceptance. Context: match length (1, 2, 3-4, 5-8, 9-16, 17) by rank of the row. Model and statistics: key
// length by how often the parent was seen by the share of those times. The priors decide only until there are data.
const matchClasses = 6;
const ranks = 3;
const matchPriors = [0.3, 0.45, 0.6, 0.7, 0.8, 0.85];
const rankFactors = [1, 0.3, 0.2];
const keyClasses = 4;
const shareClasses = 8;
const countTrust = [0.5, 0.75, 0.9];
const modelBuckets = matchClasses * ranks;
const statisticsBuckets = modelBuckets + keyClasses * countTrust.length * shareClasses;

export function openLevels(settings: HierarchySettings): Level[] {
  return settings.order.map((name) => {
    if (name === "context") return contextLevel(settings);
    const base = name === "model" ? modelBuckets : statisticsBuckets;
    const { database, ...lookup } = settings[name] as { database: SortedSequences } & LookupSettings;
    return sortedLevel(name, database, lookup, base);
  });
}

function contextLevel({ context: settings }: HierarchySettings): Level {
  const database = new ContextDatabase(settings);
  return {
    name: "context",
    rows({ tokens, length, maxDepth }) {
      while (database.size < length) database.push(tokens[database.size]);
      const found = [...database.lookup()];
      // Longer keys came first; what matches beyond the key says still more.
      if (settings.keyLengths.length > 1) found.sort((a, b) => b.match - a.match);
      const depth = Math.min(settings.valueLength, maxDepth);
      return found.map(({ match, token }, i) => {
        const matchClass = Math.min(Math.ceil(Math.log2(match)), matchClasses - 1);
        const rank = Math.min(i, ranks - 1);
        return {
          tokens: Array.from({ length: depth }, (_, d) => token(d)),
          buckets: new Array<number>(depth).fill(matchClass * ranks + rank),
          priors: new Array<number>(depth).fill(matchPriors[matchClass] * rankFactors[rank]),
        };
      });
    },
  };
}

/** Followers with less than this part of the weight are not worth a node. */
const resolution = 64;

function sortedLevel(name: DatabaseName, database: SortedSequences, settings: LookupSettings, base: number): Level {
  const { keyLengths, valueLength, maxNodes, perKey } = settings;
  return {
    name,
    *rows({ tokens, length, maxDepth }) {
      for (const keyLength of keyLengths) {
        if (keyLength > length) continue;
        const span = findKey(database, tokens, length - keyLength, keyLength);
        if (span.from === span.to) continue;
        const trie = continuations(database, span, keyLength, {
          maxDepth: Math.min(valueLength, maxDepth),
          maxNodes,
          ...(perKey === undefined ? { resolution } : { maxRows: perKey }),
        });
        yield* rowsOf(trie, base + keyClass(keyLength) * countTrust.length * shareClasses);
      }
    },
  };
}

/** One row for each leaf. */
function* rowsOf({ token, parent, share, weight }: Continuations, base: number): Generator<Row> {
  const isLeaf = new Uint8Array(token.length).fill(1);
  for (const node of parent) if (node >= 0) isLeaf[node] = 0;
  for (let leaf = 0; leaf < token.length; leaf++) {
    if (isLeaf[leaf] === 0) continue;
    const row = { tokens: [] as number[], buckets: [] as number[], priors: [] as number[] };
    for (let node = leaf; node >= 0; node = parent[node]) {
      const count = countClass(weight[node] / share[node]);
      row.tokens.unshift(token[node]);
      row.buckets.unshift(base + count * shareClasses + shareClass(share[node]));
      row.priors.unshift(share[node] * countTrust[count]);
    }
    yield row;
  }
}

/** 1, 2, 3-4, 5 and more tokens. */
function keyClass(length: number): number {
  return Math.min(Math.ceil(Math.log2(length)), keyClasses - 1);
}

/** Seen once, up to four times, more often. */
function countClass(count: number): number {
  return count < 1.5 ? 0 : count < 4.5 ? 1 : 2;
}

/** Half octaves from 1 down. */
function shareClass(share: number): number {
  return Math.min(shareClasses - 1, Math.round(-2 * Math.log2(share)));
}
