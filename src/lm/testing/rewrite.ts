// A GGUF file written again with changes: how tests make files that are wrong in exactly one way.

import { type GgufTensorSource, type MetadataValue, openGguf, writeGguf } from "../../ggml/gguf/index.ts";

export type Change = (metadata: Map<string, MetadataValue>, tensors: Map<string, GgufTensorSource>) => void;

/** Reads `from`, lets `change` edit its metadata and tensors, and writes the result to `to`. */
export function rewriteGguf(from: string, to: string, change: Change): void {
  using gguf = openGguf(from);
  const metadata = new Map<string, MetadataValue>();
  for (const key of gguf.metadata.keys()) metadata.set(key, gguf.metadata.value(key) as MetadataValue);
  const tensors = new Map<string, GgufTensorSource>();
  for (const tensor of gguf.tensors.values()) {
    const data = () => {
      const bytes = new Uint8Array(tensor.bytes);
      gguf.readInto(tensor, bytes);
      return bytes;
    };
    tensors.set(tensor.name, { ...tensor, data });
  }
  change(metadata, tensors);
  writeGguf(to, metadata, [...tensors.values()]);
}
