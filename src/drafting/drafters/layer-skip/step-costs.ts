import { chainBatch, type LanguageModel, type SkipSet } from "../../../lm/model.ts";
import { withContext } from "./draft-step.ts";
import { fromBits, type SkipBits } from "./skip-set.ts";

/** Milliseconds of the parts of a one-row forward, and of full forwards by width. Plain data: JSON. */
export interface StepCosts {
  /** With every sublayer left out: embedding, final norm, output matrix. */
  readonly fixedMs: number;
  /** Of each sublayer: attention of all layers, then MLP of all layers. */
  readonly sublayerMs: readonly number[];
  /** Of full forwards of 1, 2, .. rows. */
  readonly widthMs: readonly number[];
}

export interface StepCostsOptions {
  /** Widest forward to measure. */
  readonly width: number;
  /** Committed rows; default 64. */
  readonly kv?: number;
  /** Default 9. */
  readonly repeats?: number;
  readonly clock?: () => number;
}

/**
 * Times each sublayer by a forward that leaves out all others, so that a small time is not the difference of two large
 * ones. The least over the repeats; one repeat visits everything before the next begins. Sublayers are then scaled so that
 * all parts together take as long as a full forward of one row.
 */
export function measureStepCosts(model: LanguageModel, options: StepCostsOptions): StepCosts {
  const { width, repeats = 9, clock = () => performance.now() } = options;
  const kv = Math.max(0, Math.min(options.kv ?? 64, model.contextLength - width));
  const sublayers = 2 * model.layerCount;
  const all = "1".repeat(sublayers);
  const steps: { rows: number; skip?: SkipSet }[] = [{ rows: 1, skip: fromBits(all) }];
  for (let i = 0; i < sublayers; i++) steps.push({ rows: 1, skip: fromBits(`${all.slice(0, i)}0${all.slice(i + 1)}`) });
  for (let rows = 1; rows <= width; rows++) steps.push({ rows });
  const times = steps.map(() => Number.POSITIVE_INFINITY);
  withContext(model, kv, (sequence) => {
    for (let pass = 0; pass < repeats; pass++) {
      steps.forEach(({ rows, skip }, i) => {
        const batch = { ...chainBatch(sequence, new Int32Array(rows), "all"), ...(skip && { skip }) };
        // The second of two is timed: plain decoding repeats itself, and finds its graph built and its weights in the caches.
        model.forward(batch);
        sequence.compact([]);
        const start = clock();
        const { computeMilliseconds } = model.forward(batch);
        times[i] = Math.min(times[i], options.clock ? clock() - start : computeMilliseconds);
        sequence.compact([]);
      });
    }
  });
  const [fixedMs, ...rest] = times;
  const alone = rest.slice(0, sublayers).map((ms) => Math.max(0, ms - fixedMs));
  const widthMs = rest.slice(sublayers);
  const sum = alone.reduce((a, b) => a + b, 0);
  const scale = sum > 0 ? Math.max(0, widthMs[0] - fixedMs) / sum : 0;
  return { fixedMs, sublayerMs: alone.map((ms) => ms * scale), widthMs };
}

/** Milliseconds of a draft step. */
export function draftStepMs({ fixedMs, sublayerMs }: StepCosts, bits: SkipBits): number {
  return sublayerMs.reduce((sum, ms, i) => (bits[i] === "1" ? sum : sum + ms), fixedMs);
}
