import { DraftwrightError } from "../../../errors.ts";
import { unmeasuredCurve } from "../../cost-curve.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../../drafter.ts";
import { cutTree, type DraftTree, emptyTree } from "../../tree.ts";
import { type Branch, CalibratedTree, rankBuckets } from "../lookahead/calibrated-tree.ts";
import { Harvest } from "../lookahead/harvest.ts";
import { poolFor, windowMade } from "../lookahead/lookahead.ts";
import type { PhrasePool } from "../lookahead/phrase-pool.ts";
import { TargetWindow } from "../lookahead/target-window.ts";
import { learnFromOutputs, learnFromTail } from "./learning.ts";
import { checked, type OuroborosOptions, type Settings } from "./options.ts";
import { chainPrior, type Shape, suffixShape, teachShape } from "./shape.ts";
import { SmallModel } from "./small-model.ts";

// Buckets of the acceptance table; each group of phrases has one per rank.
const confidences = 10;
const confidenceBucket = 1;
const suffixOfferBucket = confidenceBucket + confidences;
const suffixBucket = suffixOfferBucket + rankBuckets;
const rootBucket = suffixBucket + rankBuckets;
const rootSuffixBucket = rootBucket + rankBuckets;
const guessBucket = rootSuffixBucket + rankBuckets;
const windowBucket = guessBucket + rankBuckets;

/**
 * Ouroboros: a draft is lengthened by phrases that were seen after its last token, one branch each, verified in the same
 * forward; what the target says at rejected tokens becomes phrases too. The same phrases let the small model take several
 * tokens in one forward. Source: Zhao et al. 2024, "Ouroboros: generating longer drafts phrase by phrase for faster
 * speculative decoding". Here equal beginnings of suffixes are one node, and the target's token after them is always emitted.
 */
export function ouroborosDrafter(options: OuroborosOptions = {}): Drafter {
  const settings = checked(options);
  const { model, pool } = options;
  // Shared by all sessions: they run on the same machine.
  const curve = options.curve ?? unmeasuredCurve();
  const clock = options.clock ?? (() => performance.now());
  return {
    name: "ouroboros",
    needs: {},
    open(view) {
      if (model && model.vocabSize !== view.vocabSize) {
        throw new DraftwrightError(
          "vocabulary-mismatch",
          `The drafter has ${model.vocabSize} tokens, the target ${view.vocabSize}. Choose a drafter of the same family.`,
        );
      }
      const phrases = poolFor(view, pool, settings.phraseLength, settings.perKey);
      const { guesses, lookahead } = settings;
      const small =
        model && new SmallModel({ model, curve, clock, guesses, lookahead, bucket: guessBucket }, phrases, view);
      return new OuroborosSession(settings, phrases, small, view);
    },
  };
}

/** Phrases that were tried after one token. */
interface Tried {
  readonly key: number;
  /** Node of that token, -1 = root. */
  readonly at: number;
  readonly branches: readonly Branch[];
}

/** What stands in the tree of a round. */
interface Draft {
  readonly tree: CalibratedTree;
  /** The draft before its suffixes: tokens and their nodes. */
  readonly tokens: readonly number[];
  readonly nodes: readonly number[];
  readonly tried: readonly Tried[];
  /** The branches that lengthen the draft. */
  readonly suffixes: readonly Branch[];
}

class OuroborosSession implements DraftSession {
  private readonly settings: Settings;
  private readonly pool: PhrasePool;
  private readonly small: SmallModel | undefined;
  private readonly view: SequenceView;
  private readonly window: TargetWindow | null;
  private readonly harvest: Harvest | null;
  private context: TokenView | null = null;
  private shape: Shape | null = null;
  /** This round's drafts: the small model's, once it is bought, and that of phrases alone. */
  private modelDraft: Draft | null = null;
  private phraseDraft: Draft | null = null;
  private phraseBid: Bid | null = null;

  constructor(settings: Settings, pool: PhrasePool, small: SmallModel | undefined, view: SequenceView) {
    const { lookahead } = settings;
    this.settings = settings;
    this.pool = pool;
    this.small = small;
    this.view = view;
    this.window = small || lookahead === "off" ? null : new TargetWindow(lookahead, view.acceptance, windowBucket);
    this.harvest = settings.text ? new Harvest(pool) : null;
  }

  bid(context: TokenView): readonly Bid[] {
    this.harvest?.take(context.tokens, context.length);
    this.context = context;
    this.forget();
    const { small, settings } = this;
    const levels = small ? Math.min(small.room(context), context.maxDepth, settings.gamma) : 0;
    const bids: Bid[] = [];
    if (small && levels > 0) bids.push(this.bidWithModel(small, context, levels));
    if (levels === 0 || (settings.alone && settings.suffixes > 0)) {
      this.phraseDraft = this.draftFromPool(context);
      const { parent, confidence } = this.phraseDraft.tree.build();
      this.phraseBid = { parent, chance: Float64Array.from(confidence), draftMs: () => 0 };
      if (parent.length > 0) bids.push(this.phraseBid);
    }
    return bids;
  }

  expand(bid: Bid, nodes: number, floor: number): DraftTree {
    const { small, shape, context } = this;
    if (bid === this.phraseBid) return this.phraseDraft ? cutTree(this.phraseDraft.tree.build(), nodes) : emptyTree;
    if (!small || !shape || !context) return emptyTree;
    const count = shape.chainNodes[Math.min(nodes, shape.parent.length)];
    this.modelDraft = this.draftWithModel(small, context, count, floor);
    return cutTree(this.modelDraft.tree.build(), nodes);
  }

  observe(round: RoundResult): void {
    const { modelDraft, phraseDraft, settings } = this;
    this.forget();
    if (modelDraft) {
      teachShape(this.view.acceptance, suffixOfferBucket, modelDraft, settings, round.emitted);
      this.review(modelDraft, round);
    }
    if (!phraseDraft) return;
    const hits = this.review(phraseDraft, round);
    const branches = phraseDraft.tried.flatMap((tried) => tried.branches);
    this.window?.observe(phraseDraft.tree.outputs(round), windowMade(branches, hits), this.pool);
  }

  close(): void {
    this.small?.close();
    if (this.pool.scope === "request") this.pool.clear();
  }

  private forget(): void {
    this.modelDraft = null;
    this.phraseDraft = null;
    this.phraseBid = null;
  }

  /** Learns from what became of a draft; returns its accepted nodes. */
  private review(draft: Draft, round: RoundResult): number[] {
    const hits = draft.tree.learn(round.emitted);
    const outputs = draft.tree.outputs(round);
    this.learn(draft, round.emitted, outputs);
    if (this.settings.refresh) for (const tried of draft.tried) this.refresh(tried, outputs);
    return hits;
  }

  private bidWithModel(small: SmallModel, context: TokenView, levels: number): Bid {
    const { suffixes, phraseLength } = this.settings;
    const length = Math.min(phraseLength, context.maxDepth - levels);
    const { acceptance } = this.view;
    this.shape = suffixShape(this.shape, acceptance, suffixOfferBucket, levels, suffixes, length);
    const { parent, chance, chainNodes } = this.shape;
    const { draftMs, onceMs } = small.price(context);
    return { parent, chance, draftMs: (nodes) => draftMs(chainNodes[nodes]), onceMs };
  }

  private draftWithModel(small: SmallModel, context: TokenView, count: number, floor: number): Draft {
    const { acceptance } = this.view;
    const tree = new CalibratedTree(this.view.source, acceptance);
    const chances = (probability: number) => {
      const bucket = Math.min(confidences - 1, Math.floor(probability * confidences));
      return { bucket: confidenceBucket + bucket, prior: (bucket + 0.5) / confidences };
    };
    const { tokens, probabilities } = small.draft(context, count, (drafted) => {
      const path = drafted.probabilities
        .map(chances)
        .reduce((product, { bucket, prior }) => product * acceptance.chance(bucket, 0, prior), 1);
      return path * acceptance.chance(0, drafted.tokens.length, chainPrior) >= floor;
    });
    const nodes: number[] = [];
    tokens.forEach((token, i) => {
      const { bucket, prior } = chances(probabilities[i]);
      nodes.push(tree.add(i === 0 ? -1 : nodes[i - 1], token, bucket, 0, prior));
    });
    const tried = this.lengthen(tree, tokens[tokens.length - 1], nodes[nodes.length - 1], context, suffixBucket);
    return { tree, tokens, nodes, tried: [tried], suffixes: tried.branches };
  }

  /** The newest phrases in a row are the draft, the others under the root its alternatives. */
  private draftFromPool(context: TokenView): Draft {
    const tree = new CalibratedTree(this.view.source, this.view.acceptance);
    const root = context.tokens[context.length - 1];
    const { tokens, nodes } = this.chainFromPool(tree, root, Math.min(this.settings.gamma, context.maxDepth));
    const tried = [this.lengthen(tree, root, -1, context, rootBucket)];
    let suffixes: readonly Branch[] = [];
    if (nodes.length > 0) {
      tried.push(this.lengthen(tree, tokens[tokens.length - 1], nodes[nodes.length - 1], context, rootSuffixBucket));
      suffixes = tried[1].branches;
    }
    this.window?.place(tree, context);
    return { tree, tokens, nodes, tried, suffixes };
  }

  private chainFromPool(tree: CalibratedTree, root: number, count: number): { tokens: number[]; nodes: number[] } {
    const tokens: number[] = [];
    const nodes: number[] = [];
    while (tokens.length < count) {
      const [phrase] = this.pool.newest(tokens.at(-1) ?? root, 1);
      if (!phrase) break;
      for (const token of phrase.tokens.slice(0, count - tokens.length)) {
        nodes.push(tree.addPhraseToken(nodes.at(-1) ?? -1, token, rootBucket, 0, nodes.length));
        tokens.push(token);
      }
    }
    return { tokens, nodes };
  }

  /** Adds the phrases under `key` after its node. */
  private lengthen(tree: CalibratedTree, key: number, at: number, context: TokenView, buckets: number): Tried {
    const phrases = this.pool.newest(key, this.settings.suffixes);
    const branches = tree.addPhrases(at, phrases, context.maxDepth - tree.levels(at), buckets);
    return { key, at, branches };
  }

  private learn(draft: Draft, emitted: readonly number[], outputOf: (node: number) => number): void {
    const { learn, phraseLength } = this.settings;
    if (learn === "off") return;
    const outputs = known(draft.nodes, outputOf);
    const tokens = draft.tokens.slice(0, outputs.length);
    let accepted = 0;
    while (accepted < tokens.length && tokens[accepted] === emitted[accepted]) accepted++;
    if (accepted === tokens.length) return;
    // Suffixes stand behind the whole draft.
    const whole = tokens.length === draft.tokens.length;
    const branches = whole ? draft.suffixes.map(({ nodes }) => known(nodes, outputOf)) : [];
    const correction = outputOf(accepted === 0 ? -1 : draft.nodes[accepted - 1]);
    const learned =
      learn === "A"
        ? learnFromTail(tokens, outputs, accepted, phraseLength)
        : learnFromOutputs(correction, outputs, accepted, branches, phraseLength);
    for (const { key, phrase } of learned) this.pool.insert(key, phrase, "verified");
  }

  private refresh({ key, at, branches }: Tried, outputOf: (node: number) => number): void {
    if (branches.length === 0) return;
    const { phraseLength } = this.settings;
    for (const { phrase, nodes } of branches) {
      const version = known([at, ...nodes.slice(0, phraseLength - 1)], outputOf);
      if (version.length === phraseLength) this.pool.refresh(key, phrase, version);
    }
  }
}

/** The target's tokens after nodes in a row, up to the first one that was not verified. */
function known(nodes: readonly number[], outputOf: (node: number) => number): number[] {
  const outputs: number[] = [];
  for (const node of nodes) {
    const output = outputOf(node);
    if (output < 0) break;
    outputs.push(output);
  }
  return outputs;
}
