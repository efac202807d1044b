import { DraftwrightError } from "../../errors.ts";
import type { LanguageModel } from "../../lm/model.ts";
import type { AcceptanceTable } from "../calibration.ts";
import { type CostCurve, unmeasuredCurve } from "../cost-curve.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../drafter.ts";
import {
  buyingOrder,
  cutTree,
  type DraftTree,
  emptyTree,
  judge,
  nodeDepths,
  pathChances,
  Role,
  TreeBuilder,
} from "../tree.ts";
import { DraftSequence } from "./draft-sequence.ts";
import { likeliest } from "./likeliest.ts";
import { type DraftPath, draftPaths, type PickFrom, without } from "./sampled-draft.ts";

export interface ModelDrafterOptions {
  /** A smaller model over the target's vocabulary. The caller keeps it and disposes of it. */
  readonly model: LanguageModel;
  /** Tokens proposed after each token of the chain: the likeliest goes on, the others are leaves. Default 2. */
  readonly branches?: number;
  /** Milliseconds of the drafter's own forwards; by default learned from them. */
  readonly curve?: CostCurve;
  readonly clock?: () => number;
}

/** What was missed is read once and serves all later rounds: its price is spread over at most this many tokens. */
const spreadTokens = 64;

// Buckets of the acceptance table: by rank before anything is drafted, by confidence once it is.
const maxBranches = 4;
/** Deeper chains are hardly ever worth their forwards, and every level makes each bid of each round dearer. */
const maxLevels = 16;
const rankPriors = [0.65, 0.12, 0.05, 0.03];
const confidenceBuckets = 10;

/**
 * Small-model drafting: the model continues the text, one forward a token, in its own KV cache. Greedily, which makes
 * point masses for either rule; or by sampling, without replacement among siblings (`SequenceView.sampled`). Source: Leviathan et al. 2023; siblings: Miao et al. 2023. The drafts go on
 * from the rows that were accepted; the last drafted token was never run, so each round starts with one or two of catch-up.
 */
export function modelDrafter(options: ModelDrafterOptions): Drafter {
  const branches = options.branches ?? 2;
  if (!Number.isInteger(branches) || branches < 1 || branches > maxBranches) {
    throw new DraftwrightError("bad-argument", `model drafter: branches is ${branches}; it must be 1..${maxBranches}.`);
  }
  const { model } = options;
  // Shared by all sessions: they run on the same machine.
  const curve = options.curve ?? unmeasuredCurve();
  const clock = options.clock ?? (() => performance.now());
  return {
    name: "model",
    needs: {},
    open(view) {
      if (model.vocabSize !== view.vocabSize) {
        throw new DraftwrightError(
          "vocabulary-mismatch",
          `The drafter has ${model.vocabSize} tokens, the target ${view.vocabSize}. Choose a drafter of the same family.`,
        );
      }
      return new ModelSession(options, view, branches, curve, clock);
    },
  };
}

/** What a bid offers, and the version of the acceptance table it was made from. */
interface Shape {
  readonly version: number;
  readonly parent: Int32Array;
  readonly chance: Float64Array;
  /** Forwards that the first n nodes in buying order take. [nodes + 1] */
  readonly steps: Int32Array;
}

class ModelSession implements DraftSession {
  private readonly source: number;
  private readonly acceptance: AcceptanceTable;
  private readonly branches: number;
  private readonly curve: CostCurve;
  private readonly sequence: DraftSequence;
  private readonly sampled: { readonly pick: PickFrom; open(context: TokenView): DraftPath } | undefined;
  private context: TokenView | null = null;
  private offer: Shape | null = null;
  private drafted: DraftTree = emptyTree;
  /** Per drafted node: its rank among its siblings and its confidence bucket. */
  private readonly rank: number[] = [];
  private readonly bucket: number[] = [];

  constructor(
    { model }: ModelDrafterOptions,
    view: SequenceView,
    branches: number,
    curve: CostCurve,
    clock: () => number,
  ) {
    this.source = view.source;
    this.acceptance = view.acceptance;
    this.branches = Math.min(branches, view.vocabSize);
    this.curve = curve;
    this.sequence = new DraftSequence(model, view.contextLength, curve, clock);
    const { sampled } = view;
    this.sampled = sampled && { pick: sampled.pick, open: draftPaths(sampled.sampling, view.vocabSize) };
  }

  bid(context: TokenView): readonly Bid[] {
    this.context = context;
    this.sequence.follow(context.tokens, context.length);
    const depth = this.depthLimit(context);
    if (depth < 1) return [];
    const { parent, chance, steps } = this.shape(Math.min(depth, context.maxNodes, maxLevels));
    const missing = context.length - this.sequence.length;
    const first = this.curve.ms(1, context.length);
    const catchUp = this.curve.ms(missing, this.sequence.length) - first;
    const spread = missing <= 2 ? 1 : Math.min(context.maxDepth + 1, spreadTokens);
    const draftMs = (nodes: number) => (nodes === 0 ? 0 : first * steps[nodes] + catchUp / spread);
    return [{ parent, chance, draftMs, onceMs: spread === 1 ? 0 : catchUp }];
  }

  /** The tree on offer. The same objects as before while nothing was learned: most bids of a quiet text are declined. */
  private shape(levels: number): Shape {
    const { version } = this.acceptance;
    const size = levels * this.branches;
    if (this.offer && this.offer.version === version && this.offer.parent.length === size) return this.offer;
    const parent = new Int32Array(size);
    const chance = new Float64Array(size);
    let left = 1;
    for (let i = 0; i < size; i++) {
      const level = Math.floor(i / this.branches);
      const rank = i % this.branches;
      if (rank === 0) left = 1;
      parent[i] = level === 0 ? -1 : (level - 1) * this.branches;
      // The target says one token: siblings exclude each other, but their chances are learned separately.
      chance[i] = Math.min(left, this.chanceAt(rank, level));
      left -= chance[i];
    }
    this.offer = { version, parent, chance, steps: stepsByNodes(parent, chance) };
    return this.offer;
  }

  expand(bid: Bid, nodes: number, floor: number): DraftTree {
    const context = this.context as TokenView;
    const most = Math.min(nodes, bid.parent.length);
    const levels = Math.min(stepsByNodes(bid.parent, bid.chance)[most], this.depthLimit(context));
    this.rank.length = 0;
    this.bucket.length = 0;
    this.drafted = this.sampled
      ? this.drawTree(this.sampled.open(context), this.sampled.pick, this.childrenByLevel(bid, most), levels, floor)
      : this.likeliestTree(levels, floor);
    return cutTree(this.drafted, nodes);
  }

  private likeliestTree(levels: number, floor: number): DraftTree {
    const context = this.context as TokenView;
    const builder = new TreeBuilder();
    let logits = this.sequence.run(context.tokens, context.length)(0);
    let parent = -1;
    let path = 1;
    for (let level = 0; ; level++) {
      const { tokens, probabilities } = likeliest(logits, this.branches);
      const above = parent;
      for (let rank = 0; rank < tokens.length; rank++) {
        const bucket = confidenceBucket(probabilities[rank]);
        const chance = this.acceptance.chance(bucket, 0, (bucket - maxBranches + 0.5) / confidenceBuckets);
        const node = builder.add(above, tokens[rank], this.source, chance);
        this.rank[node] = rank;
        this.bucket[node] = bucket;
        if (rank > 0) continue;
        parent = node;
        path *= chance;
      }
      if (level + 1 >= levels || path * this.chanceAt(0, level + 1) < floor) break;
      logits = this.sequence.extend(tokens[0]);
    }
    return builder.build();
  }

  /**
   * Draws `children[level]` tokens at each level, without replacement; the first goes on. How many, and whether there is
   * another level, does not depend on what they are.
   */
  private drawTree(
    path: DraftPath,
    pick: PickFrom,
    children: readonly number[],
    levels: number,
    floor: number,
  ): DraftTree {
    const context = this.context as TokenView;
    const builder = new TreeBuilder();
    let logits = this.sequence.run(context.tokens, context.length)(0);
    let parent = -1;
    let chance = 1;
    for (let level = 0; ; level++) {
      const above = parent;
      const first = path.q(logits);
      let q: Float32Array | undefined = first;
      for (let rank = 0; q && rank < children[level]; rank++) {
        const token = pick(q);
        const node = builder.add(above, token, this.source, this.chanceAt(rank, level), Role.candidate, q);
        this.rank[node] = rank;
        this.bucket[node] = confidenceBucket(first[token]);
        q = without(q, token);
        if (rank === 0) parent = node;
      }
      chance *= this.chanceAt(0, level);
      if (level + 1 >= levels || chance * this.chanceAt(0, level + 1) < floor) break;
      const token = builder.tokenOf(parent);
      path.push(token);
      logits = this.sequence.extend(token);
    }
    return builder.build();
  }

  /** How many children the `nodes` nodes of the highest path chance have at each level. */
  private childrenByLevel(bid: Bid, nodes: number): number[] {
    const children: number[] = [];
    for (const node of buyingOrder(pathChances(bid.parent, bid.chance)).subarray(0, nodes)) {
      const level = Math.floor(node / this.branches);
      children[level] = (children[level] ?? 0) + 1;
    }
    return children;
  }

  private chanceAt(rank: number, level: number): number {
    return this.acceptance.chance(rank, level, rankPriors[rank]);
  }

  observe(round: RoundResult): void {
    judge(this.drafted, round.emitted, (node, depth, accepted) => {
      this.acceptance.update(this.rank[node], depth, accepted);
      this.acceptance.update(this.bucket[node], 0, accepted);
    });
    this.drafted = emptyTree;
  }

  close(): void {
    this.sequence.close();
  }

  /** Levels that fit: a node at level d needs the rows of the context and of the d drafted tokens before it. */
  private depthLimit(context: TokenView): number {
    return Math.min(context.maxDepth, this.sequence.capacity - context.length + 1);
  }
}

function confidenceBucket(probability: number): number {
  return maxBranches + Math.min(confidenceBuckets - 1, Math.floor(probability * confidenceBuckets));
}

/** For every number of nodes bought in order of path chance: the forwards they take, one a level. [nodes + 1] */
function stepsByNodes(parent: Int32Array, chance: Float64Array): Int32Array {
  const depth = nodeDepths(parent);
  const steps = new Int32Array(parent.length + 1);
  buyingOrder(pathChances(parent, chance)).forEach((node, i) => {
    steps[i + 1] = Math.max(steps[i], depth[node] + 1);
  });
  return steps;
}
