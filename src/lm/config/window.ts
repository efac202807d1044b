// Which layers see only a sliding window of positions (Gemma), as llama.cpp v0.5.0 reads it.

import type { GgufFile } from "../../ggml/gguf/index.ts";
import { count } from "./numbers.ts";
import { type Architecture, malformed } from "./refuse.ts";

/** Window of each layer in positions, 0 where the layer sees everything. */
export function readWindows(gguf: GgufFile, architecture: Architecture, layers: number): number[] {
  const full = new Array<number>(layers).fill(0);
  const key = `${architecture}.attention.sliding_window`;
  if (architecture === "gemma2") return pattern(gguf, key, 2, layers, count(gguf, key, 4096));
  // Phi-3's window is read and switched off by llama.cpp; Mistral's first version stored one that it never read.
  if (architecture !== "gemma3" || (gguf.metadata.uint32(key) ?? 0) === 0) return full;
  return pattern(gguf, key, 6, layers, count(gguf, key));
}

function pattern(gguf: GgufFile, key: string, period: number, layers: number, window: number): number[] {
  const patternKey = `${key}_pattern`;
  if (gguf.metadata.typeOf(patternKey)?.startsWith("array")) {
    const flags = gguf.metadata.numbers(patternKey, ["bool", "uint32", "int32"]) as
      | Uint8Array
      | Uint32Array
      | Int32Array;
    if (flags.length !== layers)
      malformed(gguf, `metadata "${patternKey}" has ${flags.length} entries for ${layers} layers`);
    return Array.from(flags, (flag) => (flag === 0 ? 0 : window));
  }
  // Every period-th layer is full; 0 makes all layers sliding.
  const every = gguf.metadata.uint32(patternKey) ?? period;
  return Array.from({ length: layers }, (_, i) => (every === 0 || i % every < every - 1 ? window : 0));
}
