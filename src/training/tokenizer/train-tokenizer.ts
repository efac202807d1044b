// `train tokenizer`: reads texts once, counts their words, learns merges and writes a vocabulary.
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { setImmediate } from "node:timers/promises";
import { DraftwrightError } from "../../errors.ts";
import { byteTokens, learnMerges } from "./learn-merges.ts";
import { readTexts, totalBytes } from "./read-texts.ts";
import { specialTokens, writeVocabulary } from "./vocabulary-file.ts";
import { WordCounts } from "./word-counts.ts";

export interface TrainTokenizerOptions {
  /** Files of text; see `readDocuments`. Plain text is taken whole, empty lines included. */
  readonly data: readonly string[];
  /** The GGUF file that is written: a vocabulary alone. */
  readonly out: string;
  /** Tokens: the special ones, 256 bytes, and as many merges as there is room for. */
  readonly vocabulary: number;
  /** Special tokens beside those of the embedded models. */
  readonly special?: readonly string[];
  /** Pairs seen less often are not merged; default 2. */
  readonly minFrequency?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TokenizerEvent) => void;
}

/** What happened, as it goes to logs. */
export type TokenizerEvent = { readonly seconds: number } & (
  | { readonly event: "start"; readonly files: number; readonly bytes: number }
  | { readonly event: "read"; readonly bytes: number; readonly share: number; readonly differentWords: number }
  | { readonly event: "counted"; readonly words: number; readonly differentWords: number; readonly forgotten: number }
  | { readonly event: "merge"; readonly tokens: number; readonly share: number }
  | ({ readonly event: "end" } & TokenizerResult)
);

export interface TokenizerResult {
  readonly tokens: number;
  readonly words: number;
  /** Words that there was no room for, or no more; see `WordCounts`. */
  readonly forgotten: number;
  readonly differentWords: number;
  /** Of the counted words. */
  readonly bytesPerToken: number;
}

/**
 * Trains a byte-level BPE vocabulary. Equal texts give equal files. Throws `bad-argument` when the size or the text does not
 * do, `aborted`; nothing is written then.
 */
export async function trainTokenizer(options: TrainTokenizerOptions): Promise<TokenizerResult> {
  const { data, out, vocabulary, minFrequency = 2, onEvent = () => {} } = options;
  const special = specialTokens(options.special ?? []);
  const base = special.length + byteTokens.length;
  if (vocabulary < base) {
    throw new DraftwrightError(
      "bad-argument",
      `a vocabulary has ${base} tokens at least: 256 bytes and ${special.length} special ones; ${vocabulary} do not do`,
    );
  }
  checkWritable(out);
  const started = performance.now();
  const tell = (event: WithoutSeconds<TokenizerEvent>) =>
    onEvent({ ...event, seconds: (performance.now() - started) / 1000 } as TokenizerEvent);
  const breathe = async () => {
    await setImmediate();
    if (options.signal?.aborted) throw new DraftwrightError("aborted", "interrupted");
  };

  const bytes = totalBytes(data);
  tell({ event: "start", files: data.length, bytes });
  const words = new WordCounts();
  let before = 0;
  for (const path of data) {
    let read = 0;
    for await (const piece of readTexts(path)) {
      words.add(piece.text);
      if (piece.bytes === read) continue;
      read = piece.bytes;
      tell({ event: "read", bytes: before + read, share: (before + read) / bytes, differentWords: words.counts.size });
      await breathe();
    }
    before += read;
  }
  if (words.seen === 0) throw new DraftwrightError("bad-argument", `there is no text in ${data.join(", ")}`);
  const counted = { words: words.seen, differentWords: words.counts.size, forgotten: words.forgotten };
  tell({ event: "counted", ...counted });
  await breathe();

  const merges: (readonly [string, string])[] = [];
  const learning = learnMerges(words.counts, {
    merges: vocabulary - base,
    minFrequency,
    taken: new Set(special),
  });
  let step = learning.next();
  for (; !step.done; step = learning.next()) {
    merges.push(step.value);
    if (merges.length % 64 !== 0) continue;
    tell({ event: "merge", tokens: base + merges.length, share: merges.length / (vocabulary - base) });
    await breathe();
  }
  const tokens = base + merges.length;
  if (tokens < vocabulary) {
    throw new DraftwrightError(
      "bad-argument",
      `the text gives ${tokens} tokens, not ${vocabulary}: no other pair is seen ${minFrequency} times; ` +
        `give more text, or use --vocabulary ${tokens}`,
    );
  }
  writeVocabulary(out, special, merges);
  const result = { tokens, ...counted, bytesPerToken: byteCount(words.counts) / step.value };
  tell({ event: "end", ...result });
  return result;
}

type WithoutSeconds<T> = T extends unknown ? Omit<T, "seconds"> : never;

function byteCount(counts: ReadonlyMap<string, number>): number {
  let bytes = 0;
  for (const [word, count] of counts) bytes += Buffer.byteLength(word) * count;
  return bytes;
}

/** Before the work, or it would be lost. */
function checkWritable(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    accessSync(dirname(path), constants.W_OK);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error("it is a folder");
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `Cannot write ${path}: ${(cause as Error).message}.`, { cause });
  }
}
