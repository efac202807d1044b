import {
  buildModelDatabase,
  buildStatistics,
  type ModelDatabase,
  type StatisticsDatabase,
} from "../../drafting/index.ts";
import { DraftwrightError } from "../../errors.ts";
import type { Tokenizer } from "../../lm/index.ts";
import type { Model } from "../model.ts";
import type { Prompt } from "../request.ts";
import { readTexts, type TextCounts } from "./texts.ts";

export interface BuildReport extends TextCounts {
  /** Documents that the tokenizer refused. */
  refused: number;
  tokens: number;
}

/** Tokenizes files and folders into a statistics database. Throws "bad-argument" when there is no text in them. */
export function buildFromTexts(
  paths: readonly string[],
  tokenizer: Pick<Tokenizer, "encode" | "vocabSize">,
  onProgress: (report: Readonly<BuildReport>) => void = () => {},
): { database: StatisticsDatabase; report: BuildReport } {
  const report: BuildReport = { files: 0, skipped: 0, skippedLines: 0, refused: 0, tokens: 0 };
  function* documents(): Generator<Int32Array> {
    for (const document of readTexts(paths, report)) {
      const tokens = encodeDocument(document, tokenizer);
      if (!tokens) report.refused++;
      report.tokens += tokens?.length ?? 0;
      onProgress(report);
      if (tokens) yield tokens;
    }
    if (report.tokens === 0) {
      throw new DraftwrightError(
        "bad-argument",
        `There is no text in ${paths.join(", ")}: give text files or folders.`,
      );
    }
  }
  return { database: buildStatistics(documents(), tokenizer.vocabSize), report };
}

function encodeDocument(pieces: Iterable<string>, tokenizer: Pick<Tokenizer, "encode">): Int32Array | undefined {
  const parts: Int32Array[] = [];
  try {
    for (const piece of pieces) parts.push(tokenizer.encode(piece));
  } catch (error) {
    // A text on which the pre-tokenizer would run out of stack: one document less.
    if (error instanceof DraftwrightError && error.code === "bad-argument") return undefined;
    throw error;
  }
  const tokens = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    tokens.set(part, at);
    at += part.length;
  }
  return tokens;
}

export interface AnswerOptions {
  /** Longest answer, in tokens. */
  readonly maxTokens: number;
  /** Tokens of an n-gram. */
  readonly order: number;
  /** N-grams kept. */
  readonly most: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, tokens: number) => void;
}

/**
 * The n-grams of a model's own greedy answers. Prompts that do not fit the context are left out and counted. Throws
 * "bad-argument" when there is no answer as long as an n-gram, "aborted".
 */
export async function buildFromAnswers(
  model: Model,
  prompts: readonly Prompt[],
  { maxTokens, order, most, signal, onProgress = () => {} }: AnswerOptions,
): Promise<{ database: ModelDatabase; answers: number; tokens: number; skipped: number }> {
  const answers: (readonly number[])[] = [];
  let skipped = 0;
  let tokens = 0;
  for (const [i, prompt] of prompts.entries()) {
    try {
      const { tokenIds } = await model.generate(prompt, { maxTokens, signal }).result;
      answers.push(tokenIds);
      tokens += tokenIds.length;
    } catch (error) {
      if (!(error instanceof DraftwrightError && error.code === "context-overflow")) throw error;
      skipped++;
    }
    onProgress(i + 1, tokens);
  }
  const database = buildModelDatabase(answers, model.info.vocabSize, order, most);
  return { database, answers: answers.length, tokens, skipped };
}
