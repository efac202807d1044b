import { DraftwrightError } from "../../errors.ts";
import { type GgufFile, openGguf, type StringArray } from "../../ggml/gguf/index.ts";
import { readConfig } from "../config.ts";
import { vocabularyHash } from "../vocabulary-hash.ts";

/** What the header of a GGUF file says of a model's use as a target or a drafter. */
export interface ModelHeader {
  readonly path: string;
  readonly architecture: string;
  /** Sum of all tensors. */
  readonly weightBytes: number;
  readonly contextLength: number;
  /** Why it cannot be run here; undefined = it can. */
  readonly refusal: string | undefined;
  readonly vocabulary: VocabularyHeader | undefined;
}

interface VocabularyHeader {
  /** Equal hashes mean interchangeable token ids. */
  readonly hash: string;
  /** `tokenizer.ggml.model`: "gpt2" is byte-level BPE, "llama" SentencePiece. */
  readonly kind: string;
  readonly tokens: StringArray;
  /** Token ids; -1 where the file names none. */
  readonly bos: number;
  readonly eos: number;
}

/** Reads the header only. Throws `bad-model` when the file is no GGUF file. */
export function readHeader(path: string): ModelHeader {
  const gguf = openGguf(path);
  try {
    const architecture = gguf.metadata.string("general.architecture") ?? "unknown";
    const context = gguf.metadata.value(`${architecture}.context_length`)?.value;
    let weightBytes = 0;
    for (const { bytes } of gguf.tensors.values()) weightBytes += bytes;
    return {
      path,
      architecture,
      weightBytes,
      contextLength: typeof context === "number" ? context : 0,
      refusal: refusal(gguf),
      vocabulary: readVocabulary(gguf),
    };
  } finally {
    gguf.close();
  }
}

function refusal(gguf: GgufFile): string | undefined {
  try {
    readConfig(gguf);
    return undefined;
  } catch (error) {
    if (!(error instanceof DraftwrightError)) throw error;
    return error.message.replace(`${gguf.path}: `, "");
  }
}

function readVocabulary(gguf: GgufFile): VocabularyHeader | undefined {
  const { metadata } = gguf;
  const tokens = metadata.strings("tokenizer.ggml.tokens");
  if (!tokens) return undefined;
  const id = (name: string) => {
    const value = metadata.value(`tokenizer.ggml.${name}_token_id`)?.value;
    return typeof value === "number" ? value : -1;
  };
  return {
    hash: vocabularyHash(gguf),
    kind: metadata.string("tokenizer.ggml.model") ?? "unknown",
    tokens,
    bos: id("bos"),
    eos: id("eos"),
  };
}
