import type { AcceptanceTable } from "../calibration.ts";
import { type DraftTree, emptyTree, TreeBuilder } from "../tree.ts";
import type { Guess } from "./guess-tree.ts";

/** Guesses at hand as a tree of nodes, with what the acceptance table must be told of each. */
export interface Offer {
  readonly tree: DraftTree;
  readonly rank: readonly number[];
  readonly bucket: readonly number[];
  /** Nodes of the likeliest sequence. */
  readonly chain: readonly number[];
}

export const nothing: Offer = { tree: emptyTree, rank: [], bucket: [], chain: [] };

// Buckets of the acceptance table: by rank before anything is drafted, by confidence once it is.
const rankPriors = [0.65, 0.12, 0.05, 0.03, 0.02, 0.02, 0.01, 0.01];
const confidenceBuckets = 10;

/** Calibrated chance of a guess of which only its rank among its siblings and its depth are known. */
export function chanceByRank(acceptance: AcceptanceTable, rank: number, depth: number): number {
  return acceptance.chance(rank, depth, rankPriors[rank]);
}

/** All guesses after `root`, with calibrated chances; those of siblings sum to at most 1. */
export function offerOf(root: Guess<unknown>, source: number, acceptance: AcceptanceTable): Offer {
  const builder = new TreeBuilder();
  const rank: number[] = [];
  const bucket: number[] = [];
  const chain: number[] = [];
  const add = (guess: Guess<unknown>, parent: number, likeliest: boolean): void => {
    let left = 1;
    guess.children.forEach(({ token, probability }, i) => {
      const known = rankPriors.length + Math.min(confidenceBuckets - 1, Math.floor(probability * confidenceBuckets));
      const prior = (known - rankPriors.length + 0.5) / confidenceBuckets;
      const chance = Math.min(left, acceptance.chance(known, 0, prior));
      left = Math.max(0, left - chance);
      const node = builder.add(parent, token, source, chance);
      rank[node] = Math.min(i, rankPriors.length - 1);
      bucket[node] = known;
      if (likeliest && i === 0) chain.push(node);
      add(guess.children[i], node, likeliest && i === 0);
    });
  };
  add(root, -1, true);
  return { tree: builder.build(), rank, bucket, chain };
}
