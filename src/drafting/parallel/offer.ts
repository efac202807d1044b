import type { AcceptanceTable } from "../calibration.ts";
import { type DraftTree, emptyTree } from "../tree.ts";
import type { Guess } from "./guess-tree.ts";

/** Guesses at hand as a tree of nodes, with what the acceptance table must be told of each. */
export interface Offer {
  readonly tree: DraftTree;
  readonly rank: readonly number[];
  readonly bucket: readonly number[];
  /** Nodes of the likeliest sequence. */
  readonly chain: readonly number[];
  /** The likeliest sequence goes on, but to guesses that are worth no row: there is nothing to wait for. */
  readonly ended: boolean;
}

export const nothing: Offer = { tree: emptyTree, rank: [], bucket: [], chain: [], ended: false };

// Buckets of the acceptance table: by rank before anything is drafted, by confidence once it is.
const rankPriors = [0.65, 0.12, 0.05, 0.03, 0.02, 0.02, 0.01, 0.01];
const confidenceBuckets = 10;
/** Paths less likely than this are worth no row on any machine. */
const leastPath = 0.02;

/** Chances of the likeliest guesses at `depth`, `depth + 1`, .., of which nothing is known yet; as many as may be worth a row. */
export function chancesAhead(acceptance: AcceptanceTable, depth: number, most: number, path: number): Float64Array {
  const chances = new Float64Array(depth + most);
  acceptance.chain(0, rankPriors[0], chances);
  let end = depth;
  for (; end < chances.length && path >= leastPath; end++) path *= chances[end];
  return chances.subarray(depth, end);
}

/** The guesses after `root` that may be worth a row, with calibrated chances; those of siblings sum to at most 1. */
export function offerOf(root: Guess<unknown>, source: number, acceptance: AcceptanceTable): Offer {
  const token: number[] = [];
  const parent: number[] = [];
  const confidence: number[] = [];
  const rank: number[] = [];
  const bucket: number[] = [];
  const chain: number[] = [];
  let ended = false;
  const add = (guess: Guess<unknown>, above: number, path: number, likeliest: boolean): void => {
    let left = 1;
    for (const [i, child] of guess.children.entries()) {
      const step = Math.min(confidenceBuckets - 1, Math.floor(child.probability * confidenceBuckets));
      const known = rankPriors.length + step;
      const chance = Math.min(left, acceptance.chance(known, 0, (step + 0.5) / confidenceBuckets));
      left -= chance;
      if (path * chance < leastPath) {
        ended ||= likeliest && i === 0;
        continue;
      }
      const node = token.length;
      token.push(child.token);
      parent.push(above);
      confidence.push(chance);
      rank.push(i);
      bucket.push(known);
      if (likeliest && i === 0) chain.push(node);
      add(child, node, path * chance, likeliest && i === 0);
    }
  };
  add(root, -1, 1, true);
  const tree: DraftTree = {
    token: Int32Array.from(token),
    parent: Int32Array.from(parent),
    source: new Uint8Array(token.length).fill(source),
    confidence: Float32Array.from(confidence),
  };
  return { tree, rank, bucket, chain, ended };
}
