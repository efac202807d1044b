import { chainBatch, type LanguageModel, type Sequence, type SkipSet } from "../../../lm/model.ts";

/**
 * Appends one pending row to `sequence`, computed without the skipped sublayers, and returns its logits [vocab]. Rows of
 * one draft must all leave out the same attention sublayers: those write no keys that a later row could read.
 */
export function draftStep(model: LanguageModel, sequence: Sequence, token: number, skip: SkipSet): Float32Array {
  return model.forward({ ...chainBatch(sequence, [token], "last"), skip }).logits(0);
}

/** Milliseconds of a draft step and of a step of the whole model; `c` is their ratio. */
export interface StepCost {
  readonly draftMs: number;
  readonly stepMs: number;
}

export interface StepCostOptions {
  /** Committed rows the steps attend to; default 64. */
  readonly kv?: number;
  /** Pairs of steps; default 15. */
  readonly repeats?: number;
  readonly clock?: () => number;
}

/** Steps with and without the skip set, alternating; the least of each, for what else the machine does only adds. */
export function measureStepCost(model: LanguageModel, skip: SkipSet, options: StepCostOptions = {}): StepCost {
  const { repeats = 15, clock = () => performance.now() } = options;
  const kv = Math.min(options.kv ?? 64, model.contextLength - 1);
  const none: SkipSet = { attention: [], mlp: [] };
  return withContext(model, kv, (sequence) => {
    const time = (set: SkipSet) => {
      const start = clock();
      draftStep(model, sequence, 0, set);
      const ms = clock() - start;
      sequence.compact([]);
      return ms;
    };
    // The first of each builds its graph.
    time(skip);
    time(none);
    let [draftMs, stepMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let i = 0; i < repeats; i++) {
      draftMs = Math.min(draftMs, time(skip));
      stepMs = Math.min(stepMs, time(none));
    }
    return { draftMs, stepMs };
  });
}

/** Opens a sequence with `kv` committed rows, gives it to `work` and closes it. */
export function withContext<T>(model: LanguageModel, kv: number, work: (sequence: Sequence) => T): T {
  const sequence = model.open({ rows: Math.min(model.contextLength, kv + 64) });
  try {
    if (kv > 0) {
      // Any tokens do: a dense model's time does not depend on them.
      const tokens = Int32Array.from({ length: kv }, (_, i) => i % model.vocabSize);
      model.forward(chainBatch(sequence, tokens, "none"));
      sequence.compact(tokens.map((_, i) => i));
    }
    return work(sequence);
  } finally {
    sequence.close();
  }
}
