import type { AcceptanceTable } from "../../calibration.ts";
import { TreeBuilder } from "../../tree.ts";

/** A continuation that a database proposes, with the bucket of each token's acceptance and a first guess of it. */
export interface Row {
  readonly tokens: readonly number[];
  readonly buckets: readonly number[];
  readonly priors: readonly number[];
}

export interface CandidateLimits {
  readonly maxRows: number;
  readonly maxNodes: number;
  readonly maxDepth: number;
}

/** Rows merged into one tree: what they have in common is verified once. */
export class Candidates {
  readonly builder = new TreeBuilder();
  /** Rows that said something new. */
  rows = 0;
  /** By node: its bucket, and the number of the database that proposed it first. */
  readonly buckets: number[] = [];
  readonly origins: number[] = [];
  private readonly limits: CandidateLimits;
  private readonly source: number;
  private readonly acceptance: AcceptanceTable;
  /** By node + 1: chance that none of the children so far is right. */
  private readonly left: number[] = [1];

  constructor(limits: CandidateLimits, source: number, acceptance: AcceptanceTable) {
    this.limits = limits;
    this.source = source;
    this.acceptance = acceptance;
  }

  get full(): boolean {
    return this.rows >= this.limits.maxRows || this.builder.size >= this.limits.maxNodes;
  }

  /** Adds what is new in a row, as far as there is room. */
  add({ tokens, buckets, priors }: Row, origin: number): void {
    const { builder, left } = this;
    let parent = -1;
    let isNew = false;
    const length = Math.min(tokens.length, this.limits.maxDepth);
    for (let depth = 0; depth < length; depth++) {
      let node = builder.find(parent, tokens[depth]);
      if (node < 0) {
        if (this.full) break;
        const learned = this.acceptance.chance(buckets[depth], depth, priors[depth]);
        // The target says one token: the chances of siblings sum to at most 1.
        const chance = Math.min(left[parent + 1], learned);
        left[parent + 1] -= chance;
        node = builder.add(parent, tokens[depth], this.source, chance);
        left.push(1);
        this.buckets.push(buckets[depth]);
        this.origins.push(origin);
        isNew = true;
      }
      parent = node;
    }
    if (isNew) this.rows++;
  }
}
