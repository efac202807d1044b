import { DraftwrightError } from "../../../errors.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../../drafter.ts";
import { cutTree, type DraftTree } from "../../tree.ts";
import { type Branch, CalibratedTree, rankBuckets } from "./calibrated-tree.ts";
import { Harvest } from "./harvest.ts";
import { checkRange, PhrasePool } from "./phrase-pool.ts";
import { TargetWindow } from "./target-window.ts";
import { checkWindow } from "./window.ts";

export interface LookaheadOptions {
  /** Positions guessed ahead at once (W). Default 4. */
  readonly window?: number;
  /** Length of the n-grams (N). Default 4: phrases of 3. */
  readonly level?: number;
  /** Phrases kept under one key. Default 20. */
  readonly perKey?: number;
  /** Phrases verified in a round (G). Default 3. */
  readonly guesses?: number;
  /** Also take the n-grams of prompt and output. Default false: the window alone. */
  readonly text?: boolean;
  /** Shared between sequences, of phrases of level - 1 tokens. Default: each sequence has its own. */
  readonly pool?: PhrasePool;
}

const windowBucket = rankBuckets;

/**
 * Lookahead decoding: the target itself guesses ahead in a window of extra rows (Jacobi iteration), and the n-grams seen
 * there are verified when their first token comes. No other model, no training; costs (W - 1) + (N - 2) W rows a round.
 * Source: Fu et al. 2024. Here equal beginnings of phrases are one node, and the market may leave the window out.
 */
export function lookaheadDrafter(options: LookaheadOptions = {}): Drafter {
  const { window = 4, level = 4, perKey = 20, guesses = 3, text = false, pool } = options;
  checkWindow({ window, level });
  checkRange("lookahead: guesses", guesses, 1, 64);
  checkRange("lookahead: perKey", perKey, 1, 1000);
  if (pool) checkSharedPool("lookahead", pool, level - 1);
  return {
    name: "lookahead",
    needs: {},
    open(view) {
      return new LookaheadSession({ window, level }, guesses, text, poolFor(view, pool, level - 1, perKey), view);
    },
  };
}

/** Throws "bad-argument" for a pool that cannot be shared or whose phrases have another length. */
export function checkSharedPool(drafter: string, pool: PhrasePool, phraseLength: number): void {
  if (pool.scope === "request") {
    throw new DraftwrightError(
      "bad-argument",
      `${drafter}: a pool of scope "request" belongs to one sequence. Leave it out, or make one of scope "session".`,
    );
  }
  if (pool.phraseLength !== phraseLength) {
    throw new DraftwrightError(
      "bad-argument",
      `${drafter}: the pool holds phrases of ${pool.phraseLength} tokens, ${phraseLength} are wanted. Open another pool.`,
    );
  }
}

/** The shared pool, or one for this sequence alone. Throws "vocabulary-mismatch". */
export function poolFor(
  { vocabSize }: SequenceView,
  shared: PhrasePool | undefined,
  phraseLength: number,
  perKey: number,
): PhrasePool {
  if (!shared) return new PhrasePool({ vocabSize, phraseLength, perKey, scope: "request" });
  if (shared.vocabSize !== vocabSize) {
    throw new DraftwrightError(
      "vocabulary-mismatch",
      `The pool is for ${shared.vocabSize} tokens, the target has ${vocabSize}. Keep one pool per vocabulary.`,
    );
  }
  return shared;
}

class LookaheadSession implements DraftSession {
  private readonly guesses: number;
  private readonly pool: PhrasePool;
  private readonly view: SequenceView;
  private readonly window: TargetWindow;
  private readonly harvest: Harvest | null;
  private tree: CalibratedTree;
  private branches: readonly Branch[] = [];

  constructor(
    window: { window: number; level: number },
    guesses: number,
    text: boolean,
    pool: PhrasePool,
    view: SequenceView,
  ) {
    this.guesses = guesses;
    this.pool = pool;
    this.view = view;
    this.window = new TargetWindow(window, view.acceptance, windowBucket);
    this.harvest = text ? new Harvest(pool) : null;
    this.tree = new CalibratedTree(view.source, view.acceptance);
  }

  bid(context: TokenView): readonly Bid[] {
    this.harvest?.take(context.tokens, context.length);
    this.tree = new CalibratedTree(this.view.source, this.view.acceptance);
    const phrases = this.pool.newest(context.tokens[context.length - 1], this.guesses);
    this.branches = this.tree.addPhrases(-1, phrases, context.maxDepth, 0);
    this.window.place(this.tree, context);
    if (this.tree.size === 0) return [];
    const { parent, confidence } = this.tree.build();
    return [{ parent, chance: Float64Array.from(confidence), draftMs: () => 0 }];
  }

  expand(_bid: Bid, nodes: number): DraftTree {
    return cutTree(this.tree.build(), nodes);
  }

  observe(round: RoundResult): void {
    const hits = this.tree.learn(round.emitted);
    this.window.observe(this.tree.outputs(round), windowMade(this.branches, hits), this.pool);
    this.tree = new CalibratedTree(this.view.source, this.view.acceptance);
    this.branches = [];
  }

  close(): void {
    if (this.pool.scope === "request") this.pool.clear();
  }
}

/** How many of the accepted nodes were known from the window. A node of several branches belongs to the first. */
export function windowMade(branches: readonly Branch[], hits: readonly number[]): number {
  return hits.filter((hit) => {
    const owner = branches.find(({ nodes }) => nodes.includes(hit));
    return owner?.phrase.origin === "window";
  }).length;
}
