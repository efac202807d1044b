// Weights in device memory, read straight from the file: no second copy is kept. Matrices that are applied to the same
// input are stored as one: fewer operations, each with its barrier between threads.
import { DraftwrightError } from "../../errors.ts";
import {
  type Backend,
  type BufferType,
  Context,
  type GgufFile,
  type GgufTensor,
  ops,
  Storage,
  type Tensor,
  type TensorType,
  Type,
} from "../../ggml/index.ts";
import type { LayerWeights as LayerFiles, ModelConfig } from "../config.ts";
import type { Numerics } from "../model.ts";

export interface Linear {
  readonly matrix: Tensor;
  /** The file's matrices that it is stacked from, in the order of their outputs. */
  readonly parts: readonly GgufTensor[];
  readonly bias: Tensor | undefined;
}

export interface LayerWeights {
  readonly attentionNorm: Tensor;
  /** One matrix whose rows are queries, keys, values; or three. */
  readonly projection: readonly [Linear] | readonly [Linear, Linear, Linear];
  readonly queryNorm: Tensor | undefined;
  readonly keyNorm: Tensor | undefined;
  readonly attentionOutput: Linear;
  readonly attentionPostNorm: Tensor | undefined;
  readonly feedForwardNorm: Tensor;
  /** One matrix whose rows are gate, up; or two. */
  readonly gateUp: readonly [Linear] | readonly [Linear, Linear];
  readonly down: Linear;
  readonly feedForwardPostNorm: Tensor | undefined;
}

export interface Weights {
  readonly tokenEmbedding: Tensor;
  readonly ropeFactors: Tensor | undefined;
  readonly layers: readonly LayerWeights[];
  readonly outputNorm: Tensor;
  readonly output: Linear;
  /** Bytes of device memory. */
  readonly bytes: number;
  [Symbol.dispose](): void;
}

/** Part of a tensor: file bytes, or zeros for a bias that the file leaves out. */
type Part = GgufTensor | { readonly zeros: number };
interface Placement {
  readonly tensor: Tensor;
  readonly parts: readonly Part[];
}

/** Types whose repacked kernels give the same bits for a row alone and among others (measured; see docs/numerics.md). */
const EXACT_REPACKED = new Set(["Q4_0"]);

class Loader {
  readonly #backend: Backend;
  readonly #numerics: Numerics;
  readonly #plain: Storage;
  readonly #repacked: Storage[];
  readonly #placements: Placement[] = [];
  readonly #probes = new Map<string, Storage | undefined>();

  constructor(backend: Backend, numerics: Numerics, tensors: number) {
    const types = backend.bufferTypes();
    this.#backend = backend;
    this.#numerics = numerics;
    this.#plain = new Storage(types.plain, tensors);
    this.#repacked = types.repacked.map((type) => new Storage(type, tensors));
  }

  /** A vector or look-up table: F32 or as stored, never repacked. */
  plain(...parts: Part[]): Tensor {
    return this.#declare(this.#plain, parts);
  }

  optional(part: GgufTensor | undefined): Tensor | undefined {
    return part && this.plain(part);
  }

  /** Matrices stacked along their output rows. */
  matrix(...parts: GgufTensor[]): Tensor {
    const rows = parts.reduce((sum, part) => sum + part.ne[1], 0);
    return this.#declare(this.#home(parts[0].type, rows), parts);
  }

  /** True when `matrix` would put it into plain memory, where a look-up table can serve as a matrix too. */
  staysPlain(part: GgufTensor): boolean {
    return this.#home(part.type, part.ne[1]) === this.#plain;
  }

  #declare(storage: Storage, parts: readonly Part[]): Tensor {
    const files = parts.filter((part) => "ne" in part);
    const first = files[0];
    const isVector = first.ne[1] === 1;
    const length = (dimension: 0 | 1) =>
      parts.reduce((sum, part) => sum + ("ne" in part ? part.ne[dimension] : dimension === 0 ? part.zeros : 0), 0);
    const tensor = isVector
      ? storage.tensor(first.type, length(0))
      : storage.tensor(first.type, first.ne[0], length(1));
    this.#placements.push({ tensor, parts });
    return tensor;
  }

  #home(type: TensorType, rows: number): Storage {
    // Repacked layouts interleave rows in groups of up to 16.
    if (rows % 16 !== 0) return this.#plain;
    if (!this.#probes.has(type.name)) {
      this.#probes.set(
        type.name,
        this.#repacked.find((storage) => this.#canRepack(storage.bufferType, type)),
      );
    }
    return this.#probes.get(type.name) ?? this.#plain;
  }

  #canRepack(bufferType: BufferType, type: TensorType): boolean {
    if (this.#numerics === "exact" && !(bufferType.name === "CPU_REPACK" && EXACT_REPACKED.has(type.name)))
      return false;
    if (type.blockElements === 1) return false;
    const probe = new Storage(bufferType, 1);
    const context = new Context(2);
    try {
      const matrix = probe.tensor(type, 256, 64);
      probe.allocate("weights");
      return this.#backend.supports(ops.mulMat(context, matrix, context.tensor(Type.F32, 256, 4)));
    } finally {
      context[Symbol.dispose]();
      probe[Symbol.dispose]();
    }
  }

  /** Takes the memory and fills it. */
  load(gguf: GgufFile): Storage[] {
    const storages: Storage[] = [];
    for (const storage of [this.#plain, ...this.#repacked]) {
      if (storage.context.used > 0) storages.push(storage);
      else storage[Symbol.dispose]();
    }
    for (const storage of storages) storage.allocate("weights");
    for (const { tensor, parts } of this.#placements) this.#fill(gguf, tensor, parts);
    return storages;
  }

  #fill(gguf: GgufFile, tensor: Tensor, parts: readonly Part[]): void {
    const inPlace = this.#plain.bufferType.isHost && this.#plain.context.owns(tensor);
    const target = new Uint8Array(inPlace ? tensor.map() : new ArrayBuffer(tensor.bytes));
    let at = 0;
    for (const part of parts) {
      if ("zeros" in part) {
        at += part.zeros * 4;
        continue;
      }
      gguf.readInto(part, target.subarray(at, at + part.bytes));
      at += part.bytes;
    }
    if (!inPlace) tensor.write(target);
  }

  discard(): void {
    for (const storage of [this.#plain, ...this.#repacked]) storage[Symbol.dispose]();
  }
}

/** Loads a checked model's weights. Throws `out-of-memory` or, when the file changed meanwhile, `bad-model`. */
export function loadWeights(
  gguf: GgufFile,
  config: ModelConfig,
  backend: Backend,
  numerics: Numerics,
  contextLength: number,
): Weights {
  const loader = new Loader(backend, numerics, gguf.tensors.size + 8);
  try {
    const file = config.weights;
    const tokenEmbedding = loader.plain(file.tokenEmbedding);
    const { factors, originalContext } = config.rope;
    const ropeFactors = factors && loader.plain(contextLength > originalContext ? factors.long : factors.short);
    const shared = config.tiedOutput && loader.staysPlain(file.output);
    const layers = file.layers.map((layer) => declareLayer(loader, layer, config));
    const outputNorm = loader.plain(file.outputNorm);
    const output = {
      matrix: shared ? tokenEmbedding : loader.matrix(file.output),
      parts: [file.output],
      bias: loader.optional(file.outputBias),
    };
    const storages = loader.load(gguf);
    return {
      tokenEmbedding,
      ropeFactors,
      layers,
      outputNorm,
      output,
      bytes: storages.reduce((sum, storage) => sum + storage.bytes, 0),
      [Symbol.dispose]() {
        for (const storage of storages) storage[Symbol.dispose]();
      },
    };
  } catch (error) {
    loader.discard();
    if (error instanceof DraftwrightError) throw error;
    throw new DraftwrightError("bad-model", `${gguf.path}: the weights could not be read`, { cause: error });
  }
}

function declareLayer(loader: Loader, layer: LayerFiles, config: ModelConfig): LayerWeights {
  return {
    attentionNorm: loader.plain(layer.attentionNorm),
    projection: declareProjection(loader, layer, config),
    queryNorm: loader.optional(layer.queryNorm),
    keyNorm: loader.optional(layer.keyNorm),
    attentionOutput: linear(loader, [layer.attentionOutput], loader.optional(layer.attentionOutputBias)),
    attentionPostNorm: loader.optional(layer.attentionPostNorm),
    feedForwardNorm: loader.plain(layer.feedForwardNorm),
    gateUp: declareGateUp(loader, layer, config),
    down: linear(loader, [layer.down], loader.optional(layer.downBias)),
    feedForwardPostNorm: loader.optional(layer.feedForwardPostNorm),
  };
}

function linear(loader: Loader, parts: readonly GgufTensor[], bias: Tensor | undefined): Linear {
  return { matrix: loader.matrix(...parts), parts, bias };
}

const sameType = (...tensors: GgufTensor[]) => tensors.every((tensor) => tensor.type === tensors[0].type);

/** Biases of stacked matrices; zeros where only some have one. */
function stackBiases(
  loader: Loader,
  biases: readonly (GgufTensor | undefined)[],
  sizes: readonly number[],
): Tensor | undefined {
  const parts = biases.map((bias, i) => bias ?? { zeros: sizes[i] });
  return biases.some((bias) => bias) ? loader.plain(...parts) : undefined;
}

function declareProjection(loader: Loader, layer: LayerFiles, config: ModelConfig): LayerWeights["projection"] {
  const { projection, queryBias, keyBias, valueBias } = layer;
  const queries = config.headCount * config.headSize;
  const keys = config.kvHeadCount * config.headSize;
  const stacked = () => stackBiases(loader, [queryBias, keyBias, valueBias], [queries, keys, keys]);
  if (projection.fused) {
    return [linear(loader, [projection.qkv], loader.optional(layer.qkvBias) ?? stacked())];
  }
  const { query, key, value } = projection;
  if (sameType(query, key, value)) return [linear(loader, [query, key, value], stacked())];
  return [
    linear(loader, [query], loader.optional(queryBias)),
    linear(loader, [key], loader.optional(keyBias)),
    linear(loader, [value], loader.optional(valueBias)),
  ];
}

function declareGateUp(loader: Loader, layer: LayerFiles, config: ModelConfig): LayerWeights["gateUp"] {
  const { gate, up, gateBias, upBias } = layer;
  const size = config.feedForwardSize;
  if (!gate) return [linear(loader, [up], loader.optional(upBias))];
  if (sameType(gate, up)) {
    return [linear(loader, [gate, up], stackBiases(loader, [gateBias, upBias], [size, size]))];
  }
  return [linear(loader, [gate], loader.optional(gateBias)), linear(loader, [up], loader.optional(upBias))];
}
