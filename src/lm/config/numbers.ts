// Hyperparameters out of metadata, each within limits, so that no later arithmetic can meet zero, infinity or 2^32.

import type { GgufFile } from "../../ggml/gguf/index.ts";
import { malformed } from "./refuse.ts";

/** LLAMA_MAX_LAYERS. */
export const MAX_LAYERS = 512;
const INT32_MAX = 2 ** 31 - 1;

/** A positive int32, or `fallback` when the key is absent (none: the key is required). */
export function count(gguf: GgufFile, key: string, fallback?: number, most = INT32_MAX): number {
  const value = gguf.metadata.uint32(key) ?? fallback;
  if (value === undefined) malformed(gguf, `metadata "${key}" is missing`);
  if (value < 1 || value > most) malformed(gguf, `metadata "${key}" is ${value}, expected 1 to ${most}`);
  return value;
}

/**
 * A count that a converter may store once or once a layer. llama.cpp sizes every layer of these architectures by the
 * first, so layers that differ are refused.
 */
export function layerCount(gguf: GgufFile, key: string, layers: number, fallback?: number): number {
  if (!gguf.metadata.typeOf(key)?.startsWith("array")) return count(gguf, key, fallback);
  const values = gguf.metadata.numbers(key, ["uint32", "int32"]) as Uint32Array | Int32Array;
  if (values.length !== layers) malformed(gguf, `metadata "${key}" has ${values.length} entries for ${layers} layers`);
  const first = values[0];
  if (first < 1 || first > INT32_MAX || values.some((value) => value !== first)) {
    malformed(
      gguf,
      `metadata "${key}" differs between layers or is not positive, which this architecture does not allow`,
    );
  }
  return first;
}

/** A finite float32 above zero and at most `most`, or `fallback` when the key is absent. */
export function positive(gguf: GgufFile, key: string, fallback?: number, most = 1e12): number {
  const value = gguf.metadata.float32(key) ?? fallback;
  if (value === undefined) malformed(gguf, `metadata "${key}" is missing`);
  if (!(value > 0 && value <= most))
    malformed(gguf, `metadata "${key}" is ${value}, expected above 0 and at most ${most}`);
  return value;
}
