import type { AcceptanceTable } from "../../calibration.ts";
import type { RoundResult } from "../../drafter.ts";
import { type DraftTree, judge, Role, TreeBuilder } from "../../tree.ts";
import type { Phrase } from "./phrase-pool.ts";

/** Ranks from here on share a bucket. */
export const rankBuckets = 8;
/** Chances of the first token of a phrase before anything is known, by rank. */
export const rankPriors = [0.4, 0.15, 0.08, 0.05, 0.03, 0.02, 0.02, 0.02];

/** A phrase in a tree. */
export interface Branch {
  readonly phrase: Phrase;
  /** Node of each token; the first ones may be shared with other branches. */
  readonly nodes: readonly number[];
  /** How many of them were there before. */
  readonly shared: number;
}

/** A tree whose chances come from an acceptance table, and which teaches it. Siblings' chances sum to at most 1. */
export class CalibratedTree {
  private readonly builder = new TreeBuilder();
  private readonly source: number;
  private readonly acceptance: AcceptanceTable;
  /** Per node: where its outcome is written; bucket -1 = nowhere. */
  private readonly bucket: number[] = [];
  private readonly depth: number[] = [];
  private readonly level: number[] = [];
  private readonly path: number[] = [];
  /** Chance that is left for further children, by parent + 1. */
  private readonly left: number[] = [];
  private built: DraftTree | null = null;

  constructor(source: number, acceptance: AcceptanceTable) {
    this.source = source;
    this.acceptance = acceptance;
  }

  get size(): number {
    return this.builder.size;
  }

  /** Nodes whose path chance is at least `chance`. */
  likelierThan(chance: number): number {
    return this.path.filter((path) => path >= chance).length;
  }

  /** Adds a candidate whose chance stands in `bucket` at `depth`, or finds the one that is there. */
  add(parent: number, token: number, bucket: number, depth: number, prior: number): number {
    const twin = this.builder.find(parent, token);
    if (twin >= 0) return twin;
    const left = this.left[parent + 1] ?? 1;
    const chance = Math.min(left, this.acceptance.chance(bucket, depth, prior));
    this.left[parent + 1] = left - chance;
    return this.append(parent, token, chance, Role.candidate, bucket, depth);
  }

  /** Adds a token of a phrase of some rank. `buckets`: the bucket of rank 0. */
  addPhraseToken(parent: number, token: number, buckets: number, rank: number, depth: number): number {
    const known = Math.min(rank, rankBuckets - 1);
    return this.add(parent, token, buckets + known, depth, rankPriors[known]);
  }

  /** Nodes on the path to a node, that one included; 0 for the root (-1). */
  levels(node: number): number {
    return node < 0 ? 0 : this.level[node];
  }

  /** Adds a node to be evaluated only. `worth`: expected tokens of later rounds, in the place of a path chance. */
  addObserved(parent: number, token: number, worth: number): number {
    const twin = this.builder.find(parent, token);
    if (twin >= 0) return twin;
    const above = this.pathOf(parent);
    return this.append(parent, token, above > worth ? worth / above : 1, Role.observed, -1, 0);
  }

  /**
   * Adds phrases under a node, first rank first, `length` tokens of each. `buckets`: the bucket of rank 0. The ones that
   * follow say something else than those before, or they are merged with them.
   */
  addPhrases(parent: number, phrases: readonly Phrase[], length: number, buckets: number): Branch[] {
    return phrases.map((phrase, rank) => {
      const before = this.size;
      const nodes: number[] = [];
      let node = parent;
      phrase.tokens.slice(0, Math.max(0, length)).forEach((token, depth) => {
        node = this.addPhraseToken(node, token, buckets, rank, depth);
        nodes.push(node);
      });
      return { phrase, nodes, shared: nodes.filter((node) => node < before).length };
    });
  }

  build(): DraftTree {
    this.built ??= this.builder.build();
    return this.built;
  }

  /** Compares the candidates with the emitted tokens; returns those accepted, root side first. */
  learn(emitted: readonly number[]): number[] {
    const hits: number[] = [];
    judge(this.build(), emitted, (node, _, accepted) => {
      const bucket = this.bucket[node];
      if (bucket < 0) return;
      this.acceptance.update(bucket, this.depth[node], accepted);
      if (accepted) hits.push(node);
    });
    return hits;
  }

  /** The target's token after a node of this tree (-1 = root), or -1 where the node was not verified. */
  outputs(round: RoundResult): (node: number) => number {
    const at = locate(this.build(), round.tree);
    return (node) => (node < 0 ? round.argmax(-1) : at[node] < 0 ? -1 : round.argmax(at[node]));
  }

  private pathOf(node: number): number {
    return node < 0 ? 1 : this.path[node];
  }

  private append(parent: number, token: number, chance: number, role: number, bucket: number, depth: number): number {
    const node = this.builder.add(parent, token, this.source, chance, role);
    this.bucket[node] = bucket;
    this.depth[node] = depth;
    this.level[node] = this.levels(parent) + 1;
    this.path[node] = this.pathOf(parent) * chance;
    return node;
  }
}

/** Index in `verified` of every node of `tree`, -1 where it was not bought. */
function locate(tree: DraftTree, verified: DraftTree): Int32Array {
  const at = new Int32Array(tree.token.length).fill(-1);
  for (let i = 0; i < at.length; i++) {
    const above = tree.parent[i];
    const parent = above < 0 ? -1 : at[above];
    if (above >= 0 && parent < 0) continue;
    for (let j = parent + 1; j < verified.token.length; j++) {
      if (verified.parent[j] !== parent || verified.token[j] !== tree.token[i]) continue;
      at[i] = j;
      break;
    }
  }
  return at;
}
