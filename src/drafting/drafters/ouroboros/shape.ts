import type { AcceptanceTable } from "../../calibration.ts";
import { buyingOrder, pathChances } from "../../tree.ts";
import { type Branch, rankBuckets, rankPriors } from "../lookahead/calibrated-tree.ts";

/** Chance of the small model's first token before anything is known. */
export const chainPrior = 0.65;
const chainBucket = 0;

/** What a bid offers before anything is drafted: a chain, and suffixes behind its last node. */
export interface Shape {
  readonly version: number;
  readonly levels: number;
  readonly parent: Int32Array;
  readonly chance: Float64Array;
  /** How many of the first n nodes in buying order belong to the chain. [nodes + 1] */
  readonly chainNodes: Int32Array;
}

/**
 * The shape for a chain of `levels` tokens and `suffixes` phrases of `length` behind it: `last`, if nothing has been learned
 * since. `bucket`: of rank 0. A suffix that is not there counts as a wrong one.
 */
export function suffixShape(
  last: Shape | null,
  acceptance: AcceptanceTable,
  bucket: number,
  levels: number,
  suffixes: number,
  length: number,
): Shape {
  const size = levels + suffixes * length;
  const { version } = acceptance;
  if (last && last.version === version && last.levels === levels && last.parent.length === size) return last;
  const parent = new Int32Array(size);
  const chance = new Float64Array(size);
  for (let i = 0; i < levels; i++) {
    parent[i] = i - 1;
    chance[i] = acceptance.chance(chainBucket, i, chainPrior);
  }
  let left = 1;
  for (let i = levels; i < size; i++) {
    const depth = (i - levels) % length;
    const rank = Math.min(Math.floor((i - levels) / length), rankBuckets - 1);
    parent[i] = depth === 0 ? levels - 1 : i - 1;
    chance[i] = acceptance.chance(bucket + rank, depth, rankPriors[rank]);
    if (depth > 0) continue;
    chance[i] = Math.min(left, chance[i]);
    left -= chance[i];
  }
  const chainNodes = new Int32Array(size + 1);
  buyingOrder(pathChances(parent, chance)).forEach((node, i) => {
    chainNodes[i + 1] = chainNodes[i] + (node < levels ? 1 : 0);
  });
  return { version, levels, parent, chance, chainNodes };
}

/** Writes what became of a draft to where `suffixShape` reads. */
export function teachShape(
  acceptance: AcceptanceTable,
  bucket: number,
  draft: { readonly tokens: readonly number[]; readonly suffixes: readonly Branch[] },
  settings: { readonly suffixes: number },
  emitted: readonly number[],
): void {
  const { tokens, suffixes } = draft;
  for (let i = 0; i < tokens.length; i++) {
    if (i >= emitted.length) return;
    const accepted = tokens[i] === emitted[i];
    acceptance.update(chainBucket, i, accepted);
    if (!accepted) return;
  }
  const rest = emitted.slice(tokens.length);
  if (rest.length === 0) return;
  const ranks = Math.min(settings.suffixes, rankBuckets);
  for (let rank = 0; rank < ranks; rank++) {
    const branch: Branch | undefined = suffixes[rank];
    const fresh = branch && branch.shared === 0 ? branch.nodes.length : 0;
    if (fresh === 0) acceptance.update(bucket + rank, 0, false);
    for (let depth = 0; depth < Math.min(fresh, rest.length); depth++) {
      const accepted = branch.phrase.tokens[depth] === rest[depth];
      acceptance.update(bucket + rank, depth, accepted);
      if (!accepted) break;
    }
  }
}
