// Low-rank adapters beside the weights of a loaded model: B (A x) is added to a matrix's product, nothing is merged.
import { parse } from "node:path";
import { DraftwrightError } from "../../errors.ts";
import {
  Backend,
  type GgufFile,
  type GgufTensor,
  Graph,
  ops,
  Storage,
  type Tensor,
  Type,
  trainingOps,
} from "../../ggml/index.ts";
import type { ModelConfig } from "../config.ts";
import { type LoraFile, loraFactor, openLora } from "../lora-file.ts";
import type { Adapter } from "../model.ts";
import type { Linear, Weights } from "./weights.ts";

export interface AdapterFile {
  /** A LoRA adapter in llama.cpp's format. */
  readonly path: string;
  /** Default 1; 0: loaded, but used only by forwards that name it. */
  readonly scale?: number;
  /** What forwards call it. Default: the file's name without folder and ending. */
  readonly name?: string;
}

/** Factors for one stacked matrix. Parts without any of their own have zeros. */
interface Factors {
  /** [inputs, all ranks] */
  readonly a: Tensor;
  /** [all ranks, outputs], alpha / rank included. */
  readonly b: Tensor;
}

/** Owns device memory: dispose it. */
export class LoadedAdapter implements Adapter {
  readonly name: string;
  readonly scale: number;
  readonly #factors = new Map<Linear, Factors>();
  readonly #storage: Storage;

  /** Throws `bad-model` when the file is no adapter for this model, `bad-argument` for a scale that is no number. */
  constructor(file: AdapterFile, config: ModelConfig, weights: Weights, backend: Backend) {
    this.name = file.name ?? parse(file.path).name;
    this.scale = file.scale ?? 1;
    if (!Number.isFinite(this.scale)) {
      throw new DraftwrightError(
        "bad-argument",
        `the scale of the adapter ${file.path} is ${file.scale}; use a number`,
      );
    }
    const lora = openLora(file.path);
    try {
      if (lora.architecture !== config.architecture) {
        throw new DraftwrightError(
          "bad-model",
          `${file.path} was trained for a ${lora.architecture || "nameless"} model, this one is a ${config.architecture}. ` +
            "Load it beside the model it was trained for.",
        );
      }
      const linears = linearsOf(weights);
      this.#storage = new Storage(backend.bufferTypes().plain, 2 * linears.length);
      const left = new Set(lora.pairs.keys());
      const fills: (() => void)[] = [];
      for (const linear of linears) {
        const parts = linear.parts.map((part) => ({ part, pair: lora.pairs.get(part.name) }));
        for (const { part } of parts) left.delete(part.name);
        if (parts.some(({ pair }) => pair)) fills.push(this.#declare(linear, parts, lora, file.path));
      }
      if (left.size > 0) {
        throw new DraftwrightError(
          "bad-model",
          `${file.path} changes "${[...left][0]}", which this model has not, or not as a matrix of a product. ` +
            "`draftwright train merge` may put it into the weights.",
        );
      }
      this.#storage.allocate("weights");
      for (const fill of fills) fill();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    } finally {
      lora.gguf.close();
    }
  }

  /** Of a matrix's product; undefined: nothing is added to it. */
  factors(linear: Linear): Factors | undefined {
    return this.#factors.get(linear);
  }

  get bytes(): number {
    return this.#storage?.bytes ?? 0;
  }

  #declare(
    linear: Linear,
    parts: readonly { part: GgufTensor; pair: { a: GgufTensor; b: GgufTensor } | undefined }[],
    lora: LoraFile,
    path: string,
  ): () => void {
    const inputs = linear.parts[0].ne[0];
    const outputs = linear.parts.reduce((sum, part) => sum + part.ne[1], 0);
    const ranks = parts.map(({ pair }) => pair?.a.ne[1] ?? 0);
    const rank = ranks.reduce((sum, r) => sum + r, 0);
    for (const { part, pair } of parts) {
      if (pair && (pair.a.ne[0] !== inputs || pair.b.ne[1] !== part.ne[1])) {
        throw new DraftwrightError(
          "bad-model",
          `${path}: "${part.name}" is [${part.ne[0]}, ${part.ne[1]}] in this model, the adapter's is ` +
            `[${pair.a.ne[0]}, ${pair.b.ne[1]}]. Load it beside the model it was trained for.`,
        );
      }
    }
    const a = this.#storage.tensor(Type.F32, inputs, rank);
    const b = this.#storage.tensor(Type.F32, rank, outputs);
    this.#factors.set(linear, { a, b });
    return () => {
      const [down, up] = [new Float32Array(inputs * rank), new Float32Array(rank * outputs)];
      let [row, output] = [0, 0];
      for (const [i, { part, pair }] of parts.entries()) {
        if (pair) {
          down.set(readF32(lora.gguf, pair.a), row * inputs);
          const values = readF32(lora.gguf, pair.b);
          const factor = loraFactor(lora, ranks[i]);
          for (let at = 0; at < values.length; at++) {
            up[(output + Math.floor(at / ranks[i])) * rank + row + (at % ranks[i])] = factor * values[at];
          }
        }
        row += ranks[i];
        output += part.ne[1];
      }
      a.write(down);
      b.write(up);
    };
  }

  [Symbol.dispose](): void {
    this.#storage?.[Symbol.dispose]();
  }
}

/** Loads adapters under names of their own; frees all when one cannot be. */
export function loadAdapters(
  files: readonly AdapterFile[],
  config: ModelConfig,
  weights: Weights,
  backend: Backend,
): Map<string, LoadedAdapter> {
  const loaded = new Map<string, LoadedAdapter>();
  try {
    for (const file of files) {
      const adapter = new LoadedAdapter(file, config, weights, backend);
      const taken = loaded.has(adapter.name);
      if (taken) {
        adapter[Symbol.dispose]();
        throw new DraftwrightError("bad-argument", `two adapters are named "${adapter.name}"; give each its own name`);
      }
      loaded.set(adapter.name, adapter);
    }
  } catch (error) {
    for (const adapter of loaded.values()) adapter[Symbol.dispose]();
    throw error;
  }
  return loaded;
}

function linearsOf({ layers, output }: Weights): Linear[] {
  const matrices = layers.flatMap((l) => [...l.projection, l.attentionOutput, ...l.gateUp, l.down]);
  // A table of embeddings that is the output matrix too is looked up as well as multiplied with.
  return output.parts[0].name === "output.weight" ? [...matrices, output] : matrices;
}

function readF32(gguf: GgufFile, tensor: GgufTensor): Float32Array {
  const bytes = new Uint8Array(tensor.bytes);
  gguf.readInto(tensor, bytes);
  if (tensor.type === Type.F32) return new Float32Array(bytes.buffer);
  using backend = new Backend(undefined, { threads: 1 });
  using graph = new Graph(backend, 4);
  const input = graph.tensorInput(tensor.type, tensor.ne[0], tensor.ne[1]);
  const result = graph.output(trainingOps.toF32(graph.context, input));
  graph.allocate();
  input.write(bytes);
  graph.compute();
  return result.array.slice();
}

/** What `adapter` adds to a product of x [inputs, rows], at `scale`. */
export interface Addition {
  readonly adapter: LoadedAdapter;
  readonly scale: number;
}

/**
 * y + scale B (A x). `apart`: one product a row, so that a row's bits do not depend on the rows beside it; ggml has tiled
 * kernels for several F32 rows, which round differently.
 */
export function addLowRank(
  context: Parameters<typeof ops.mulMat>[0],
  y: Tensor,
  x: Tensor,
  { a, b }: Factors,
  scale: number,
  apart: boolean,
): Tensor {
  const [inputs, rows] = x.shape;
  const alone = apart && rows > 1;
  const columns = alone ? ops.reshape(context, x, inputs, 1, rows) : x;
  const inner = ops.mulMat(context, a, columns);
  const delta = ops.mulMat(context, b, scale === 1 ? inner : ops.scale(context, inner, scale));
  return ops.add(context, y, alone ? ops.reshape(context, delta, b.shape[1], rows) : delta);
}
