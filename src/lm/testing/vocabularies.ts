// Small tokenizers that libllama accepts, of any size: SentencePiece with byte fallback, and byte-level BPE. Pieces are
// built from shorter ones, so that every one of them can be reached by merging. Both speak ChatML.

import { DraftwrightError } from "../../errors.ts";
import type { MetadataValue } from "../../ggml/gguf/index.ts";
import { byteAlphabet } from "../byte-alphabet.ts";

export type TokenizerKind = "spm" | "bpe";
type Metadata = [string, MetadataValue][];

const CHAT = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
export const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
const LETTERS = [..."etaoinshrdlucmfwypvbgkjqxz"];

/** `llama_token_type`. */
const TYPE = { normal: 1, unknown: 2, control: 3, byte: 6 };

/** Tokenizer metadata for a vocabulary of exactly `size` tokens (at least 400, at most 35,000). */
export function tokenizerMetadata(kind: TokenizerKind, size: number): Metadata {
  if (size < 400 || size > 35000) {
    throw new DraftwrightError("bad-argument", `A generated vocabulary has 400 to 35,000 tokens, not ${size}.`);
  }
  return [
    ...(kind === "spm" ? sentencePiece(size) : byteLevel(size)),
    ["tokenizer.chat_template", text(CHAT_TEMPLATE)],
  ];
}

function sentencePiece(size: number): Metadata {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const front = ["<unk>", "<s>", "</s>", ...CHAT, ...bytes];
  const characters = ["\u2581", ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))];
  const tokens = [...front, ...characters];
  for (const [left, right] of pairs("\u2581", size - tokens.length)) tokens.push(left + right);
  const types = tokens.map((_, i) => {
    if (i >= front.length) return TYPE.normal;
    return i === 0 ? TYPE.unknown : i < front.length - 256 ? TYPE.control : TYPE.byte;
  });
  return [
    ["tokenizer.ggml.model", text("llama")],
    ["tokenizer.ggml.pre", text("default")],
    ["tokenizer.ggml.tokens", { type: "array", element: "string", value: tokens }],
    ["tokenizer.ggml.scores", { type: "array", element: "float32", value: Float32Array.from(tokens, (_, i) => -i) }],
    ["tokenizer.ggml.token_type", { type: "array", element: "int32", value: Int32Array.from(types) }],
    ["tokenizer.ggml.bos_token_id", { type: "uint32", value: 1 }],
    ["tokenizer.ggml.eos_token_id", { type: "uint32", value: 2 }],
    ["tokenizer.ggml.unknown_token_id", { type: "uint32", value: 0 }],
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: true }],
    ["tokenizer.ggml.add_space_prefix", { type: "bool", value: false }],
  ];
}

function byteLevel(size: number): Metadata {
  const tokens = [...byteAlphabet];
  const merges: string[] = [];
  for (const [left, right] of pairs("\u0120", size - tokens.length - CHAT.length)) {
    tokens.push(left + right);
    merges.push(`${left} ${right}`);
  }
  const types = new Int32Array(size).fill(TYPE.normal).fill(TYPE.control, tokens.length);
  tokens.push(...CHAT);
  return [
    ["tokenizer.ggml.model", text("gpt2")],
    ["tokenizer.ggml.pre", text("qwen2")],
    ["tokenizer.ggml.tokens", { type: "array", element: "string", value: tokens }],
    ["tokenizer.ggml.token_type", { type: "array", element: "int32", value: types }],
    ["tokenizer.ggml.merges", { type: "array", element: "string", value: merges }],
    ["tokenizer.ggml.bos_token_id", { type: "uint32", value: size - 3 }],
    ["tokenizer.ggml.eos_token_id", { type: "uint32", value: size - 1 }],
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: false }],
  ];
}

/** Parts of `count` pieces: two letters, then three, with and without a space in front; each left part exists before. */
function pairs(space: string, count: number): [string, string][] {
  const found: [string, string][] = [];
  let stems = [space, ...LETTERS];
  while (found.length < count) {
    const longer: string[] = [];
    for (const stem of stems) {
      for (const letter of LETTERS) {
        longer.push(stem + letter);
        if (found.length < count) found.push([stem, letter]);
      }
    }
    stems = longer;
  }
  return found;
}

function text(value: string): MetadataValue {
  return { type: "string", value };
}
