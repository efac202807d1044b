import { type Continuations, continuations } from "../../databases/continuations.ts";
import { findKey, type SortedSequences, weightOf } from "../../databases/sorted-sequences.ts";
import type { TokenView } from "../../drafter.ts";
import type { Candidates } from "./candidates.ts";
import { ContextDatabase } from "./context-database.ts";
import type { DatabaseName, HierarchySettings, LookupSettings } from "./settings.ts";

/** A database as a session asks it. */
export interface Level {
  readonly name: DatabaseName;
  /** Adds what may follow the text, the likeliest first, as long as there is room. */
  fill(candidates: Candidates, context: TokenView): void;
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
  return settings.order.map((name, origin) => {
    if (name === "context") return contextLevel(settings, origin);
    const base = name === "model" ? modelBuckets : statisticsBuckets;
    const { database, ...lookup } = settings[name] as { database: SortedSequences } & LookupSettings;
    return sortedLevel(name, database, lookup, base, origin);
  });
}

function contextLevel({ context: settings }: HierarchySettings, origin: number): Level {
  const database = new ContextDatabase(settings);
  return {
    name: "context",
    fill(candidates, { tokens, length }) {
      while (database.size < length) database.push(tokens[database.size]);
      const found = [...database.lookup()];
      // Longer keys came first; what matches beyond the key says still more.
      if (settings.keyLengths.length > 1) found.sort((a, b) => b.match - a.match);
      for (let i = 0; i < found.length && !candidates.full; i++) {
        const { match, token } = found[i];
        const matchClass = Math.min(Math.ceil(Math.log2(match)), matchClasses - 1);
        const rank = Math.min(i, ranks - 1);
        const bucket = matchClass * ranks + rank;
        const prior = matchPriors[matchClass] * rankFactors[rank];
        let node = -1;
        for (let depth = 0; depth < settings.valueLength; depth++) {
          node = candidates.add(node, token(depth), depth, bucket, prior, origin);
          if (node < 0) break;
        }
      }
    },
  };
}

/** Followers with less than this part of the weight are not worth a node. */
const resolution = 64;

function sortedLevel(
  name: DatabaseName,
  database: SortedSequences,
  settings: LookupSettings,
  base: number,
  origin: number,
): Level {
  const { keyLengths, enough, valueLength, maxNodes, perKey } = settings;
  return {
    name,
    fill(candidates, { tokens, length }) {
      const limits = {
        maxDepth: Math.min(valueLength, candidates.limits.maxDepth),
        maxNodes,
        ...(perKey === undefined ? { resolution } : { maxRows: perKey }),
      };
      for (const keyLength of keyLengths) {
        if (keyLength > length) continue;
        const span = findKey(database, tokens, length - keyLength, keyLength);
        if (span.from === span.to) continue;
        const trie = continuations(database, span, keyLength, limits);
        merge(candidates, trie, base + keyClass(keyLength) * countTrust.length * shareClasses, origin);
        if (candidates.full || weightOf(database, span) >= enough) return;
      }
    },
  };
}

function merge(candidates: Candidates, { token, parent, share, weight }: Continuations, base: number, origin: number) {
  const nodes: number[] = [];
  const depths: number[] = [];
  for (let i = 0; i < token.length; i++) {
    const isRoot = parent[i] < 0;
    depths.push(isRoot ? 0 : depths[parent[i]] + 1);
    const under = isRoot ? -1 : nodes[parent[i]];
    const count = countClass(weight[i] / share[i]);
    const bucket = base + count * shareClasses + shareClass(share[i]);
    const prior = share[i] * countTrust[count];
    nodes.push(isRoot || under >= 0 ? candidates.add(under, token[i], depths[i], bucket, prior, origin) : -1);
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
