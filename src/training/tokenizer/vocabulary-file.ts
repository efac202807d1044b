// The vocabulary as a GGUF file without tensors, as llama.cpp's vocabulary-only files are.
import { DraftwrightError } from "../../errors.ts";
import { type MetadataValue, writeGguf } from "../../ggml/index.ts";
import { byteTokens } from "./learn-merges.ts";
import { preTokenizer } from "./split.ts";

/** `llama_token_type`. */
const TYPE = { normal: 1, unknown: 2, control: 3 };
/** Ids and names as in the embedded models. */
const SPECIAL = ["<unk>", "<s>", "</s>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"];
const id = (name: string) => ({ type: "uint32", value: SPECIAL.indexOf(name) }) as const;
const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/** Special tokens in the order of their ids. Throws `bad-argument` for one that is there already. */
export function specialTokens(others: readonly string[]): readonly string[] {
  const all = [...SPECIAL];
  for (const text of others) {
    if (text === "" || text.length > 256 || text.includes("\0") || all.includes(text) || byteTokens.includes(text)) {
      throw new DraftwrightError(
        "bad-argument",
        `"${text}" cannot be a special token: it is empty, too long, or there already. Give names such as <|table|>.`,
      );
    }
    all.push(text);
  }
  return all;
}

/** Writes special tokens, bytes and merged tokens, in this order. Equal arguments give equal bytes. */
export function writeVocabulary(
  path: string,
  special: readonly string[],
  merges: readonly (readonly [left: string, right: string])[],
): void {
  const tokens = [...special, ...byteTokens, ...merges.map(([left, right]) => left + right)];
  const types = new Int32Array(tokens.length).fill(TYPE.normal).fill(TYPE.control, 0, special.length);
  types[SPECIAL.indexOf("<unk>")] = TYPE.unknown;
  const joined = merges.map((pair) => pair.join(" "));
  const metadata: [string, MetadataValue][] = [
    ["general.architecture", { type: "string", value: "llama" }],
    ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
    ["tokenizer.ggml.pre", { type: "string", value: preTokenizer }],
    ["tokenizer.ggml.tokens", { type: "array", element: "string", value: tokens }],
    ["tokenizer.ggml.token_type", { type: "array", element: "int32", value: types }],
    ["tokenizer.ggml.merges", { type: "array", element: "string", value: joined }],
    ["tokenizer.ggml.unknown_token_id", id("<unk>")],
    ["tokenizer.ggml.bos_token_id", id("<s>")],
    ["tokenizer.ggml.eos_token_id", id("</s>")],
    ["tokenizer.ggml.eot_token_id", id("<|end|>")],
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: true }],
    ["tokenizer.ggml.add_eos_token", { type: "bool", value: false }],
    ["tokenizer.chat_template", { type: "string", value: CHAT_TEMPLATE }],
  ];
  writeGguf(path, new Map(metadata), []);
}
