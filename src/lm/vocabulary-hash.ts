import { createHash } from "node:crypto";
import type { GgufFile } from "../ggml/gguf/index.ts";

const IDENTITY_STRINGS = ["tokenizer.ggml.tokens", "tokenizer.ggml.merges"];
const IDENTITY_NAMES = ["tokenizer.ggml.model", "tokenizer.ggml.pre"];

/** SHA-256 over everything that decides token ids: equal hashes mean interchangeable ids. */
export function vocabularyHash(gguf: GgufFile): string {
  const hash = createHash("sha256");
  for (const key of IDENTITY_NAMES) hash.update(`${key}=${gguf.metadata.string(key) ?? ""}\n`);
  for (const key of IDENTITY_STRINGS) {
    const strings = gguf.metadata.strings(key);
    if (strings) hash.update(`${key}:${strings.length}\n`).update(strings.encoded);
  }
  return hash.digest("hex");
}
