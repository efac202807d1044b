// From a file to a language model that runs: read, check, load, in that order. Nothing native sees an unchecked file.
import { availableParallelism, freemem, loadavg } from "node:os";
import { resolve } from "node:path";
import { DraftwrightError } from "../errors.ts";
import { Backend, findDevice, openGguf } from "../ggml/index.ts";
import { checkVocabulary } from "./config/vocabulary.ts";
import { type ModelConfig, readConfig } from "./config.ts";
import { fileHash } from "./file-hash.ts";
import type { AdapterFile } from "./graph/adapter.ts";
import { roundRows } from "./graph/kv-rows.ts";
import { GraphModel } from "./graph/model.ts";
import type { LanguageModel, Numerics } from "./model.ts";
import { Tokenizer } from "./tokenizer.ts";

export interface LoadOptions {
  /** Compute threads; default: the cores this process may use, but one or two for a few megabytes. */
  threads?: number;
  /** Cores the threads are bound to. */
  cores?: readonly number[];
  /** Device name, or "cpu" (default) or "gpu". */
  device?: string;
  /** Default: exact where it can be had (see docs/numerics.md), else fast. Asking for exact where it cannot be had throws. */
  numerics?: Numerics;
  /** Tokens a sequence may hold; default: the model's own context, at most 4096. */
  contextLength?: number;
  /** KV rows of all sequences together; default: one context. */
  kvRows?: number;
  kvType?: "f16" | "q8_0";
  /** LoRA adapters beside the weights; every forward that names none uses all of them. */
  adapters?: readonly AdapterFile[];
}

export type { AdapterFile };

export interface LoadedModel {
  readonly path: string;
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  readonly config: ModelConfig;
  /** Identity of the file: SHA-256 of its header, its tensor list and the beginning of each tensor. */
  readonly hash: string;
  /** `tokenizer.chat_template` of the file. */
  readonly chatTemplate: string | undefined;
  readonly threads: number;
  readonly device: string;
  readonly loadMs: number;
  /** Device memory in bytes: what the model holds now. */
  memory(): { weights: number; kv: number; graphs: number };
  [Symbol.dispose](): void;
}

/** Below this much weight more than two threads cost more at their barriers than they gain. */
const SMALL_BYTES = 16 * 2 ** 20;

/**
 * A small model's decode step takes as long with two threads as with one (measured: 0.45 ms for 7 MB); the second one pays
 * in verification. But the threads spin at each of a hundred barriers, so a step stalls by milliseconds when another
 * program wants the core: on a busy machine there is one.
 */
function defaultThreads(weightBytes: number): number | undefined {
  if (weightBytes >= SMALL_BYTES) return undefined;
  return availableParallelism() - loadavg()[0] >= 1.5 ? 2 : 1;
}
/** No more threads than cores to bind them to. */
const fitting = (threads: number | undefined, cores: number | undefined): number | undefined =>
  cores === undefined ? threads : Math.min(threads ?? cores, cores);

const DEFAULT_CONTEXT = 4096;
/** Weight types whose plain CPU kernels give the same bits for a row alone and among others (docs/numerics.md). */
const EXACT_TYPES = new Set(["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"]);

/**
 * Loads a GGUF model. Throws `model-not-found`, `bad-model`, `unsupported-model` (naming what the file is), or
 * `out-of-memory`; nothing stays allocated then.
 */
export function loadLanguageModel(path: string, options: LoadOptions = {}): LoadedModel {
  const started = performance.now();
  const file = resolve(path);
  const device = findDevice(options.device);
  const opened: Disposable[] = [];
  try {
    const gguf = openGguf(file);
    opened.push(gguf);
    const freeMemory = device.kind === "cpu" ? freemem() : device.freeBytes;
    const config = readConfig(gguf, { freeMemory });
    const contextLength = readContextLength(config, options.contextLength);
    const numerics = chooseNumerics(config, device.kind === "cpu", options.numerics, options.kvType ?? "f16");
    const tokenizer = new Tokenizer(gguf);
    opened.push(tokenizer);
    const backend = new Backend(device, {
      threads: options.threads ?? fitting(defaultThreads(config.weightBytes), options.cores?.length),
      cores: options.cores,
    });
    opened.push(backend);
    const kvRows = options.kvRows ?? roundRows(contextLength);
    if (!Number.isInteger(kvRows) || kvRows < 1) {
      throw new DraftwrightError("bad-argument", `kvRows must be a positive integer, not ${kvRows}`);
    }
    const model = new GraphModel(gguf, config, backend, {
      numerics,
      contextLength,
      kvRows,
      kvType: options.kvType ?? "f16",
      adapters: options.adapters,
    });
    const hash = fileHash(gguf);
    const chatTemplate = gguf.metadata.string("tokenizer.chat_template");
    gguf.close();
    return {
      path: file,
      model,
      tokenizer,
      config,
      hash,
      chatTemplate,
      threads: backend.threads,
      device: device.name,
      loadMs: performance.now() - started,
      memory: () => model.memory,
      [Symbol.dispose]() {
        model[Symbol.dispose]();
        backend[Symbol.dispose]();
        tokenizer[Symbol.dispose]();
      },
    };
  } catch (error) {
    for (const resource of opened.reverse()) resource[Symbol.dispose]();
    throw error;
  }
}

/**
 * The vocabulary of a GGUF file, which need hold nothing else. Throws `model-not-found`, `bad-model` or `unsupported-model`.
 * Dispose of it.
 */
export function openTokenizer(path: string): Tokenizer {
  const gguf = openGguf(resolve(path));
  try {
    checkVocabulary(gguf);
    return new Tokenizer(gguf);
  } finally {
    gguf.close();
  }
}

function readContextLength(config: ModelConfig, wanted: number | undefined): number {
  if (wanted === undefined) return Math.min(config.contextLength, DEFAULT_CONTEXT);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > config.contextLength) {
    throw new DraftwrightError(
      "bad-argument",
      `the context must be 1 to ${config.contextLength} tokens (what the model was trained for), not ${wanted}`,
    );
  }
  return wanted;
}

function chooseNumerics(config: ModelConfig, isCpu: boolean, wanted: Numerics | undefined, kvType: string): Numerics {
  if (wanted === "fast") return "fast";
  const reason = inexactReason(config, isCpu, kvType);
  if (!reason) return "exact";
  if (wanted === "exact") {
    throw new DraftwrightError("bad-argument", `exact numerics cannot be had here: ${reason}. Use numerics "fast".`);
  }
  return "fast";
}

function inexactReason(config: ModelConfig, isCpu: boolean, kvType: string): string | undefined {
  if (!isCpu) return "GPU kernels change with the number of rows";
  if (kvType !== "f16") return `${kvType} KV rows are not proven`;
  const { weights } = config;
  const matrices = [weights.output, ...weights.layers.flatMap((l) => [l.attentionOutput, l.up, l.down])];
  const projections = weights.layers.flatMap(({ projection: p }) => (p.fused ? [p.qkv] : [p.query, p.key, p.value]));
  const gates = weights.layers.flatMap((l) => l.gate ?? []);
  const found = [...matrices, ...projections, ...gates].find((tensor) => !EXACT_TYPES.has(tensor.type.name));
  return found && `matrix products with ${found.type.name} weights (${found.name}) depend on the number of rows`;
}
