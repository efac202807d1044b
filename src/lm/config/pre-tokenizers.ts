// Pre-tokenizers of byte-level BPE that llama.cpp v0.5.0 knows by name (llama_vocab::impl::load), but for two:
// "whitespace" asserts on two spaces in a row, and "exaone-moe" recurses over whole sentences.

import { DraftwrightError } from "../../errors.ts";

// biome-ignore format: a list of names
const ADD_BOS = [
  "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano", "tekken",
  "chameleon", "gemma4", "granite-embed-multi-311m",
];
// biome-ignore format: a list of names
const OTHERS = [
  "default", "minicpm5", "deepseek-llm", "deepseek-coder", "deepseek-v3", "spark2_5", "youtu", "falcon", "mpt",
  "starcoder", "gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum",
  "modern-bert", "jais-2", "sarvam-moe", "jina-v1-en", "jina-v2-code", "roberta-bpe", "refact", "command-r", "qwen2",
  "deepseek-r1-qwen", "kormo", "f2llmv2", "qwen35", "stablelm2", "olmo", "dbrx", "smaug-bpe", "poro-chat", "glm4",
  "chatglm-bpe", "viking", "jais", "smollm", "codeshell", "bloom", "gpt3-finnish", "exaone", "exaone4",   "minerva-7b", "megrez", "gpt-4o", "llama4", "kanana2", "talkie", "granite-embed-multi-97m", "tiny_aya", "cohere2moe",
  "superbpe", "trillion", "granite-docling", "bailingmoe", "bailingmoe2", "llada-moe", "seed-coder", "hunyuan",
  "hunyuan-dense", "hy_v4", "joyai-llm", "kimi-k2", "ufakzeka", "grok-2", "afmoe", "laguna", "minimax-m2", "solar-open",
  "mellum2",
];
/** Those split by std::regex, which recurses once a character of a match; the others have splitters of their own. */
// biome-ignore format: a list of names
const RECURSIVE = new Set([
  "default", "tekken", "minicpm5", "deepseek-llm", "deepseek-coder", "deepseek-v3", "spark2_5", "youtu", "falcon",
  "jais-2", "poro-chat", "viking", "bloom", "gpt3-finnish", "gpt-4o", "llama4", "kanana2", "talkie",
  "granite-embed-multi-97m", "tiny_aya", "cohere2moe", "superbpe", "bailingmoe", "bailingmoe2", "llada-moe",
  "seed-coder", "hunyuan-dense", "hy_v4", "joyai-llm", "ufakzeka", "afmoe", "minimax-m2",
]);
/**
 * A match is a run of one kind of characters with at most another run behind it. Measured: 46,000 characters overflow
 * koffi's largest call stack (16 MiB), 6,000 its default one.
 */
const MAX_RUN = 16384;
const KNOWN = new Set([...ADD_BOS, ...OTHERS]);

/** Pre-tokenizers whose BOS has no default id. */
export const NO_BOS: ReadonlySet<string> = new Set(["glm4", "chatglm-bpe"]);

export function isPreTokenizer(name: string): boolean {
  return KNOWN.has(name);
}

/** Whether texts begin with BOS unless the file says otherwise. */
export function addsBos(name: string): boolean {
  return ADD_BOS.includes(name);
}

/**
 * Refuses (`bad-argument`) texts that would overflow libllama's stack, which kills the process: more than 16,384
 * characters without, or of nothing but, white space, where the pre-tokenizer recurses. `pre` as in the model's
 * metadata; undefined (the default one) for BPE vocabularies that name none.
 */
export function refuseLongRuns(pre: string | undefined, text: string): void {
  if (text.length <= MAX_RUN || !RECURSIVE.has(pre ?? "default")) return;
  for (const run of text.matchAll(/\s+|\S+/gu)) {
    if (run[0].length > MAX_RUN) {
      throw new DraftwrightError(
        "bad-argument",
        `The text has ${run[0].length} characters in a row ${/\s/u.test(run[0][0]) ? "of" : "without"} white space; this ` +
          `model's tokenizer takes at most ${MAX_RUN}. Break the text up.`,
      );
    }
  }
}
