// Checks on the vocabulary before libllama sees it. libllama throws (caught) on some faults, but aborts the process on
// others, at load or at the first text it is given: duplicate tokens, missing byte tokens, a missing BOS. llama-vocab.cpp
// of v0.5.0 was read for every such path; each is refused here.

import { isUtf8 } from "node:buffer";
import type { GgufFile, StringArray } from "../../ggml/gguf/index.ts";
import { addsBos, isPreTokenizer, NO_BOS } from "./pre-tokenizers.ts";
import { malformed, unsupported } from "./refuse.ts";
import { TextIndex } from "./text-index.ts";

const key = (name: string) => `tokenizer.ggml.${name}`;

// biome-ignore format: a list of names
const TOKEN_ID_KEYS = [
  "bos_token_id", "eos_token_id", "eot_token_id", "eom_token_id", "unknown_token_id", "seperator_token_id",
  "padding_token_id", "mask_token_id", "fim_pre_token_id", "fim_suf_token_id", "fim_mid_token_id", "fim_pad_token_id",
  "fim_rep_token_id", "fim_sep_token_id", "prefix_token_id", "suffix_token_id", "middle_token_id",
];
// biome-ignore format: a list of names
const FLAG_KEYS = [
  "add_bos_token", "add_eos_token", "add_sep_token", "add_space_prefix", "remove_extra_whitespaces",
  "normalizer.lowercase", "normalizer.strip_accents",
];
/** `llama_token_type`. */
const NORMAL = 1;
const BYTE = 6;
const LAST_TYPE = 6;
/** The longest real tokens are runs of some hundred spaces. */
const MAX_TOKEN_BYTES = 4096;
/** See `checkByteLevelTexts`. Real vocabularies stay under 100 kB. */
const MAX_BROKEN_TEXT = 16 * 2 ** 20;

/** Refuses vocabularies that libllama cannot load or use safely; returns the number of tokens. */
export function checkVocabulary(gguf: GgufFile): number {
  const { metadata } = gguf;
  const model = metadata.string(key("model"));
  if (model === undefined) malformed(gguf, `metadata "${key("model")}" is missing`);
  if (model !== "llama" && model !== "gpt2") {
    unsupported(gguf, `its tokenizer is "${model}"; SentencePiece ("llama") and byte-level BPE ("gpt2") are read`);
  }
  const tokens = metadata.strings(key("tokens"));
  if (tokens === undefined || tokens.length === 0) malformed(gguf, "it has no vocabulary (tokenizer.ggml.tokens)");
  const types = checkTypes(gguf, tokens);
  checkScores(gguf, tokens.length);
  const texts = checkTexts(gguf, tokens);
  if (model === "llama") {
    checkByteTokens(gguf, texts);
  } else {
    checkByteLevelTexts(gguf, tokens, types);
    checkMerges(gguf);
  }
  checkSpecialIds(gguf, model === "llama", tokens.length);
  checkOtherKeys(gguf, texts);
  return tokens.length;
}

function checkTypes(gguf: GgufFile, tokens: StringArray): Int32Array | undefined {
  const types = gguf.metadata.numbers(key("token_type"), ["int32"]) as Int32Array | undefined;
  if (types === undefined) return undefined;
  if (types.length !== tokens.length) {
    malformed(gguf, `${types.length} token types for ${tokens.length} tokens`);
  }
  types.forEach((type, id) => {
    if (type < 0 || type > LAST_TYPE) malformed(gguf, `token ${id} has type ${type}, expected 0 to ${LAST_TYPE}`);
    // libllama takes characters 3 and 4 of the text, and throws when it is shorter.
    if (type === BYTE && !/^<0x[0-9a-fA-F]{2}>$/.test(tokens.at(id))) {
      malformed(gguf, `token ${id} is a byte token but its text is not <0x00> to <0xFF>`);
    }
  });
  return types;
}

function checkScores(gguf: GgufFile, count: number): void {
  const scores = gguf.metadata.numbers(key("scores"), ["float32", "int32"]) as Float32Array | Int32Array | undefined;
  if (scores === undefined) return;
  if (scores.length !== count) malformed(gguf, `${scores.length} token scores for ${count} tokens`);
  const bad = scores.findIndex((score) => Number.isNaN(score));
  if (bad >= 0) malformed(gguf, `the score of token ${bad} is not a number`);
}

/**
 * libllama asserts that token texts are distinct, having cut them at a zero byte and named empty ones "[EMPTY_id]".
 * Returns them indexed.
 */
function checkTexts(gguf: GgufFile, tokens: StringArray): TextIndex {
  for (let id = 0; id < tokens.length; id++) {
    const length = tokens.end(id) - tokens.start(id);
    if (length > MAX_TOKEN_BYTES) malformed(gguf, `token ${id} is ${length} bytes long`);
  }
  const texts = new TextIndex(tokens);
  const duplicate = texts.duplicate >= 0 ? texts.duplicate : texts.empty.find((id) => texts.has(`[EMPTY_${id}]`));
  if (duplicate !== undefined) malformed(gguf, `token ${duplicate} has the same text as another token`);
  return texts;
}

/**
 * Byte-level texts are spelled in GPT-2's alphabet of 256 characters. For every other character of a normal token,
 * libllama appends the whole text once more, so a long token grows with the square of its length.
 */
function checkByteLevelTexts(gguf: GgufFile, tokens: StringArray, types: Int32Array | undefined): void {
  checkUtf8(gguf, tokens);
  let broken = 0;
  for (let id = 0; id < tokens.length; id++) {
    if (types !== undefined && types[id] !== NORMAL) continue;
    const start = tokens.start(id);
    const end = tokens.end(id);
    broken += foreignCharacters(tokens.encoded, start, end) * (end - start);
  }
  if (broken > MAX_BROKEN_TEXT) {
    malformed(gguf, "its tokens are not byte-level texts although its tokenizer is gpt2");
  }
}

/** Characters of UTF-8 text outside the byte alphabet (U+0021 to 7E, A1 to AC, AE to 143). */
function foreignCharacters(bytes: Uint8Array, start: number, end: number): number {
  let foreign = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    const next = bytes[i + 1];
    if (byte < 0x80) foreign += byte < 0x21 || byte === 0x7f ? 1 : 0;
    else if (byte === 0xc2) foreign += next <= 0xa0 || next === 0xad ? 1 : 0;
    else if (byte === 0xc5) foreign += next > 0x83 ? 1 : 0;
    else if (byte > 0xc5) foreign++;
  }
  return foreign;
}

/** libllama throws on code points above U+10FFFF. */
function checkUtf8(gguf: GgufFile, tokens: StringArray): void {
  // Lengths under 128 are ASCII bytes, so in most files one look at the whole array does.
  if (isUtf8(tokens.encoded)) return;
  for (let id = 0; id < tokens.length; id++) {
    if (!isUtf8(tokens.encoded.subarray(tokens.start(id), tokens.end(id)))) {
      malformed(gguf, `token ${id} is not valid UTF-8`);
    }
  }
}

/** Characters that are no token are spelled in bytes; libllama dies when one of those is missing too. */
function checkByteTokens(gguf: GgufFile, texts: TextIndex): void {
  for (let byte = 0; byte < 256; byte++) {
    const hex = byte.toString(16).toUpperCase().padStart(2, "0");
    if (!texts.has(`<0x${hex}>`) && !texts.has(String.fromCharCode(byte))) {
      unsupported(gguf, `its SentencePiece vocabulary has no byte token <0x${hex}>`);
    }
  }
}

function checkMerges(gguf: GgufFile): void {
  const pre = gguf.metadata.string(key("pre")) ?? "default";
  if (!isPreTokenizer(pre)) unsupported(gguf, `its pre-tokenizer "${pre}" is not known to llama.cpp v0.5.0`);
  const merges = gguf.metadata.strings(key("merges"));
  if (merges === undefined) malformed(gguf, "it has no merges (tokenizer.ggml.merges)");
  const { encoded } = merges;
  for (let i = 0; i < merges.length; i++) {
    // The left part is at least one byte, and may itself begin with a space's stand-in but not with a space.
    let at = merges.start(i) + 1;
    const end = merges.end(i);
    while (at < end && encoded[at] !== 0x20) at++;
    if (at >= end - 1) malformed(gguf, `merge ${i} does not name two parts`);
  }
}

function checkSpecialIds(gguf: GgufFile, spm: boolean, count: number): void {
  const ids = new Map<string, number>();
  for (const name of TOKEN_ID_KEYS) {
    const id = gguf.metadata.uint32(key(name));
    if (id === undefined) continue;
    if (id >= count) malformed(gguf, `metadata "${key(name)}" is ${id} but there are ${count} tokens`);
    ids.set(name, id);
  }
  const flags = new Map(FLAG_KEYS.map((name) => [name, gguf.metadata.bool(key(name))]));
  const pre = gguf.metadata.string(key("pre")) ?? "default";
  // libllama's defaults: 1 and 2 for SentencePiece, 11 for BPE; dropped where the vocabulary is too small for them.
  const bos = ids.get("bos_token_id") ?? (spm ? 1 : NO_BOS.has(pre) ? count : 11);
  const eos = ids.get("eos_token_id") ?? (spm ? 2 : 11);
  if ((flags.get("add_bos_token") ?? (spm || addsBos(pre))) && bos >= count) {
    malformed(gguf, "texts must begin with a BOS token but there is none");
  }
  if (flags.get("add_eos_token") === true && eos >= count)
    malformed(gguf, "texts must end with an EOS token but there is none");
}

function checkOtherKeys(gguf: GgufFile, texts: TextIndex): void {
  const { metadata } = gguf;
  // Read for their types only: libllama fails on others.
  metadata.numbers(key("suppress_tokens"), ["int32"]);
  metadata.uint32(key("token_type_count"));
  metadata.uint32("general.file_type");
  metadata.string("tokenizer.chat_template");
  // libllama adjusts four tokens by name when the model is called Phi-3, and fails if one is missing.
  const name = metadata.string("general.name") ?? "";
  if (/phi-?3/i.test(name)) {
    const missing = ["</s>", "<unk>", "<s>", "<|endoftext|>"].filter((text) => !texts.has(text));
    if (missing.length > 0) malformed(gguf, `it is called "${name}" but lacks Phi-3's tokens ${missing.join(" ")}`);
  }
}
