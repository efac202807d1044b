import { DraftwrightError } from "../../../errors.ts";
import { chainBatch, type LanguageModel, type Sequence, type SkipSet } from "../../../lm/model.ts";
import { argmax } from "../../../lm/sampling/index.ts";
import { Generation } from "../../generation.ts";
import { draftStep } from "./draft-step.ts";

/** A prompt and what the target says after it. */
export interface CalibrationText {
  /** Prompt and greedy continuation. */
  readonly tokens: Int32Array;
  readonly promptLength: number;
  /** Holds the rows of the prompt but its last token. */
  readonly sequence: Sequence;
}

const chunkRows = 256;

/** The texts that skip sets are judged on: greedy continuations of prompts, computed once. Holds KV rows: dispose it. */
export class CalibrationTexts {
  readonly texts: readonly CalibrationText[];
  readonly model: LanguageModel;

  /**
   * `tokens`: length of each continuation, shorter where the text ends or the context does. Throws "bad-argument" when no
   * prompt leaves room for one.
   */
  constructor(
    model: LanguageModel,
    prompts: readonly ArrayLike<number>[],
    tokens: number,
    stopTokens?: ReadonlySet<number>,
  ) {
    this.model = model;
    const texts: CalibrationText[] = [];
    this.texts = texts;
    try {
      for (const prompt of prompts) {
        const room = Math.min(tokens, model.contextLength - prompt.length);
        if (prompt.length < 1 || room < 1) continue;
        texts.push(continued(model, prompt, room, stopTokens));
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
    if (texts.length > 0) return;
    throw new DraftwrightError(
      "bad-argument",
      `None of ${prompts.length} prompts fits the context of ${model.contextLength} tokens with room for an answer.`,
    );
  }

  /** Generated tokens of all texts. */
  get tokens(): number {
    return this.texts.reduce((sum, text) => sum + text.tokens.length - text.promptLength, 0);
  }

  /**
   * For every generated token of every text: how many tokens, at most `depth`, a draft from there would get right. This
   * tells what drafts of any fixed length up to `depth` come to, exactly.
   */
  runLengths(skip: SkipSet, depth: number): Int32Array[] {
    return this.texts.map((text) => runLengths(this.model, text, skip, depth));
  }

  [Symbol.dispose](): void {
    for (const { sequence } of this.texts) sequence.close();
  }
}

function continued(
  model: LanguageModel,
  prompt: ArrayLike<number>,
  maxTokens: number,
  stopTokens?: ReadonlySet<number>,
): CalibrationText {
  const sequence = model.open({ rows: prompt.length + maxTokens });
  try {
    for (let start = 0; start < prompt.length - 1; start += chunkRows) {
      append(model, sequence, Array.from(prompt).slice(start, Math.min(prompt.length - 1, start + chunkRows)));
    }
    const generation = new Generation({
      model,
      sequence: sequence.fork(),
      promptTokens: prompt,
      sampling: { temperature: 0 },
      seed: 0,
      policy: { mode: "off" },
      maxTokens,
      stopTokens,
    });
    const tokens = Array.from(prompt);
    while (!generation.finishReason) tokens.push(...generation.step().emitted.map(({ token }) => token));
    generation.close();
    return { tokens: Int32Array.from(tokens), promptLength: prompt.length, sequence };
  } catch (error) {
    sequence.close();
    throw error;
  }
}

function append(model: LanguageModel, sequence: Sequence, tokens: ArrayLike<number>): void {
  model.forward(chainBatch(sequence, tokens, "none"));
  sequence.compact(Array.from(tokens, (_, i) => i));
}

/** Walks backwards, so that the rows before each position are there without being computed again. */
function runLengths(
  model: LanguageModel,
  { tokens, promptLength, sequence }: CalibrationText,
  skip: SkipSet,
  depth: number,
): Int32Array {
  const runs = new Int32Array(tokens.length - promptLength);
  // A target that leaves nothing out agrees with itself; to watch it would take the longest of all.
  if (skip.attention.length + skip.mlp.length === 0) return runs.map((_, i) => Math.min(depth, runs.length - i));
  append(model, sequence, tokens.subarray(promptLength - 1, tokens.length - 1));
  for (let i = runs.length - 1; i >= 0; i--) {
    const root = promptLength - 1 + i;
    sequence.truncate(root);
    const most = Math.min(depth, tokens.length - 1 - root);
    while (runs[i] < most) {
      const drafted = argmax(draftStep(model, sequence, tokens[root + runs[i]], skip));
      if (drafted !== tokens[root + runs[i] + 1]) break;
      runs[i]++;
    }
    sequence.compact([]);
  }
  return runs;
}
