import { DraftwrightError } from "../../../errors.ts";
import type { LanguageModel } from "../../../lm/model.ts";
import type { CostCurve } from "../../cost-curve.ts";
import { checkSharedPool } from "../lookahead/lookahead.ts";
import { checkRange, type PhrasePool } from "../lookahead/phrase-pool.ts";
import { checkWindow, type WindowOptions } from "../lookahead/window.ts";

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
  /**
   * With a model, also offer phrases alone, which cost no forward of it: where they promise more, it is not run. Default
   * true; the paper's method does without.
   */
  readonly alone?: boolean;
  /** A window that makes phrases: among the small model's rows, or the target's without one. Default "off". */
  readonly lookahead?: WindowOptions | "off";
  /** Shared between sequences: it keeps text of one for the others. Default: each sequence has its own. */
  readonly pool?: PhrasePool;
  /** Milliseconds of the small model's forwards; by default learned from them. */
  readonly curve?: CostCurve;
  readonly clock?: () => number;
}

/** The options with their defaults. */
export type Settings = Required<Omit<OuroborosOptions, "model" | "pool" | "curve" | "clock">>;

/** Throws "bad-argument" when an option is out of range, or two contradict each other. */
export function checked(options: OuroborosOptions): Settings {
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
  const { learn = "B", refresh = true, text = true, alone = true } = options;
  return { gamma, suffixes, guesses, phraseLength, perKey, learn, refresh, text, alone, lookahead };
}
