// The proof behind `numerics: exact`: is a row's result the same, bit for bit, alone and among others? Kernels differ
// between processors and weight types, so it is measured on the machine and model at hand rather than believed.
import { DraftwrightError } from "../errors.ts";
import { chainBatch, type ForwardBatch, type LanguageModel, PREFILL_ROWS, type Sequence } from "./model.ts";

export interface NumericsProof {
  /** True when every compared logit had equal bits. */
  readonly exact: boolean;
  /** Logit rows compared. */
  readonly rows: number;
  /** Cases that differed, with the largest difference of a logit. Of prompts cut in two ways, `width` is the first cut. */
  readonly differing: readonly {
    readonly width: number;
    readonly kv: number;
    readonly tree: boolean;
    readonly largest: number;
  }[];
}

export interface ProofOptions {
  /** Rows of the forwards compared; default 2, 3, 4, 5, 8, 16, 33. */
  readonly widths?: readonly number[];
  /** Committed rows before them; default 60 and 600, on either side of where attention may split its work. */
  readonly kv?: readonly number[];
}

/**
 * Compares chains, and trees of siblings, with the same rows computed one at a time, and what follows prompts that are read
 * in one piece with what follows them in several. Opens and closes one sequence.
 * Contexts too small for a case leave it out; throws `bad-argument` when none fits.
 */
export function proveNumerics(model: LanguageModel, options: ProofOptions = {}): NumericsProof {
  const widths = options.widths ?? [2, 3, 4, 5, 8, 16, 33];
  const longest = Math.max(...widths);
  const lengths = (options.kv ?? [60, 600]).filter((kv) => kv + longest <= model.contextLength);
  if (lengths.length === 0) {
    throw new DraftwrightError(
      "bad-argument",
      `a context of ${model.contextLength} tokens is too small to compare rows`,
    );
  }
  const sequence = model.open({ rows: Math.max(...lengths) + longest });
  // Any tokens do; spread over the vocabulary so that rows differ.
  const tokenAt = (i: number) => (i * 7919 + 13) % model.vocabSize;
  const differing: NumericsProof["differing"][number][] = [];
  let rows = 0;
  try {
    for (const kv of lengths) {
      sequence.truncate(0);
      const context = Array.from({ length: kv }, (_, i) => tokenAt(i));
      model.forward(chainBatch(sequence, context, "none"));
      sequence.compact(context.map((_, i) => i));
      for (const cut of promptCuts.filter((cut) => cut + PREFILL_ROWS <= kv)) {
        const largest = compareCuts(model, sequence, context, tokenAt(kv), cut);
        rows++;
        if (largest !== 0) differing.push({ width: cut, kv, tree: false, largest });
      }
      for (const width of widths) {
        const tokens = Array.from({ length: width }, (_, i) => tokenAt(kv + i));
        for (const tree of [false, true]) {
          const largest = compare(model, sequence, tokens, tree);
          rows += width;
          if (largest !== 0) differing.push({ width, kv, tree, largest });
        }
      }
    }
  } finally {
    sequence.close();
  }
  return { exact: differing.length === 0, rows, differing };
}

/** Rows of the first chunk of a prompt: the fewest, and some that fill no tile of any kernel. */
const promptCuts = [PREFILL_ROWS, PREFILL_ROWS + 3, 2 * PREFILL_ROWS + 13];

/** Largest difference in the logits after a prompt that the sequence holds and the same prompt cut once more. */
function compareCuts(
  model: LanguageModel,
  sequence: Sequence,
  prompt: readonly number[],
  token: number,
  cut: number,
): number {
  const after = (of: Sequence) => {
    const logits = model
      .forward(chainBatch(of, [token], "all"))
      .logits(0)
      .slice();
    of.truncate(prompt.length);
    return logits;
  };
  const whole = after(sequence);
  sequence.truncate(0);
  for (const chunk of [prompt.slice(0, cut), prompt.slice(cut)]) {
    model.forward(chainBatch(sequence, chunk, "none"));
    sequence.compact(chunk.map((_, i) => i));
  }
  return after(sequence).reduce(
    (largest, logit, i) => (logit === whole[i] ? largest : Math.max(largest, Math.abs(logit - whole[i]))),
    0,
  );
}

/** Largest difference between rows computed together and one by one; NaN never equals. Leaves the sequence as it was. */
function compare(model: LanguageModel, sequence: Sequence, tokens: readonly number[], tree: boolean): number {
  const { length } = sequence;
  const together = model.forward(tree ? siblings(sequence, tokens) : chainBatch(sequence, tokens, "all"));
  const kept = tokens.map((_, row) => together.logits(row).slice());
  sequence.truncate(length);
  let largest = 0;
  for (const [row, token] of tokens.entries()) {
    const alone = model.forward(chainBatch(sequence, [token], "all")).logits(0);
    for (let i = 0; i < alone.length; i++) {
      if (alone[i] !== kept[row][i]) largest = Math.max(largest, Math.abs(alone[i] - kept[row][i]));
    }
    if (tree) sequence.truncate(length);
    else sequence.compact([0]);
  }
  sequence.truncate(length);
  return largest;
}

function siblings(sequence: Sequence, tokens: readonly number[]): ForwardBatch {
  const batch = chainBatch(sequence, tokens, "all");
  return { ...batch, parent: batch.parent.map(() => -1), position: batch.position.map(() => sequence.length) };
}
