import type { StepCosts } from "./step-costs.ts";

/** What drafts of one length would come to, against plain decoding of the same texts. */
export interface Modelled {
  readonly draftLength: number;
  readonly speedup: number;
}

/**
 * E[tokens] / (k c + v) relative to plain decoding: walks through the texts in rounds of `draftLength` drafts. `runs`: as
 * `CalibrationTexts.runLengths` gives them. Draft times are those of one step; a round's forward costs by its width.
 */
export function modelledSpeedup(
  runs: readonly Int32Array[],
  draftLength: number,
  draftMs: number,
  { widthMs }: Pick<StepCosts, "widthMs">,
): number {
  let tokens = 0;
  let ms = 0;
  for (const text of runs) {
    for (let at = 0; at < text.length; ) {
      // As in a generation: a draft is never longer than what may still be emitted after it.
      const drafted = Math.min(draftLength, text.length - at - 1);
      const emitted = Math.min(text[at], drafted) + 1;
      ms += drafted * draftMs + widthMs[drafted];
      tokens += emitted;
      at += emitted;
    }
  }
  return (tokens * widthMs[0]) / ms;
}

/** The draft length from 1 to `longest` with the highest modelled speed-up; the shortest on a tie. */
export function bestDraftLength(
  runs: readonly Int32Array[],
  longest: number,
  draftMs: number,
  costs: Pick<StepCosts, "widthMs">,
): Modelled {
  let best: Modelled = { draftLength: 1, speedup: 0 };
  for (let draftLength = 1; draftLength <= longest; draftLength++) {
    const speedup = modelledSpeedup(runs, draftLength, draftMs, costs);
    if (speedup > best.speedup) best = { draftLength, speedup };
  }
  return best;
}

/** Share of drafts at each depth that are right, given those before: [depth]. Cut where nothing was drafted. */
export function acceptanceByDepth(runs: readonly Int32Array[], depth: number): number[] {
  const shares: number[] = [];
  for (let d = 0; d < depth; d++) {
    let offered = 0;
    let accepted = 0;
    for (const text of runs) {
      text.forEach((run, i) => {
        if (run < d || d >= text.length - i) return;
        offered++;
        if (run > d) accepted++;
      });
    }
    if (offered === 0) break;
    shares.push(accepted / offered);
  }
  return shares;
}
