import { DraftwrightError } from "../../../errors.ts";
import type { LanguageModel } from "../../../lm/model.ts";
import { type CostCurve, unmeasuredCurve } from "../../cost-curve.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../../drafter.ts";
import { cutTree, type DraftTree, emptyTree } from "../../tree.ts";
import { type Branch, CalibratedTree, rankBuckets } from "../lookahead/calibrated-tree.ts";
import { Harvest } from "../lookahead/harvest.ts";
import { checkSharedPool, poolFor, windowMade } from "../lookahead/lookahead.ts";
import { checkRange, type PhrasePool } from "../lookahead/phrase-pool.ts";
import { TargetWindow } from "../lookahead/target-window.ts";
import { checkWindow, type WindowOptions } from "../lookahead/window.ts";
import { learnFromOutputs, learnFromTail } from "./learning.ts";
import { chainPrior, type Shape, suffixShape, teachShape } from "./shape.ts";
import { SmallModel } from "./small-model.ts";

export interface OuroborosOptions {
  /** A smaller model over the target's vocabulary, kept by the caller. Without one the drafts are phrases of the pool. */
  readonly model?: LanguageModel;
  /** Tokens of a draft before the suffixes. Default 4. */
  readonly gamma?: number;
  /** Phrases that lengthen a draft, each a branch at its end: the K of the paper. Default 3; 0 = none. */
  readonly suffixes?: number;
  /** Phrases that one forward of the small model may verify to be quicker. Default 3; 0 = none. */
  readonly guesses?: number;
  /** Tokens of a phrase. Default 3, or what the pool or the window says. */
  readonly phraseLength?: number;
  /** Phrases kept under one key. Default 20. */
  readonly perKey?: number;
  /** What rejected drafts teach: "A" the runs that the target repeats, "B" all that it says along them. Default "B". */
  readonly learn?: "A" | "B" | "off";
  /** Replace used suffixes by what the target says there. Default true. */
  readonly refresh?: boolean;
  /** Also take the n-grams of prompt and output. Default true; the paper's method does without. */
  readonly text?: boolean;
  /** A window that makes phrases: among the small model's rows, or the target's without one. Default "off". */
  readonly lookahead?: WindowOptions | "off";
  /** Shared between sequences: it keeps text of one for the others. Default: each sequence has its own. */
  readonly pool?: PhrasePool;
  /** Milliseconds of the small model's forwards; by default learned from them. */
  readonly curve?: CostCurve;
  readonly clock?: () => number;
}

// Buckets of the acceptance table; each group of phrases has one per rank.
const confidences = 10;
const confidenceBucket = 1;
const suffixOfferBucket = confidenceBucket + confidences;
const suffixBucket = suffixOfferBucket + rankBuckets;
const rootBucket = suffixBucket + rankBuckets;
const guessBucket = rootBucket + rankBuckets;
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

type Settings = Required<Omit<OuroborosOptions, "model" | "pool" | "curve" | "clock">>;

function checked(options: OuroborosOptions): Settings {
  const { lookahead = "off", pool } = options;
  const fromWindow = lookahead === "off" ? undefined : lookahead.level - 1;
  const phraseLength = options.phraseLength ?? fromWindow ?? pool?.phraseLength ?? 3;
  const { gamma = 4, suffixes = 3, guesses = 3, perKey = 20 } = options;
  checkRange("ouroboros: gamma", gamma, 1, 64);
  checkRange("ouroboros: suffixes", suffixes, 0, 64);
  checkRange("ouroboros: guesses", guesses, 0, 64);
  checkRange("ouroboros: phraseLength", phraseLength, 1, 32);
  checkRange("ouroboros: perKey", perKey, 1, 1000);
  if (lookahead !== "off") checkWindow(lookahead);
  if (fromWindow !== undefined && fromWindow !== phraseLength) {
    throw new DraftwrightError(
      "bad-argument",
      `ouroboros: a window of level ${fromWindow + 1} makes phrases of ${fromWindow} tokens, not ${phraseLength}.`,
    );
  }
  if (pool) checkSharedPool("ouroboros", pool, phraseLength);
  const { learn = "B", refresh = true, text = true } = options;
  return { gamma, suffixes, guesses, phraseLength, perKey, learn, refresh, text, lookahead };
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
  /** Whether this round's draft is the small model's. */
  private modelDrafts = false;
  private draft: Draft | null = null;

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
    this.draft = null;
    const room = this.small ? Math.min(this.small.room(context), context.maxDepth, this.settings.gamma) : 0;
    this.modelDrafts = room > 0;
    return this.small && room > 0 ? this.bidWithModel(this.small, context, room) : this.bidFromPool(context);
  }

  expand(_bid: Bid, nodes: number, floor: number): DraftTree {
    const context = this.context as TokenView;
    const { modelDrafts, small, shape } = this;
    if (modelDrafts && small && shape) {
      const count = shape.chainNodes[Math.min(nodes, shape.parent.length)];
      this.draft = this.draftWithModel(small, context, count, floor);
    }
    return this.draft ? cutTree(this.draft.tree.build(), nodes) : emptyTree;
  }

  observe(round: RoundResult): void {
    const { draft } = this;
    this.draft = null;
    if (!draft) return;
    const hits = draft.tree.learn(round.emitted);
    const outputs = draft.tree.outputs(round);
    const branches = draft.tried.flatMap((tried) => tried.branches);
    this.window?.observe(outputs, windowMade(branches, hits), this.pool);
    if (this.modelDrafts) teachShape(this.view.acceptance, suffixOfferBucket, draft, this.settings, round.emitted);
    this.learn(draft, round.emitted, outputs);
    if (this.settings.refresh) for (const tried of draft.tried) this.refresh(tried, outputs);
  }

  close(): void {
    this.small?.close();
    if (this.pool.scope === "request") this.pool.clear();
  }

  private bidWithModel(small: SmallModel, context: TokenView, levels: number): readonly Bid[] {
    const { suffixes, phraseLength } = this.settings;
    const length = Math.min(phraseLength, context.maxDepth - levels);
    const { acceptance } = this.view;
    this.shape = suffixShape(this.shape, acceptance, suffixOfferBucket, levels, suffixes, length);
    const { parent, chance, chainNodes } = this.shape;
    const { draftMs, onceMs } = small.price(context);
    return [{ parent, chance, draftMs: (nodes) => draftMs(chainNodes[nodes]), onceMs }];
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
  private bidFromPool(context: TokenView): readonly Bid[] {
    const tree = new CalibratedTree(this.view.source, this.view.acceptance);
    const root = context.tokens[context.length - 1];
    const { tokens, nodes } = this.chainFromPool(tree, root, Math.min(this.settings.gamma, context.maxDepth));
    const tried = [this.lengthen(tree, root, -1, context, rootBucket)];
    let suffixes: readonly Branch[] = [];
    if (nodes.length > 0) {
      tried.push(this.lengthen(tree, tokens[tokens.length - 1], nodes[nodes.length - 1], context, suffixBucket));
      suffixes = tried[1].branches;
    }
    this.window?.place(tree, context);
    this.draft = { tree, tokens, nodes, tried, suffixes };
    if (tree.size === 0) return [];
    const { parent, confidence } = tree.build();
    return [{ parent, chance: Float64Array.from(confidence), draftMs: () => 0 }];
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
