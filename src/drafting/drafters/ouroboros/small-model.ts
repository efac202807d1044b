import type { LanguageModel } from "../../../lm/model.ts";
import { argmax } from "../../../lm/sampling/index.ts";
import { buy } from "../../budget.ts";
import type { AcceptanceTable } from "../../calibration.ts";
import type { CostCurve } from "../../cost-curve.ts";
import type { SequenceView, TokenView } from "../../drafter.ts";
import { soloPrices } from "../../prices.ts";
import { cutTree, Role, TreeBuilder } from "../../tree.ts";
import { DraftSequence } from "../draft-sequence.ts";
import { likeliest } from "../likeliest.ts";
import { CalibratedTree } from "../lookahead/calibrated-tree.ts";
import type { PhrasePool } from "../lookahead/phrase-pool.ts";
import { LookaheadWindow, type WindowOptions, windowRows } from "../lookahead/window.ts";

export interface SmallModelOptions {
  readonly model: LanguageModel;
  readonly curve: CostCurve;
  readonly clock: () => number;
  /** Phrases that a forward of the small model may verify. */
  readonly guesses: number;
  readonly lookahead: WindowOptions | "off";
  /** Where the acceptance of those phrases by the small model is learned, rank 0. */
  readonly bucket: number;
}

/** Greedy tokens of the small model, with its own probability of each. */
export interface Continuation {
  readonly tokens: readonly number[];
  readonly probabilities: readonly number[];
}

/** What a phrase promises in one forward, kept until the small model has said what came. */
interface Guess {
  readonly tree: CalibratedTree;
  readonly at: number;
}

/** Weight of older forwards in the running means that price the next ones. */
const decay = 0.95;
/** What was missed is read once and serves all later rounds: its price is spread over at most this many tokens. */
const spreadTokens = 64;

/**
 * The draft stage: a small model continues greedily, and phrases of the pool let it take several tokens in one forward. What
 * it drafts is the same with and without phrases. They are bought only while they save more of its time than they cost.
 */
export class SmallModel {
  private readonly options: SmallModelOptions;
  private readonly pool: PhrasePool;
  private readonly view: SequenceView;
  private readonly acceptance: AcceptanceTable;
  private readonly sequence: DraftSequence;
  private readonly window: LookaheadWindow | null;
  /** Committed text and draft. */
  private readonly text: Int32Array;
  /** Running means of a forward: tokens it gave, rows it had. */
  private tokensPerForward = 1;
  private rowsPerForward = 1;

  constructor(options: SmallModelOptions, pool: PhrasePool, view: SequenceView) {
    this.options = options;
    this.pool = pool;
    this.view = view;
    this.acceptance = view.acceptance;
    this.sequence = new DraftSequence(options.model, view.contextLength, options.curve, options.clock);
    this.window = options.lookahead === "off" ? null : new LookaheadWindow(options.lookahead);
    this.text = new Int32Array(this.sequence.capacity);
  }

  /** Tokens that can be drafted after a context: each but the last needs a row. */
  room(context: TokenView): number {
    return this.sequence.capacity - context.length + 1;
  }

  /** Milliseconds that a number of tokens would take, and what must be read once before them. */
  price(context: TokenView): { draftMs(tokens: number): number; onceMs: number } {
    const { curve } = this.options;
    this.sequence.follow(context.tokens, context.length);
    const missing = context.length - this.sequence.length;
    const forwardMs = curve.ms(Math.max(1, Math.round(this.rowsPerForward)), context.length);
    const catchUp = curve.ms(missing, this.sequence.length) - curve.ms(1, context.length);
    const spread = missing <= 2 ? 1 : Math.min(context.maxDepth + 1, spreadTokens);
    return {
      draftMs: (tokens) =>
        tokens === 0 ? 0 : forwardMs * Math.max(1, tokens / this.tokensPerForward) + catchUp / spread,
      onceMs: spread === 1 ? 0 : catchUp,
    };
  }

  /** At most `count` tokens. `goOn` is asked before each forward but the first, with what there is. */
  draft(context: TokenView, count: number, goOn: (drafted: Continuation) => boolean): Continuation {
    const tokens: number[] = [];
    const probabilities: number[] = [];
    const guesses: Guess[] = [];
    let length = context.length;
    this.text.set(context.tokens.subarray(0, length));
    this.sequence.follow(context.tokens, length);
    do {
      const guess = new CalibratedTree(this.view.source, this.acceptance);
      const free = this.text.length - length;
      const phrases = this.pool.newest(this.text[length - 1], this.options.guesses);
      guess.addPhrases(-1, phrases, count - tokens.length - 1, this.options.bucket);
      guesses.push({ tree: guess, at: tokens.length });
      const before = tokens.length;
      this.forward(length, guess, free, tokens, probabilities);
      const said = tokens.slice(before);
      this.text.set(said.slice(0, Math.max(0, free)), length);
      length += said.length;
    } while (tokens.length < count && goOn({ tokens, probabilities }));
    for (const { tree, at } of guesses) tree.learn(tokens.slice(at));
    return { tokens: tokens.slice(0, count), probabilities: probabilities.slice(0, count) };
  }

  close(): void {
    this.sequence.close();
  }

  /** One forward over the last token, the window and the phrases that pay; appends what the model says. */
  private forward(
    length: number,
    guess: CalibratedTree,
    free: number,
    tokens: number[],
    probabilities: number[],
  ): void {
    const rows = this.window ? windowRows(this.window.options, this.window.options.window) : 0;
    const bought = this.worthwhile(guess, length, Math.max(0, free - rows), rows);
    const builder = new TreeBuilder();
    for (let i = 0; i < bought.token.length; i++) builder.add(bought.parent[i], bought.token[i], 0, 1);
    const placed = this.window?.place(this.text, length, free - builder.size, free, (parent, token) =>
      builder.add(parent, token, 0, 0, Role.observed),
    );
    const tree = builder.build();
    const before = tokens.length;
    this.sequence.runTree(this.text, length, tree, (logits) => {
      const path: number[] = [];
      let node = -1;
      while (true) {
        const { tokens: best, probabilities: chance } = likeliest(logits(node), 1);
        tokens.push(best[0]);
        probabilities.push(chance[0]);
        const child = builder.find(node, best[0]);
        if (child < 0 || child >= bought.token.length) break;
        path.push(child);
        node = child;
      }
      placed?.tops.forEach((top, column) => {
        const ngram = this.window?.advance(column, argmax(logits(top)));
        if (ngram) this.pool.insert(ngram[0], ngram.slice(1), "window");
      });
      return path;
    });
    this.tokensPerForward += (1 - decay) * (tokens.length - before - this.tokensPerForward);
    this.rowsPerForward += (1 - decay) * (1 + tree.token.length - this.rowsPerForward);
  }

  /** The part of the phrases with the most tokens per millisecond of the small model, beside `rows` of a window. */
  private worthwhile(guess: CalibratedTree, kv: number, most: number, rows: number) {
    const tree = guess.build();
    const { curve } = this.options;
    const widened: CostCurve = { ms: (width, at) => curve.ms(width + rows, at), observe() {} };
    const offer = { parent: tree.parent, chance: Float64Array.from(tree.confidence), draftMs: () => 0 };
    return cutTree(tree, most === 0 ? 0 : buy([offer], soloPrices(widened, kv), most).nodes);
  }
}
