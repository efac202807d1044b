// What a server's models will need, counted from the headers of their files before anything is loaded.
import { freemem } from "node:os";
import { parse } from "node:path";
import { DraftwrightError } from "../errors.ts";
import { openGguf } from "../ggml/gguf/index.ts";
import { type ModelConfig, readConfig } from "../lm/config.ts";
import type { AdapterFile } from "../lm/load.ts";
import { loadedBytes, openLora } from "../lm/lora-file.ts";
import { findDraftModels, findModel } from "./find-model.ts";
import { isRemote } from "./remote/place.ts";

export interface MemoryNeed {
  readonly what: string;
  readonly bytes: number;
}

export interface MemoryPlan {
  readonly parallel: number;
  readonly contextLength: number;
  /** Less of one or both than was wanted. */
  readonly shrunk: boolean;
  readonly needs: readonly MemoryNeed[];
  readonly totalBytes: number;
  /** What may be used: free memory, or the rest of the process's own limit, less a tenth. */
  readonly availableBytes: number;
}

export interface PlanOptions {
  readonly model?: string;
  /** Default: those that ship with the model. */
  readonly draftModels?: readonly string[];
  /** Beside the model's weights. */
  readonly adapters?: readonly AdapterFile[];
  /** Default: the model's own, at most 4096; may be halved down to 512. One that is given stays. */
  readonly contextLength?: number;
  /** Generations that run at once, each with a context of its own. */
  readonly parallel: number;
  /** Fewer will do where memory is short. */
  readonly fewer?: boolean;
  /** Default: this machine's. */
  readonly availableBytes?: number;
}

/** Sequences of a draft model for each of the target: see `neuralDrafters` in host.ts. */
const draftSequences = 3;
const keyBytes = 2;
/** At most, for a model: graphs kept for reuse and their buffers, and what libllama keeps of a vocabulary. */
const graphBytes = 96 * 2 ** 20;
/** Node itself, its threads, and texts on their way. */
const programBytes = 160 * 2 ** 20;
const leastContext = 512;
const defaultContext = 4096;

/** A remote model's. */
const elsewhere: Sizes = { weightBytes: 0, adapters: [], rowBytes: 0, contextLength: Number.POSITIVE_INFINITY };

interface Sizes {
  readonly weightBytes: number;
  readonly adapters: readonly MemoryNeed[];
  /** Of all layers, for one token. */
  readonly rowBytes: number;
  readonly contextLength: number;
}

/**
 * The largest plan that fits: fewer generations at once, then a shorter context, where these were not given. Throws
 * `out-of-memory`, with the table, when none does, and what opening the files throws.
 */
export async function planMemory(options: PlanOptions): Promise<MemoryPlan> {
  const remote = isRemote(options.model);
  const path = remote ? options.model : await findModel(options.model);
  const target = remote ? elsewhere : readSizes(path, options.adapters);
  const draftPaths = options.draftModels
    ? await Promise.all(options.draftModels.map((name) => findModel(name)))
    : findDraftModels(path);
  const drafts = draftPaths.map((draft) => readSizes(draft));
  const { availableBytes = availableMemory() } = options;
  const wantedContext = Math.min(options.contextLength ?? defaultContext, target.contextLength);
  const plan = (parallel: number, contextLength: number): MemoryPlan => {
    const needs = needsOf(target, drafts, parallel, contextLength);
    const totalBytes = needs.reduce((sum, { bytes }) => sum + bytes, 0);
    const shrunk = parallel < options.parallel || contextLength < wantedContext;
    return { parallel, contextLength, shrunk, needs, totalBytes, availableBytes };
  };
  let best = plan(options.parallel, wantedContext);
  const fits = () => best.totalBytes <= availableBytes;
  if (options.fewer) while (!fits() && best.parallel > 1) best = plan(best.parallel - 1, best.contextLength);
  if (options.contextLength === undefined) {
    while (!fits() && best.contextLength > leastContext) {
      best = plan(best.parallel, Math.max(leastContext, Math.floor(best.contextLength / 2)));
    }
  }
  if (fits()) return best;
  throw new DraftwrightError(
    "out-of-memory",
    `The models need ${mebibytes(best.totalBytes)} and ${mebibytes(availableBytes)} may be used:\n${planTable(best)}` +
      "Use fewer --parallel, a shorter --context, fewer adapters, no draft models, or a smaller quantisation of the model.",
  );
}

/** The plan as lines of text. */
export function planTable({ needs, totalBytes, availableBytes, parallel, contextLength }: MemoryPlan): string {
  const rows = [...needs, { what: "together", bytes: totalBytes }, { what: "may be used", bytes: availableBytes }];
  const width = Math.max(...rows.map(({ what }) => what.length));
  const lines = rows.map(({ what, bytes }) => `${what.padEnd(width)}  ${mebibytes(bytes).padStart(10)}\n`);
  return `${parallel} at once, context ${contextLength}\n${lines.join("")}`;
}

function needsOf(target: Sizes, drafts: readonly Sizes[], parallel: number, contextLength: number): MemoryNeed[] {
  const rows = parallel * contextLength;
  const of = (name: string, sizes: Sizes, sequences: number): MemoryNeed[] => [
    { what: `${name}: weights`, bytes: sizes.weightBytes },
    ...sizes.adapters,
    { what: `${name}: keys and values of ${rows * sequences} tokens`, bytes: sizes.rowBytes * rows * sequences },
    { what: `${name}: graphs and vocabulary (at most)`, bytes: graphBytes },
  ];
  return [
    ...of("model", target, 1),
    ...drafts.flatMap((draft, i) => of(drafts.length === 1 ? "drafter" : `drafter ${i + 1}`, draft, draftSequences)),
    { what: "program", bytes: programBytes },
  ];
}

function readSizes(path: string, adapters: readonly AdapterFile[] = []): Sizes {
  const gguf = openGguf(path);
  try {
    const config = readConfig(gguf);
    const { weightBytes, layerCount, kvHeadCount, headSize, contextLength } = config;
    return {
      weightBytes,
      adapters: adapters.map((file) => adapterNeed(file, config)),
      rowBytes: 2 * layerCount * kvHeadCount * headSize * keyBytes,
      contextLength,
    };
  } finally {
    gguf.close();
  }
}

function adapterNeed({ path, name = parse(path).name }: AdapterFile, config: ModelConfig): MemoryNeed {
  const lora = openLora(path);
  try {
    return { what: `adapter ${name}`, bytes: loadedBytes(lora, config.weights) };
  } finally {
    lora.gguf.close();
  }
}

function availableMemory(): number {
  // Containers have limits of their own; without one the number is 0 or absurdly high.
  const limit = process.constrainedMemory();
  const left = limit > 0 ? limit - process.memoryUsage.rss() : Number.POSITIVE_INFINITY;
  return Math.floor(0.9 * Math.max(0, Math.min(freemem(), left)));
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
