import { DraftwrightError } from "../../../errors.ts";
import type { SkipSet } from "../../../lm/model.ts";
import type { CalibrationTexts } from "./calibration-texts.ts";
import { measureStepCost, type StepCost } from "./draft-step.ts";
import { layerSkipDrafter, leastGain, refusal } from "./drafter.ts";
import { acceptanceByDepth, bestDraftLength } from "./modelled.ts";
import { firstSets, propose } from "./propose.ts";
import { fromBits, type SkipBits } from "./skip-set.ts";
import { type MeasuredSpeed, measureSpeed } from "./speed.ts";
import { draftStepMs, type StepCosts } from "./step-costs.ts";

/**
 * `measured`: wall clock of drafted generation against plain, in turns. `modelled`: E[tokens] / (k c + v) from the real
 * acceptance and from times measured once; the same acceptance and times give the same score.
 */
export type Objective = "measured" | "modelled";

export interface SearchOptions {
  readonly calibration: CalibrationTexts;
  readonly costs: StepCosts;
  readonly objective: Objective;
  readonly seed: number;
  /** Longest draft considered; at most `costs.widthMs.length - 1`. Default that. */
  readonly maxDraft?: number;
  /** Sets to try at most; default 100. */
  readonly iterations?: number;
  /** Ends after so many sets in a row that were no better; default 30. */
  readonly patience?: number;
  /** Turns of drafted and plain decoding for each set, for `measured`; default 3. */
  readonly repeats?: number;
  /** What an earlier search with the same settings has tried: it goes on from there. */
  readonly evaluations?: readonly Evaluation[];
  readonly clock?: () => number;
}

/** One set that was tried. Plain data: JSON. */
export interface Evaluation {
  readonly bits: SkipBits;
  /** Draft step / step of the whole model, as modelled. */
  readonly c: number;
  /** Drafts right at each depth, given those before. */
  readonly acceptance: readonly number[];
  /** Draft length with the best modelled speed-up, and that speed-up over plain decoding. */
  readonly draftLength: number;
  readonly modelled: number;
  readonly measured?: number;
}

export interface SearchResult {
  readonly best: Evaluation;
  readonly skip: SkipSet;
  /** Best score of the search, a speed-up over plain decoding; above 1 is a gain. */
  readonly ceiling: number;
  /** Measured for the best set when the search had ended. */
  readonly cost: StepCost;
  readonly speed: MeasuredSpeed;
  readonly isGain: boolean;
  /** One sentence: how much is gained, or that nothing is, and why. */
  readonly verdict: string;
}

/** A gain smaller than this is the noise of the machine. */
const leastSpeedup = 1.03;
/** A better score by less than this does not count as progress. */
const progress = 1.002;
const noiseOf = { modelled: 1e-3, measured: 0.05 } as const;

/**
 * Bayesian search over the 2L bits of the skip sets: a real model takes seconds to judge one set, so that fitting a
 * Gaussian process to what was tried is cheap beside it. Each `step` tries one set; everything but the clock follows from
 * the seed and the evaluations so far, so a search that was interrupted goes on as if it had not been.
 */
export class LayerSkipSearch {
  readonly evaluations: Evaluation[];
  private readonly options: SearchOptions;
  private readonly maxDraft: number;

  /** Throws "bad-argument" for settings that make no sense together. */
  constructor(options: SearchOptions) {
    const { costs, calibration, iterations = 1, evaluations = [] } = options;
    const layers = calibration.model.layerCount;
    this.options = options;
    this.maxDraft = options.maxDraft ?? costs.widthMs.length - 1;
    this.evaluations = [...evaluations];
    if (!Number.isInteger(this.maxDraft) || this.maxDraft < 1 || this.maxDraft >= costs.widthMs.length) {
      refuse(`maxDraft ${this.maxDraft} needs times of forwards of 1..${this.maxDraft + 1} rows`);
    }
    if (costs.sublayerMs.length !== 2 * layers || evaluations.some(({ bits }) => bits.length !== 2 * layers)) {
      refuse(`times or earlier evaluations are not of a model with ${layers} layers`);
    }
    if (!Number.isInteger(iterations) || iterations < 1) refuse(`iterations is ${iterations}; it must be at least 1`);
  }

  /** Tries one more set; null when the search has ended. */
  step(): Evaluation | null {
    const bits = this.next();
    if (bits === null) return null;
    const evaluation = this.evaluate(bits);
    this.evaluations.push(evaluation);
    return evaluation;
  }

  /** Why even the cheapest draft step is too dear for any gain, or undefined. */
  get refusal(): string | undefined {
    const { costs } = this.options;
    return refusal({ draftMs: costs.fixedMs, stepMs: costs.widthMs[0] });
  }

  get best(): Evaluation | undefined {
    return this.evaluations.reduce<Evaluation | undefined>(
      (best, evaluation) => (best && this.score(best) >= this.score(evaluation) ? best : evaluation),
      undefined,
    );
  }

  /** Measures the best set, drafted and plain in turns, and says what it is worth. At least one step must have been made. */
  finish(): SearchResult {
    const { best } = this;
    if (!best) throw new DraftwrightError("bad-argument", "The search has tried nothing yet; call step first.");
    const { calibration, repeats = 3, clock } = this.options;
    const skip = fromBits(best.bits);
    const cost = measureStepCost(calibration.model, skip, { clock });
    const speed = this.measure(best, Math.max(3, repeats));
    const isGain = speed.speedup >= leastSpeedup && this.refusal === undefined;
    return {
      best,
      skip,
      ceiling: this.score(best),
      cost,
      speed,
      isGain,
      verdict: this.verdict(best, cost, speed, isGain),
    };
  }

  private verdict(best: Evaluation, cost: StepCost, { speedup }: MeasuredSpeed, isGain: boolean): string {
    if (this.refusal) return this.refusal;
    const tried = `of ${this.evaluations.length} skip sets tried`;
    const measured = `${speedup.toFixed(2)}x plain decoding, measured with drafts of ${best.draftLength}`;
    if (isGain) return `gain: the best ${tried} reaches ${measured}`;
    const bound = `its draft step costs ${Math.round((100 * cost.draftMs) / cost.stepMs)} % of a full one`;
    return `no gain here: the best ${tried} reaches ${measured}; ${bound}`;
  }

  private next(): SkipBits | null {
    const { seed, objective, costs, iterations = 100, patience = 30, calibration } = this.options;
    const { evaluations } = this;
    if (evaluations.length >= iterations || (evaluations.length > 0 && this.refusal)) return null;
    const tried = new Set(evaluations.map(({ bits }) => bits));
    const cheap = (bits: SkipBits) => costs.widthMs[0] >= leastGain * draftStepMs(costs, bits);
    // The empty set is always a candidate; others only if a perfect draft could pay.
    const first = firstSets(calibration.model.layerCount).filter((bits, i) => i === 0 || cheap(bits));
    const left = first.find((bits) => !tried.has(bits));
    if (left !== undefined) return left;
    if (this.sinceProgress() >= patience) return null;
    const scored = evaluations.map((evaluation) => ({ bits: evaluation.bits, score: this.score(evaluation) }));
    return propose(scored, seed, noiseOf[objective], cheap);
  }

  private sinceProgress(): number {
    let best = 0;
    let at = 0;
    this.evaluations.forEach((evaluation, i) => {
      if (this.score(evaluation) <= best * progress) return;
      best = this.score(evaluation);
      at = i;
    });
    return this.evaluations.length - 1 - at;
  }

  private score({ measured, modelled }: Evaluation): number {
    return this.options.objective === "measured" ? (measured as number) : modelled;
  }

  private evaluate(bits: SkipBits): Evaluation {
    const { calibration, costs, objective, repeats = 3 } = this.options;
    const { maxDraft } = this;
    const draftMs = draftStepMs(costs, bits);
    const runs = calibration.runLengths(fromBits(bits), maxDraft);
    const { draftLength, speedup } = bestDraftLength(runs, maxDraft, draftMs, costs);
    const acceptance = acceptanceByDepth(runs, maxDraft);
    const evaluation = { bits, c: draftMs / costs.widthMs[0], acceptance, draftLength, modelled: speedup };
    if (objective === "modelled") return evaluation;
    return { ...evaluation, measured: this.measure(evaluation, repeats).speedup };
  }

  private measure({ bits, draftLength }: Evaluation, repeats: number): MeasuredSpeed {
    const { calibration, clock } = this.options;
    const skip = fromBits(bits);
    // A fixed draft length, the best for these texts: what a threshold could save is not counted.
    const threshold = { mode: "static", start: 0 } as const;
    const drafter = layerSkipDrafter({ skip, maxDraft: draftLength, threshold, clock });
    return measureSpeed(calibration, drafter, draftLength, repeats, clock);
  }
}

function refuse(what: string): never {
  throw new DraftwrightError("bad-argument", `layer-skip search: ${what}.`);
}
