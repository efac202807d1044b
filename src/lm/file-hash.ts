// The identity of a model file: what tells two trainings of one shape apart, without reading all of it.
import { createHash } from "node:crypto";
import type { GgufFile } from "../ggml/gguf/index.ts";

/** Bytes of each tensor that enter the identity: enough to tell two trainings of one shape apart. */
const SAMPLE_BYTES = 256;

/** SHA-256 of a model file's header, its tensor list and the beginning of each tensor. */
export function fileHash(gguf: GgufFile): string {
  const hash = createHash("sha256");
  for (const key of gguf.metadata.keys()) {
    const value = key.startsWith("tokenizer.") ? undefined : gguf.metadata.value(key)?.value;
    hash.update(`${key}=${typeof value === "object" ? "" : String(value)}\n`);
  }
  for (const tensor of gguf.tensors.values()) {
    const sample = new Uint8Array(Math.min(SAMPLE_BYTES, tensor.bytes));
    gguf.readInto(tensor, sample);
    hash.update(`${tensor.name} ${tensor.type.name} ${tensor.ne} ${tensor.offset}\n`).update(sample);
  }
  return hash.digest("hex");
}
