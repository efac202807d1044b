import { DraftwrightError } from "../../../errors.ts";
import type { LanguageModel } from "../../../lm/model.ts";
import { type CostCurve, unmeasuredCurve } from "../../cost-curve.ts";
import type { Drafter, SequenceView } from "../../drafter.ts";
import { DraftSequence } from "../draft-sequence.ts";
import type { CascadeFigures } from "./forecast.ts";
import { checkKMatrix, type KMatrix } from "./k-matrix.ts";
import { checkMaxGram, MaxGram, type MaxGramOptions } from "./max-gram.ts";
import { CascadePlan } from "./plan.ts";
import { modelReviewer, type Reviewer } from "./reviewer.ts";
import { CascadeSession } from "./session.ts";
import { CascadeStats } from "./stats.ts";

/** A neural drafter of a cascade. */
export interface CascadeModel {
  /** The caller keeps it and disposes of it. */
  readonly model: LanguageModel;
  /** For statistics. Default "model 1", "model 2", .. */
  readonly name?: string;
  /** Milliseconds of its forwards; by default learned from them. */
  readonly curve?: CostCurve;
  /** How it reviews; by default over the target's own vocabulary. See `translatingReviewer` for another one. */
  readonly reviewer?: (sequence: DraftSequence, view: SequenceView) => Reviewer;
}

export interface CascadeOptions {
  /** Best to cheapest; none for Max-Gram alone. */
  readonly models: readonly CascadeModel[];
  /** See `KMatrix`; or "auto": searched on measured milliseconds, at first and again as more is known. Default "auto". */
  readonly k?: KMatrix | "auto";
  /** From 1 (default): a model keeps tokens it gives at least 1/lenience of their drafted probability. Never the target. */
  readonly lenience?: number;
  /** The drafter at the bottom. `false` only without models: then nothing is drafted. */
  readonly maxGram?: MaxGramOptions | false;
  /** Milliseconds of the target's forwards; "auto" needs it. */
  readonly targetCurve?: CostCurve;
  readonly clock?: () => number;
}

export interface CascadeDrafter extends Drafter {
  readonly stats: CascadeStats;
  /** The K matrix in use. */
  readonly k: KMatrix;
  /** Acceptance rates and milliseconds as measured so far, for `forecastCascade`. `kv`: tokens of context. */
  figures(kv: number): CascadeFigures;
}

const mostModels = 8;

/**
 * CS Drafting: every model reviews what cheaper drafters wrote (vertical cascade) and none decodes token by token; better
 * drafters write the earlier tokens of a block (horizontal cascade); the bottom is Max-Gram.
 * Source: Chen et al. 2024, "Cascade Speculative Drafting for Even Faster LLM Inference". Differs in that Max-Gram's blocks are
 * cut where their threshold is reached. With lenience the drafts have no known distribution: `match` is the rule for them.
 * Throws "bad-argument".
 */
export function cascadeDrafter(options: CascadeOptions): CascadeDrafter {
  const { models, k = "auto", lenience = 1, maxGram = {}, targetCurve } = options;
  check(options);
  const clock = options.clock ?? (() => performance.now());
  const curves = models.map(({ curve }) => curve ?? unmeasuredCurve());
  const stats = new CascadeStats([...models.map(({ name }, i) => name ?? `model ${i + 1}`), "maxgram"]);
  const plan = new CascadePlan(stats, curves, k, targetCurve);
  return {
    name: "cascade",
    needs: {},
    stats,
    get k() {
      return plan.k;
    },
    figures: (kv) => plan.figures(kv),
    open(view) {
      if (maxGram === false) return { bid: () => [], expand: nothingToExpand, observe() {}, close() {} };
      const reviewers: Reviewer[] = [];
      try {
        const search = new MaxGram(maxGram, view.vocabSize);
        models.forEach((level, i) => {
          if (!level.reviewer) requireVocabulary(level.model, view, i);
          const sequence = new DraftSequence(level.model, view.contextLength, curves[i], clock);
          reviewers.push(level.reviewer ? level.reviewer(sequence, view) : modelReviewer(sequence));
        });
        return new CascadeSession({ view, reviewers, maxGram: search, plan, stats, lenience, clock });
      } catch (error) {
        for (const reviewer of reviewers) reviewer.close();
        throw error;
      }
    },
  };
}

function check({ models, k = "auto", lenience = 1, maxGram = {}, targetCurve }: CascadeOptions): void {
  const refuse = (what: string): never => {
    throw new DraftwrightError("bad-argument", `cascade: ${what}`);
  };
  if (models.length > mostModels) refuse(`${models.length} models; ${mostModels} are the most.`);
  if (!(lenience >= 1 && Number.isFinite(lenience))) refuse(`lenience is ${lenience}; it must be a number >= 1.`);
  if (maxGram === false && models.length > 0) {
    refuse("without Max-Gram the last model would decode token by token; use the `model` drafter for that.");
  }
  if (maxGram) checkMaxGram(maxGram);
  if (k !== "auto") checkKMatrix(k, models.length + 1);
  else if (maxGram !== false && !targetCurve) {
    refuse('k "auto" weighs drafting against the target\'s own milliseconds: give targetCurve, or a K matrix.');
  }
}

function requireVocabulary(model: LanguageModel, view: SequenceView, index: number): void {
  if (model.vocabSize === view.vocabSize) return;
  throw new DraftwrightError(
    "vocabulary-mismatch",
    `cascade: model ${index + 1} has ${model.vocabSize} tokens, the target ${view.vocabSize}. Choose one of the same ` +
      "family, or translate between the vocabularies.",
  );
}

function nothingToExpand(): never {
  throw new DraftwrightError("internal", "A cascade of nothing was asked to draft.");
}
