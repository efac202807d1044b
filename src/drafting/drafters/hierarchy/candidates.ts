import type { AcceptanceTable } from "../../calibration.ts";
import { TreeBuilder } from "../../tree.ts";

export interface CandidateLimits {
  readonly maxRows: number;
  readonly maxNodes: number;
  readonly maxDepth: number;
}

/** What all databases propose, merged into one tree: what rows have in common is verified once. */
export class Candidates {
  readonly builder = new TreeBuilder();
  readonly limits: CandidateLimits;
  /** By node: its bucket of acceptance, and the number of the database that proposed it first. */
  readonly buckets: number[] = [];
  readonly origins: number[] = [];
  private readonly source: number;
  private readonly acceptance: AcceptanceTable;
  /** Paths from the root to a leaf. */
  private rows = 0;
  /** By node + 1: chance that none of the children so far is right. 1 = there are none. */
  private readonly left: number[] = [1];

  constructor(limits: CandidateLimits, source: number, acceptance: AcceptanceTable) {
    this.limits = limits;
    this.source = source;
    this.acceptance = acceptance;
  }

  /** True when no further row has room. */
  get full(): boolean {
    return this.rows >= this.limits.maxRows || this.builder.size >= this.limits.maxNodes;
  }

  /**
   * The child of `parent` (-1 = root) with this token, added if there is room; -1 if there is none. `prior`: its chance
   * before anything is learned.
   */
  add(parent: number, token: number, depth: number, bucket: number, prior: number, origin: number): number {
    const { builder, left, limits } = this;
    const known = builder.find(parent, token);
    if (known >= 0) return known;
    const isRow = parent < 0 || left[parent + 1] < 1;
    if (builder.size >= limits.maxNodes || depth >= limits.maxDepth || (isRow && this.full)) return -1;
    // The target says one token: the chances of siblings sum to at most 1.
    const chance = Math.min(left[parent + 1], this.acceptance.chance(bucket, depth, prior));
    left[parent + 1] -= chance;
    left.push(1);
    this.buckets.push(bucket);
    this.origins.push(origin);
    if (isRow) this.rows++;
    return builder.add(parent, token, this.source, chance);
  }
}
