import { DraftwrightError } from "../../../errors.ts";
import type { SkipSet } from "../../../lm/model.ts";
import type { AcceptanceTable } from "../../calibration.ts";
import { type CostCurve, MeasuredCurve, unmeasuredCurve } from "../../cost-curve.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../../drafter.ts";
import { type DraftTree, emptyTree, judge, TreeBuilder } from "../../tree.ts";
import { likeliest } from "../likeliest.ts";
import { draftPaths, type SampledDrafts } from "../sampled-draft.ts";
import { draftStep, type StepCost } from "./draft-step.ts";
import type { SavedSkipSet } from "./saved.ts";
import { checkedSkipSet } from "./skip-set.ts";
import { Threshold, type ThresholdOptions, type ThresholdState } from "./threshold.ts";

export interface LayerSkipOptions {
  /** Layers to leave out, or what a search has saved. */
  readonly skip: SkipSet | SavedSkipSet;
  /** Longest draft (K); default 12. */
  readonly maxDraft?: number;
  readonly threshold?: ThresholdOptions;
  /** Where the threshold goes on; default: that of the saved skip set, or from the start. */
  readonly state?: ThresholdState;
  /**
   * What steps cost on this machine (`measureStepCost`). The first price; and where even a perfect draft could gain less
   * than a fifth, nothing is offered. Default: nothing is known, the price is learned.
   */
  readonly cost?: StepCost;
  readonly clock?: () => number;
}

/** What drafting with one skip set has come to so far. */
export interface LayerSkipReport extends ThresholdState {
  readonly skip: SkipSet;
  /** Draft step / step of the whole model; undefined when no cost was given. */
  readonly c: number | undefined;
  readonly drafted: number;
  readonly accepted: number;
  /** gamma after each of the last rounds, at most 256. */
  readonly gammaTrace: readonly number[];
  /** Why nothing is offered, or undefined. */
  readonly refusal: string | undefined;
}

export interface LayerSkipDrafter extends Drafter {
  /** To be saved, and given to the next drafter as `state`. */
  readonly state: ThresholdState;
  report(): LayerSkipReport;
}

/** With 1/c below this, no acceptance makes drafting worth its trouble. */
export const leastGain = 1.2;
/** Deeper levels share cells of the acceptance table, and make each bid of each round dearer. */
const maxLevels = 16;
const confidenceBuckets = 10;
const firstChance = 0.8;
const traceLength = 256;

/**
 * Self-speculative drafting: the target drafts for itself with some attention and MLP sublayers left out, over the same
 * weights and the same KV rows. Draft rows are pending rows that are dropped before `expand` returns; verification runs
 * the tokens again in full. Source: Draft & Verify (Zhang et al. 2024). One drafter serves one target; its sessions share
 * the threshold, which adapts too slowly for a single request.
 */
export function layerSkipDrafter(options: LayerSkipOptions): LayerSkipDrafter {
  const shared = new Shared(options);
  return {
    name: "layer-skip",
    needs: {},
    get state() {
      return shared.threshold.toJSON();
    },
    report: () => shared.report(),
    open(view) {
      return new LayerSkipSession(shared, view);
    },
  };
}

/** What the sessions of one drafter have in common. */
class Shared {
  readonly skip: SkipSet;
  readonly maxDraft: number;
  readonly threshold: Threshold;
  readonly curve: CostCurve;
  readonly clock: () => number;
  /** Expected acceptance of the first token before anything was seen. */
  readonly prior: number;
  readonly refusal: string | undefined;
  private readonly cost: StepCost | undefined;
  private drafted = 0;
  private accepted = 0;
  private readonly trace: number[] = [];

  constructor({ skip, maxDraft = 12, threshold, state, cost, clock }: LayerSkipOptions) {
    if (!Number.isInteger(maxDraft) || maxDraft < 1 || maxDraft > maxLevels) {
      throw new DraftwrightError(
        "bad-argument",
        `layer-skip: maxDraft is ${maxDraft}; it must be an integer in 1..${maxLevels}.`,
      );
    }
    const saved = "skipAttn" in skip ? skip : undefined;
    this.skip = saved ? { attention: saved.skipAttn, mlp: saved.skipMlp } : (skip as SkipSet);
    this.maxDraft = maxDraft;
    this.threshold = new Threshold(threshold, state ?? saved);
    this.cost = cost;
    this.curve = cost ? new MeasuredCurve({ widths: [1], kv: [0], ms: [[cost.draftMs]] }) : unmeasuredCurve();
    this.clock = clock ?? (() => performance.now());
    this.prior = saved?.calibration.acceptance[0] ?? firstChance;
    this.refusal = cost && refusal(cost);
  }

  settle(accepted: number, drafted: number, capped: boolean): void {
    this.drafted += drafted;
    this.accepted += accepted;
    this.threshold.update(accepted, drafted, capped);
    this.trace.push(this.threshold.gamma);
    if (this.trace.length > traceLength) this.trace.shift();
  }

  report(): LayerSkipReport {
    const { skip, cost, drafted, accepted, refusal, threshold } = this;
    const c = cost && cost.draftMs / cost.stepMs;
    return { ...threshold.toJSON(), skip, c, drafted, accepted, gammaTrace: [...this.trace], refusal };
  }
}

/** Why drafting at this cost cannot pay, or undefined. */
export function refusal({ draftMs, stepMs }: StepCost): string | undefined {
  const most = stepMs / draftMs;
  if (most >= leastGain) return undefined;
  const share = `${Math.round((100 * draftMs) / stepMs)} %`;
  return `no gain here: a draft step costs ${share} of a full one, so even perfect drafts gain at most ${most.toFixed(2)}x`;
}

/** Chances on offer, and the version of the acceptance table they were made from. */
interface Offer {
  readonly version: number;
  readonly parent: Int32Array;
  readonly chance: Float64Array;
}

class LayerSkipSession implements DraftSession {
  private readonly shared: Shared;
  private readonly target: SequenceView["target"];
  private readonly source: number;
  private readonly acceptance: AcceptanceTable;
  private readonly skip: SkipSet;
  private readonly sample: ((context: TokenView) => PickDraft) | undefined;
  private context: TokenView | null = null;
  private offer: Offer | null = null;
  private drafted: DraftTree = emptyTree;
  /** Confidence bucket of each drafted node. */
  private readonly bucket: number[] = [];
  /** The draft ended for another reason than the threshold. */
  private capped = false;

  constructor(shared: Shared, view: SequenceView) {
    this.shared = shared;
    this.target = view.target;
    this.source = view.source;
    this.acceptance = view.acceptance;
    this.skip = checkedSkipSet(shared.skip, view.target.model.layerCount);
    this.sample = view.sampled && sampledDrafts(view.sampled, view.vocabSize);
  }

  bid(context: TokenView): readonly Bid[] {
    this.context = context;
    const { shared } = this;
    const levels = Math.min(shared.maxDraft, context.maxDepth, context.maxNodes);
    if (levels < 1 || shared.refusal) return [];
    const stepMs = shared.curve.ms(1, context.length);
    return [{ ...this.shape(levels), draftMs: (nodes) => nodes * stepMs }];
  }

  /** The chain on offer. The same objects as before while nothing was learned: most bids of a quiet text are declined. */
  private shape(levels: number): Pick<Bid, "parent" | "chance"> {
    const { version } = this.acceptance;
    if (this.offer?.version !== version || this.offer.parent.length !== levels) {
      const parent = Int32Array.from({ length: levels }, (_, level) => level - 1);
      const chance = Float64Array.from(parent, (_, level) => this.chanceAt(level));
      this.offer = { version, parent, chance };
    }
    const { parent, chance } = this.offer;
    return { parent, chance };
  }

  private chanceAt(level: number): number {
    return this.acceptance.chance(0, level, this.shared.prior);
  }

  expand(bid: Bid, nodes: number, floor: number): DraftTree {
    const context = this.context as TokenView;
    const { model, sequence } = this.target;
    const { threshold, curve, clock } = this.shared;
    const levels = Math.min(nodes, bid.parent.length);
    const pick = this.sample?.(context) ?? pickLikeliest;
    const builder = new TreeBuilder();
    this.bucket.length = 0;
    this.capped = true;
    let token = context.tokens[context.length - 1];
    let path = 1;
    try {
      for (let level = 0; level < levels; level++) {
        const start = clock();
        const logits = draftStep(model, sequence, token, this.skip);
        curve.observe(1, context.length, clock() - start);
        const draft = pick(logits);
        token = draft.token;
        this.bucket[level] = 1 + Math.min(confidenceBuckets - 1, Math.floor(draft.confidence * confidenceBuckets));
        const chance = this.nodeChance(level, draft);
        builder.add(level - 1, token, this.source, chance, undefined, draft.q);
        path *= chance;
        // The token that ends a draft stays in it: a sampled one must not be dropped for its own value.
        if (draft.confidence < threshold.gamma) {
          this.capped = level + 1 === levels;
          break;
        }
        if (path * this.chanceAt(level + 1) < floor) break;
      }
    } finally {
      // Draft rows leave no trace: verification starts from the committed rows.
      sequence.compact([]);
    }
    this.drafted = builder.build();
    return this.drafted;
  }

  /** A sampled token is judged by its depth alone: whether it is verified must not depend on what it is. */
  private nodeChance(level: number, { confidence, q }: Draft): number {
    if (q) return this.chanceAt(level);
    return this.acceptance.chance(this.bucket[level], 0, Math.max(0.05, Math.min(0.95, confidence)));
  }

  observe(round: RoundResult): void {
    const { drafted } = this;
    this.drafted = emptyTree;
    if (drafted === emptyTree) return;
    judge(drafted, round.emitted, (node, depth, accepted) => {
      this.acceptance.update(0, depth, accepted);
      this.acceptance.update(this.bucket[node], 0, accepted);
    });
    // A text that ended inside the draft does not tell what the rest was worth.
    if (round.emitted.length <= round.path.length) return;
    const verified = commonPath(drafted, round.tree);
    if (verified === 0) return;
    let accepted = 0;
    while (accepted < verified && drafted.token[accepted] === round.emitted[accepted]) accepted++;
    this.shared.settle(accepted, verified, this.capped || verified < drafted.token.length);
  }

  close(): void {}
}

/** A drafted token, its softmax probability, and the distribution it was drawn from [vocab] if it was. */
interface Draft {
  readonly token: number;
  readonly confidence: number;
  readonly q?: Float32Array;
}

type PickDraft = (logits: Float32Array) => Draft;

function pickLikeliest(logits: Float32Array): Draft {
  const { tokens, probabilities } = likeliest(logits, 1);
  return { token: tokens[0], confidence: probabilities[0] };
}

/** Draws from the drafter's distribution after the sampling chain. */
function sampledDrafts({ sampling, pick }: SampledDrafts, vocabSize: number): (context: TokenView) => PickDraft {
  const openPath = draftPaths(sampling, vocabSize);
  return (context) => {
    const path = openPath(context);
    return (logits) => {
      const { tokens: top, probabilities } = likeliest(logits, 1);
      const q = path.q(logits);
      const token = pick(q);
      path.push(token);
      return { token, confidence: probabilities[0] * Math.exp(logits[token] - logits[top[0]]), q };
    };
  };
}

/** Nodes of the chain `drafted` that `tree` holds too, from the root on. */
function commonPath(drafted: DraftTree, tree: DraftTree): number {
  let current = -1;
  for (let i = 0; i < drafted.token.length; i++) {
    let next = current + 1;
    while (next < tree.token.length && (tree.parent[next] !== current || tree.token[next] !== drafted.token[i])) next++;
    if (next === tree.token.length) return i;
    current = next;
  }
  return drafted.token.length;
}
