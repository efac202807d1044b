// An adapter put into the weights, or taken out again.
import { DraftwrightError } from "../../errors.ts";
import {
  Backend,
  type GgufFile,
  type GgufTensor,
  type GgufTensorSource,
  Graph,
  type MetadataValue,
  openGguf,
  ops,
  quantizeRows,
  type Tensor,
  type TensorType,
  Type,
  tensorType,
  trainingOps,
  writeGguf,
} from "../../ggml/index.ts";
import { loraFactor, openLora } from "../lora-file.ts";

export interface MergeOptions {
  /** Factor on the adapter; -1 takes it out of a model it was merged into. Default 1. */
  readonly scale?: number;
  /** Type of the changed matrices; default: what they have. A quantised type rounds, so what is merged comes out only nearly. */
  readonly type?: string;
}

/** Writes `model` with `adapter` in its weights to `out`. Throws `bad-model` when they do not fit each other. */
export function mergeLora(model: string, adapter: string, out: string, options: MergeOptions = {}): void {
  using gguf = openGguf(model);
  const lora = openLora(adapter);
  try {
    if (lora.architecture !== gguf.metadata.string("general.architecture")) {
      throw new DraftwrightError(
        "bad-model",
        `${adapter} was trained for a ${lora.architecture} model, not for ${model}`,
      );
    }
    using backend = new Backend(undefined, { threads: 1 });
    const type = options.type === undefined ? undefined : tensorType(options.type);
    const changed = new Map<string, GgufTensorSource>();
    for (const [name, { a, b }] of lora.pairs) {
      const base = gguf.tensors.get(name);
      if (!base || base.ne[0] !== a.ne[0] || base.ne[1] !== b.ne[1]) {
        throw new DraftwrightError("bad-model", `${model} has no matrix "${name}" of the adapter's shape`);
      }
      const factor = (options.scale ?? 1) * loraFactor(lora, a.ne[1]);
      const data = () => mergedBytes(backend, gguf, base, lora.gguf, a, b, factor, type ?? base.type);
      changed.set(name, { name, type: type ?? base.type, ne: base.ne, data });
    }
    const sources = [...gguf.tensors.values()].map((tensor): GgufTensorSource => {
      const data = () => bytesOf(gguf, tensor);
      return changed.get(tensor.name) ?? { name: tensor.name, type: tensor.type, ne: tensor.ne, data };
    });
    writeGguf(out, metadataOf(gguf), sources);
  } finally {
    lora.gguf.close();
  }
}

/** All metadata of a file. */
export function metadataOf(gguf: GgufFile): Map<string, MetadataValue> {
  const all = new Map<string, MetadataValue>();
  for (const key of gguf.metadata.keys()) {
    const value = gguf.metadata.value(key);
    if (value) all.set(key, value);
  }
  return all;
}

function bytesOf(gguf: GgufFile, tensor: GgufTensor): Uint8Array {
  const bytes = new Uint8Array(tensor.bytes);
  gguf.readInto(tensor, bytes);
  return bytes;
}

function mergedBytes(
  backend: Backend,
  gguf: GgufFile,
  base: GgufTensor,
  adapter: GgufFile,
  a: GgufTensor,
  b: GgufTensor,
  factor: number,
  type: TensorType,
): Uint8Array {
  using graph = new Graph(backend, 16);
  const c = graph.context;
  const inputs: [Tensor, Uint8Array][] = [];
  const load = (file: GgufFile, tensor: GgufTensor): Tensor => {
    const port = graph.tensorInput(tensor.type, tensor.ne[0], tensor.ne[1]);
    inputs.push([port, bytesOf(file, tensor)]);
    return tensor.type === Type.F32 ? port : trainingOps.toF32(c, port);
  };
  const weights = load(gguf, base);
  const down = trainingOps.contiguous(c, ops.permute(c, load(adapter, a), [1, 0, 2, 3]));
  const delta = ops.scale(c, ops.mulMat(c, down, load(adapter, b)), factor);
  const result = graph.output(ops.add(c, weights, delta));
  graph.allocate();
  for (const [tensor, bytes] of inputs) tensor.write(bytes);
  graph.compute();
  const values = result.array.slice();
  if (type === Type.F32) return new Uint8Array(values.buffer);
  return quantizeRows(type, values, base.ne[0]);
}
