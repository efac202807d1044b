import { chainBatch, type LanguageModel } from "../lm/model.ts";
import type { CurveGrid } from "./cost-curve.ts";

export interface MeasureOptions {
  readonly widths: readonly number[];
  readonly kv: readonly number[];
  /** Passes over the whole grid. */
  readonly repeats: number;
  readonly clock?: () => number;
  /** Called after every timed forward, with the share of the work that is done. */
  readonly onProgress?: (share: number) => void;
}

/**
 * Times forwards of every width after every KV length, logits wanted for every row as in a round. The minimum over the
 * passes counts, and one pass visits all widths before the next begins, so that a busy moment spoils one pass and not one
 * width. Widths and KV lengths that do not fit the model's context are left out.
 */
export function measureCurve(model: LanguageModel, options: MeasureOptions): CurveGrid {
  const clock = options.clock ?? (() => performance.now());
  const widths = options.widths.filter((width) => width <= model.contextLength);
  const kv = options.kv.filter((rows) => rows + widths[widths.length - 1] <= model.contextLength);
  const ms = widths.map(() => kv.map(() => Number.POSITIVE_INFINITY));
  const sequence = model.open({ rows: kv[kv.length - 1] + widths[widths.length - 1] });
  // Any tokens do: a dense model's time does not depend on them.
  const tokens = (count: number) => Int32Array.from({ length: count }, (_, i) => i % model.vocabSize);
  const total = widths.length * kv.length * options.repeats;
  let done = 0;
  try {
    kv.forEach((rows, j) => {
      for (let missing = rows - sequence.length; missing > 0; missing = rows - sequence.length) {
        const chunk = Math.min(missing, 256);
        model.forward(chainBatch(sequence, tokens(chunk), "none"));
        sequence.compact(Int32Array.from({ length: chunk }, (_, i) => i));
      }
      for (let pass = 0; pass < options.repeats; pass++) {
        widths.forEach((width, i) => {
          const batch = chainBatch(sequence, tokens(width), "all");
          const start = clock();
          model.forward(batch);
          ms[i][j] = Math.min(ms[i][j], clock() - start);
          sequence.compact([]);
          options.onProgress?.(++done / total);
        });
      }
    });
  } finally {
    sequence.close();
  }
  return { widths, kv, ms };
}
