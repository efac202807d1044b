import { unmeasuredCurve } from "../../cost-curve.ts";
import type { Drafter } from "../../drafter.ts";
import { Generation } from "../../generation.ts";
import type { CalibrationTexts } from "./calibration-texts.ts";

/** Drafted against plain decoding of the same texts, prefill excluded. */
export interface MeasuredSpeed {
  /** Median over the repeats of plain time / drafted time. */
  readonly speedup: number;
  readonly tokensPerSec: number;
  readonly plainTokensPerSec: number;
}

/**
 * Decodes all texts plainly and with `drafter`, in turns and text by text, `repeats` times. `budget`: tokens drafted in
 * every round. Only the ratio of the two is to be trusted on a machine that does other things too.
 */
export function measureSpeed(
  calibration: CalibrationTexts,
  drafter: Drafter,
  budget: number,
  repeats: number,
  clock: () => number = () => performance.now(),
): MeasuredSpeed {
  const ratios: number[] = [];
  const plain: number[] = [];
  const drafted: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    let plainMs = 0;
    let draftedMs = 0;
    calibration.texts.forEach((_, i) => {
      const runs = [() => (plainMs += decodeMs(calibration, i, [], 0, clock))];
      runs.push(() => (draftedMs += decodeMs(calibration, i, [drafter], budget, clock)));
      // Whoever goes second finds warm caches, or a throttled core: they take turns.
      if ((repeat + i) % 2 === 1) runs.reverse();
      for (const run of runs) run();
    });
    plain.push(plainMs);
    drafted.push(draftedMs);
    ratios.push(plainMs / draftedMs);
  }
  const perSecond = (ms: readonly number[]) => (1000 * calibration.tokens) / median(ms);
  return { speedup: median(ratios), tokensPerSec: perSecond(drafted), plainTokensPerSec: perSecond(plain) };
}

function decodeMs(
  { model, texts }: CalibrationTexts,
  index: number,
  drafters: readonly Drafter[],
  budget: number,
  clock: () => number,
): number {
  const { tokens, promptLength, sequence } = texts[index];
  const generation = new Generation({
    model,
    sequence: sequence.fork(),
    promptTokens: tokens.subarray(0, promptLength),
    sampling: { temperature: 0 },
    seed: 0,
    drafters,
    policy: budget > 0 ? { mode: "forced", budget } : { mode: "off" },
    maxTokens: tokens.length - promptLength,
    curve: unmeasuredCurve(),
  });
  try {
    const start = clock();
    while (!generation.finishReason) generation.step();
    return clock() - start;
  } finally {
    generation.close();
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
