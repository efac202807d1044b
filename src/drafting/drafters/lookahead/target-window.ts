import type { AcceptanceTable } from "../../calibration.ts";
import type { TokenView } from "../../drafter.ts";
import type { CalibratedTree } from "./calibrated-tree.ts";
import type { PhrasePool } from "./phrase-pool.ts";
import { LookaheadWindow, type Placed, type WindowOptions, windowRows } from "./window.ts";

const nothing: Placed = { tops: [] };
/** Of a phrase of the window a round may bring at most so many tokens to its account. */
const mostReturns = 8;
const returnPrior = 0.4;

/**
 * A lookahead window among the rows of the target. Its rows are an investment: they bring no token now, and phrases for
 * later. So they are offered at what such rows have brought per row, the tokens that its phrases gave in rounds that had it.
 */
export class TargetWindow {
  private readonly window: LookaheadWindow;
  private readonly acceptance: AcceptanceTable;
  private readonly bucket: number;
  private placed = nothing;

  /** `bucket`: where the returns are learned; depth d holds the chance that d tokens are not all. */
  constructor(options: WindowOptions, acceptance: AcceptanceTable, bucket: number) {
    this.window = new LookaheadWindow(options);
    this.acceptance = acceptance;
    this.bucket = bucket;
  }

  /** Adds as many columns as the budget holds beside the candidates that promise more. */
  place(tree: CalibratedTree, context: TokenView): void {
    const { options } = this.window;
    const worth = Math.min(1, this.expectedReturns() / Math.max(1, windowRows(options, options.window)));
    const rows = context.maxNodes - tree.likelierThan(worth);
    this.placed = this.window.place(context.tokens, context.length, rows, context.maxDepth, (parent, token) =>
      tree.addObserved(parent, token, worth),
    );
  }

  /** `outputs`: the target's token after a node, -1 where it was not verified. `returned`: tokens its phrases gave. */
  observe(outputs: (node: number) => number, returned: number, pool: PhrasePool): void {
    let evaluated = false;
    this.placed.tops.forEach((node, column) => {
      const output = outputs(node);
      if (output < 0) return;
      evaluated ||= node >= 0;
      const ngram = this.window.advance(column, output);
      if (ngram) pool.insert(ngram[0], ngram.slice(1), "window");
    });
    this.placed = nothing;
    if (!evaluated) return;
    const counted = Math.min(returned, mostReturns);
    for (let d = 0; d < counted; d++) this.acceptance.update(this.bucket, d, true);
    if (counted < mostReturns) this.acceptance.update(this.bucket, counted, false);
  }

  private expectedReturns(): number {
    let tokens = 0;
    let reached = 1;
    for (let d = 0; d < mostReturns; d++) {
      reached *= this.acceptance.chance(this.bucket, d, returnPrior);
      tokens += reached;
    }
    return tokens;
  }
}
