// Low-rank adapters in llama.cpp's files: metadata general.type "adapter", tensors `<weight>.lora_a` [inputs, rank] and
// `<weight>.lora_b` [rank, outputs].
import { DraftwrightError } from "../errors.ts";
import { type GgufFile, type GgufTensor, openGguf } from "../ggml/gguf/index.ts";
import type { LayerWeights, ModelConfig } from "./config.ts";

export interface LoraFile {
  readonly gguf: GgufFile;
  readonly architecture: string;
  readonly alpha: number;
  /** By the name of the adapted matrix; A is [inputs, rank], B [rank, outputs]. */
  readonly pairs: ReadonlyMap<string, { readonly a: GgufTensor; readonly b: GgufTensor }>;
}

/** Opens an adapter file, ours or another's; close `gguf` after use. Throws `bad-model`. */
export function openLora(path: string): LoraFile {
  const gguf = openGguf(path);
  try {
    const { metadata, tensors } = gguf;
    if (metadata.string("general.type") !== "adapter" || metadata.string("adapter.type") !== "lora") {
      throw new DraftwrightError("bad-model", `${path} is no LoRA adapter; make one with \`draftwright train lora\``);
    }
    const pairs = new Map<string, { a: GgufTensor; b: GgufTensor }>();
    for (const [name, a] of tensors) {
      const base = name.replace(/\.lora_[ab]$/, "");
      if (base === name) {
        throw new DraftwrightError("bad-model", `${path}: "${name}" is no part of a low-rank adapter`);
      }
      if (name.endsWith(".lora_b")) continue;
      const b = tensors.get(`${base}.lora_b`);
      if (!b || a.ne[1] !== b.ne[0])
        throw new DraftwrightError("bad-model", `${path}: "${name}" has no fitting lora_b`);
      pairs.set(base, { a, b });
    }
    if (pairs.size === 0) throw new DraftwrightError("bad-model", `${path} adapts no matrix`);
    return {
      gguf,
      architecture: metadata.string("general.architecture") ?? "",
      alpha: metadata.float32("adapter.lora.alpha") ?? 0,
      pairs,
    };
  } catch (error) {
    gguf.close();
    throw error;
  }
}

/** What B (A x) is multiplied with at scale 1. */
export const loraFactor = ({ alpha }: Pick<LoraFile, "alpha">, rank: number): number =>
  alpha === 0 ? 1 : alpha / rank;

/** Bytes of its factors beside a loaded model (graph/adapter.ts): F32, one pair for each stack of matrices. */
export function loadedBytes({ pairs }: LoraFile, { layers, output, tokenEmbedding }: ModelConfig["weights"]): number {
  const stacks = [...layers.flatMap(stacksOf), ...(output === tokenEmbedding ? [] : [[output]])];
  return stacks.reduce((sum, parts) => {
    const rank = parts.reduce((ranks, { name }) => ranks + (pairs.get(name)?.a.ne[1] ?? 0), 0);
    const outputs = parts.reduce((all, { ne }) => all + ne[1], 0);
    return sum + 4 * rank * (parts[0].ne[0] + outputs);
  }, 0);
}

/** Matrices that are loaded as one (graph/weights.ts). */
function stacksOf({ projection, attentionOutput, gate, up, down }: LayerWeights): GgufTensor[][] {
  const stacked = (...parts: GgufTensor[]) =>
    parts.every(({ type }) => type === parts[0].type) ? [parts] : parts.map((part) => [part]);
  const { fused } = projection;
  return [
    ...(fused ? [[projection.qkv]] : stacked(projection.query, projection.key, projection.value)),
    [attentionOutput],
    ...(gate ? stacked(gate, up) : [[up]]),
    [down],
  ];
}
