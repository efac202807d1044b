import { toyModel } from "../../lm/toy/index.ts";
import { AcceptanceTable } from "../calibration.ts";
import type { SequenceView } from "../drafter.ts";

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
