// Which models are refused, and under which name. A model that this project cannot run must never reach a graph.

import { DraftwrightError } from "../../errors.ts";
import type { GgufFile } from "../../ggml/gguf/index.ts";

export const ARCHITECTURES = ["llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** Families of llama.cpp v0.5.0's architectures, for the message only. First match counts. */
const FAMILIES: readonly [RegExp, string][] = [
  [/^(mamba2?|rwkv\w*|arwkv7)$/, "a recurrent model"],
  [
    /^(jamba|falcon-h1|plamo2|granitehybrid|lfm2\w*|nemotron_h\w*|qwen3next|kimi-\w+|bailingmoe3|qwen35\w*|qwen4exp|deepseek4|minimax-01)$/,
    "a hybrid of attention and recurrent layers",
  ],
  [/bert|embed|^(t5encoder|clip)$/, "an encoder or embedding model"],
  [/^t5$/, "an encoder-decoder model"],
  [/^(dream|llada|llada-moe|rnd1)$/, "a diffusion model"],
  [
    /moe|^(dbrx|grok|arctic|deepseek\w*|gpt-oss|minimax-m\d|dots\w*|afmoe|laguna|glm-dsa|llama4)$/,
    "a mixture of experts",
  ],
  [/^(qwen2vl|qwen3vl|cogvlm|chameleon|paddleocr|hunyuan_vl)$/, "a vision-language model"],
];

/** `unsupported-model` error: what the file is, and what can be run instead. */
export function unsupported(gguf: GgufFile, what: string): never {
  throw new DraftwrightError(
    "unsupported-model",
    `${gguf.path}: ${what}. Draftwright runs dense decoder models of the architectures ${ARCHITECTURES.join(", ")} ` +
      "(Mistral and SmolLM files say llama); choose another file.",
  );
}

/** `bad-model` error: the file contradicts itself or lacks something. */
export function malformed(gguf: GgufFile, what: string): never {
  throw new DraftwrightError("bad-model", `${gguf.path}: ${what}. Download the file or convert the model again.`);
}

/** The file's architecture, or a refusal that names what the file is instead. */
export function checkArchitecture(gguf: GgufFile): Architecture {
  const { metadata } = gguf;
  const kind = metadata.string("general.type") ?? "model";
  if (kind !== "model") unsupported(gguf, `this is a GGUF file of type "${kind}", not a model`);
  const name = metadata.string("general.architecture");
  if (name === undefined) malformed(gguf, 'metadata "general.architecture" is missing');
  const architecture = ARCHITECTURES.find((known) => known === name);
  if (architecture === undefined) {
    const family = FAMILIES.find(([pattern]) => pattern.test(name))?.[1];
    unsupported(
      gguf,
      `its architecture is "${name}"${family === undefined ? "" : `, ${family}`}, which is not supported`,
    );
  }
  checkVariant(gguf, architecture);
  if (gguf.tensors.size === 0) unsupported(gguf, "it holds no tensors (a vocabulary-only file)");
  return architecture;
}

/** Variants that hide behind a supported architecture's name. */
function checkVariant(gguf: GgufFile, architecture: Architecture): void {
  const { metadata } = gguf;
  const positive = (key: string) => (metadata.uint32(`${architecture}.${key}`) ?? 0) > 0;
  if (positive("expert_count")) unsupported(gguf, `this ${architecture} model is a mixture of experts`);
  if (positive("nextn_predict_layers"))
    unsupported(gguf, `this ${architecture} model carries multi-token-prediction layers`);
  if (metadata.bool(`${architecture}.attention.causal`) === false || positive("pooling_type")) {
    unsupported(gguf, `this ${architecture} model is an encoder or embedding model`);
  }
  if (metadata.has(`${architecture}.classifier.output_labels`) || gguf.tensors.has("cls.output.weight")) {
    unsupported(gguf, `this ${architecture} model is a classifier or reranker`);
  }
  for (const key of metadata.keys()) {
    if (/\.(ssm|wkv|shortconv|kda|time_mix)[._]/.test(key)) {
      unsupported(gguf, `this ${architecture} model has recurrent layers (metadata "${key}")`);
    }
  }
}
