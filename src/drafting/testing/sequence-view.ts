import { toyModel } from "../../lm/toy/index.ts";
import { AcceptanceTable } from "../calibration.ts";
import type { Drafter, SequenceView } from "../drafter.ts";
import type { SampledDrafts } from "../drafters/sampled-draft.ts";

/** What a drafter under test is opened with, where the test does not care: a toy target, nothing learned. */
export function sequenceView(known: Partial<SequenceView> = {}): SequenceView {
  const target = known.target ?? fresh(known.vocabSize, known.contextLength);
  return {
    source: 1,
    vocabSize: target.model.vocabSize,
    contextLength: target.model.contextLength,
    acceptance: new AcceptanceTable(),
    target,
    ...known,
  };
}

function fresh(vocabSize?: number, contextLength = 96): SequenceView["target"] {
  const model = toyModel({ contextLength, ...(vocabSize !== undefined && { vocabSize }) });
  return { model, sequence: model.open() };
}

/** A drafter that draws its tokens although the generation would not ask for it, or in another way. */
export function drawing(drafter: Drafter, sampled: SampledDrafts): Drafter {
  return { ...drafter, open: (view) => drafter.open({ ...view, sampled }) };
}
