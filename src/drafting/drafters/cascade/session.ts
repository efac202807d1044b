import type { AcceptanceTable } from "../../calibration.ts";
import type { Bid, DraftSession, RoundResult, SequenceView, TokenView } from "../../drafter.ts";
import { type DraftTree, emptyTree, judge, TreeBuilder } from "../../tree.ts";
import type { MaxGram } from "./max-gram.ts";
import type { CascadePlan } from "./plan.ts";
import type { DraftText, Reviewer } from "./reviewer.ts";
import type { CascadeStats } from "./stats.ts";

/** What was missed (a prompt, say) is read once and serves all later rounds: its price is spread over so many tokens. */
const spreadTokens = 64;
/** A level that lacks no more tokens than a round or two may emit pays for them at once. */
const fewRows = 16;

// Buckets of the acceptance table: by length of the match at the root before anything is drafted; by drafter once it is,
// with Max-Gram's match length or the model's confidence.
const matchBuckets = 4;
const lengthBuckets = 6;
const confidenceBuckets = 10;
const offerPriors = [0.55, 0.6, 0.7, 0.8];
const maxGramPriors = [0.3, 0.3, 0.45, 0.6, 0.7, 0.8];

/** Nodes of a bid at most; deeper chains are hardly ever worth their forwards. */
const mostNodes = 32;

export interface CascadeSessionParts {
  readonly view: SequenceView;
  readonly reviewers: readonly Reviewer[];
  readonly maxGram: MaxGram;
  readonly plan: CascadePlan;
  readonly stats: CascadeStats;
  readonly lenience: number;
  readonly clock: () => number;
}

export class CascadeSession implements DraftSession {
  private readonly parts: CascadeSessionParts;
  private readonly acceptance: AcceptanceTable;
  private readonly text: DraftText;
  /** Bucket of Max-Gram's match, per token it wrote. */
  private readonly matched: Uint8Array;
  /** Committed tokens in `text`. */
  private length = 0;
  private context: TokenView | null = null;
  private rootBucket = 0;
  private offer: { version: number; bucket: number; parent: Int32Array; chance: Float64Array } | null = null;
  private drafted: DraftTree = emptyTree;
  /** Per drafted node: its drafter and its bucket. */
  private readonly by: number[] = [];
  private readonly bucket: number[] = [];

  constructor(parts: CascadeSessionParts) {
    this.parts = parts;
    this.acceptance = parts.view.acceptance;
    const room = parts.view.contextLength;
    this.text = {
      tokens: new Int32Array(room),
      probability: new Float32Array(room),
      by: new Uint8Array(room),
    };
    this.matched = new Uint8Array(room);
  }

  bid(context: TokenView): readonly Bid[] {
    const { reviewers, maxGram, plan } = this.parts;
    const { tokens } = this.text;
    this.context = context;
    tokens.set(context.tokens.subarray(this.length, context.length), this.length);
    this.length = context.length;
    for (const reviewer of reviewers) reviewer.follow(tokens, this.length);
    const nodes = Math.min(context.maxDepth, context.maxNodes, plan.nodes, mostNodes);
    if (nodes < 1) return [];
    const match = maxGram.match(tokens, this.length);
    this.rootBucket = match === null ? 0 : match.length < 3 ? 1 : match.length < 8 ? 2 : 3;
    const { parent, chance } = this.shape(nodes);
    const draftMs = plan.draftMs(this.length);
    let now = 0;
    let once = 0;
    const figures = plan.figures(this.length);
    reviewers.forEach((reviewer, i) => {
      const missing = reviewer.missing(this.length);
      if (missing <= 1) return;
      const ms = figures.reviewMs(i + 1, missing) - figures.reviewMs(i + 1, 1);
      if (missing <= fewRows) now += ms;
      else once += ms;
    });
    const extra = now + once / Math.min(context.maxDepth + 1, spreadTokens);
    return [{ parent, chance, onceMs: once, draftMs: (count) => (count === 0 ? 0 : draftMs[count] + extra) }];
  }

  /** The chain on offer. The same objects as before while nothing was learned: most bids of a quiet text are declined. */
  private shape(nodes: number): { parent: Int32Array; chance: Float64Array } {
    const { version } = this.acceptance;
    const { offer, rootBucket: bucket } = this;
    if (offer?.version === version && offer.bucket === bucket && offer.parent.length === nodes) return offer;
    const chance = new Float64Array(nodes);
    this.acceptance.chain(bucket, offerPriors[bucket], chance);
    this.offer = { version, bucket, parent: Int32Array.from(chance, (_, i) => i - 1), chance };
    return this.offer;
  }

  expand(_bid: Bid, nodes: number, floor: number): DraftTree {
    const { maxDepth } = this.context as TokenView;
    const { tokens } = this.text;
    const start = this.length;
    const limit = start + Math.min(nodes, maxDepth);
    const builder = new TreeBuilder();
    let parent = -1;
    let path = 1;
    // Drafts segment by segment; what stands is final, so its nodes can be made at once.
    const worthIt = (end: number) => {
      for (let at = start + builder.size; at < end; at++) {
        const { bucket, prior } = this.confidence(at);
        const chance = this.acceptance.chance(bucket, 0, prior);
        parent = builder.add(parent, tokens[at], this.parts.view.source, chance);
        this.by[parent] = this.text.by[at];
        this.bucket[parent] = bucket;
        path *= chance;
      }
      return path >= floor;
    };
    this.fill(0, start, limit, worthIt);
    this.drafted = builder.build();
    return this.drafted;
  }

  observe(round: RoundResult): void {
    const { stats, plan } = this.parts;
    const { drafted } = this;
    if (drafted === emptyTree) return;
    judge(drafted, round.emitted, (node, depth, accepted) => {
      this.acceptance.update(this.rootBucket, depth, accepted);
      this.acceptance.update(this.bucket[node], 0, accepted);
      stats.judge(0, this.by[node], accepted);
      if (accepted) stats.levels[this.by[node]].accepted++;
    });
    for (let node = 0; node < drafted.token.length; node++) stats.levels[this.by[node]].proposed++;
    this.drafted = emptyTree;
    plan.settle(this.length);
  }

  close(): void {
    for (const reviewer of this.parts.reviewers) reviewer.close();
  }

  /**
   * Horizontal cascade: has the drafters that reviewer `row` may use write a block from `base` on, the best first, and
   * returns its end. `goOn` is asked after each segment.
   */
  private fill(row: number, base: number, limit: number, goOn: (end: number) => boolean = always): number {
    const { k } = this.parts.plan;
    let end = base;
    let threshold = base;
    for (let j = row; j < k.length; j++) {
      threshold = Math.min(limit, threshold + k[row][j]);
      while (end < threshold) {
        const next = j === k.length - 1 ? this.search(end, threshold) : this.step(j, end, limit);
        if (next === end) break;
        end = next;
        if (!goOn(end)) return end;
      }
    }
    return end;
  }

  /** Vertical cascade: model `j` reviews what cheaper drafters wrote from `base` on, and adds its own token. */
  private step(j: number, base: number, limit: number): number {
    const { reviewers, stats, lenience, clock } = this.parts;
    const reviewer = reviewers[j];
    if (base > reviewer.capacity) return base;
    const blockEnd = this.fill(j + 1, base, Math.min(limit - 1, reviewer.capacity));
    const { by } = this.text;
    const start = clock();
    const { kept, added } = reviewer.review(this.text, base, blockEnd, lenience, limit);
    const level = stats.levels[j];
    level.ms += clock() - start;
    level.calls++;
    level.reviewed += blockEnd - base;
    level.kept += kept;
    for (let at = base; at < base + kept; at++) stats.judge(j + 1, by[at], true);
    if (base + kept < blockEnd) stats.judge(j + 1, by[base + kept], false);
    const end = base + kept + added;
    by.fill(j, base, end);
    return end;
  }

  /** Max-Gram writes from `base` on, up to `limit`. */
  private search(base: number, limit: number): number {
    const { maxGram, stats, clock } = this.parts;
    const { tokens, probability, by } = this.text;
    const start = clock();
    const match = maxGram.match(tokens, base);
    const end = base + maxGram.propose(tokens, base, limit - base, match);
    probability.fill(1, base, end);
    by.fill(stats.levels.length - 1, base, end);
    this.matched.fill(match === null ? 0 : lengthBucket(match.length), base, end);
    const level = stats.levels[stats.levels.length - 1];
    level.ms += clock() - start;
    level.calls++;
    stats.searched(end > base);
    return end;
  }

  private confidence(at: number): { bucket: number; prior: number } {
    const { by, probability } = this.text;
    const { reviewers } = this.parts;
    if (by[at] === reviewers.length) {
      const length = this.matched[at];
      return { bucket: matchBuckets + length, prior: maxGramPriors[length] };
    }
    const confidence = Math.min(confidenceBuckets - 1, Math.floor(probability[at] * confidenceBuckets));
    return {
      bucket: matchBuckets + lengthBuckets + by[at] * confidenceBuckets + confidence,
      prior: (confidence + 0.5) / confidenceBuckets,
    };
  }
}

const always = () => true;

/** 1, 2, 3-4, 5-8, more: classes 1 to 5. 0 is for no match. */
function lengthBucket(length: number): number {
  return Math.min(1 + Math.ceil(Math.log2(length)), lengthBuckets - 1);
}
