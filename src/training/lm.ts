// `train lm`: all weights of a small model, from where they are or from random ones, in the shape and with the vocabulary
// of its file, or in a shape of one's own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Backend,
  type GgufTensor,
  type GgufTensorSource,
  Graph,
  openGguf,
  quantizeRows,
  type TensorType,
  Type,
  tensorType,
  trainingOps,
  writeGguf,
} from "../ggml/index.ts";
import { openTokenizer } from "../lm/load.ts";
import { FrozenModel, metadataOf } from "../lm/training/index.ts";
import { normal, Optimiser, ones, Parameters, Random, scaledNormal } from "../nn/index.ts";
import { type ModelShape, writeEmptyModel } from "./fresh-model.ts";
import { type LoopOptions, type TrainingResult, train } from "./loop.ts";
import { makeSamples, readDocuments, splitHeldOut, textSource } from "./text-data.ts";
import { TextTask } from "./text-task.ts";

export interface TrainLmOptions extends LoopOptions {
  /** A GGUF file: its shape, its vocabulary, and, unless `fresh`, its weights. Or a new model, which is always fresh. */
  readonly model: string | NewModel;
  /** Begin with random weights. */
  readonly fresh?: boolean;
  /** Type of the matrices that are written; default: that of the file, or Q8_0. */
  readonly type?: string;
  readonly data: readonly string[];
  /** Tokens of a text, default 128, and texts of a batch, default 4. */
  readonly rows?: number;
  readonly texts?: number;
  /** Share of the documents that is held out; default 0.05. */
  readonly heldOut?: number;
  /** Decay of the matrices; default 0.1. */
  readonly weightDecay?: number;
  readonly seed?: number;
  readonly threads?: number;
}

export interface NewModel {
  /** A GGUF file with the vocabulary, and perhaps more. */
  readonly tokenizer: string;
  readonly shape: ModelShape;
}

/** Trains and writes a GGUF model. Throws `bad-argument` for a type or a shape that cannot be made. */
export async function trainLm(options: TrainLmOptions): Promise<TrainingResult> {
  const { seed = 0, rows = 128, texts = 4 } = options;
  const type = options.type === undefined ? undefined : tensorType(options.type);
  using backend = new Backend(undefined, { threads: options.threads });
  const { gguf, vocabulary, fresh, ...start } = readStart(options, backend);
  using frozen = start.frozen;
  using tokenizer = openTokenizer(vocabulary);
  using parameters = new Parameters(backend, seed);
  for (const tensor of gguf.tensors.values()) declare(parameters, frozen, backend, tensor, fresh);
  const source = textSource(tokenizer, frozen.chatTemplate);
  const documents = (await Promise.all(options.data.map((path) => readDocuments(path, source)))).flat();
  const split = splitHeldOut(documents, options.heldOut ?? 0.05, new Random(seed));
  using optimiser = new Optimiser(parameters, {
    clipNorm: 1,
    betas: [0.9, 0.95],
    weightDecay: options.weightDecay ?? 0.1,
  });
  using task = new TextTask({
    config: frozen.config,
    weights: { weight: (tape, { name }) => tape.use(parameters, parameters.get(name)) },
    parameters,
    optimiser,
    train: makeSamples(split.train, rows, source),
    heldOut: makeSamples(split.heldOut, rows, source),
    rows,
    texts,
    seed,
    save: (path) => writeGguf(path, metadataOf(gguf), sources(parameters, gguf.tensors.values(), type)),
  });
  return await train(task, options);
}

/** What the run begins with; no file stays open. */
function readStart({ model, fresh = false, type = "Q8_0" }: TrainLmOptions, backend: Backend) {
  if (typeof model === "string") return { ...readModel(model, backend), vocabulary: model, fresh };
  const folder = mkdtempSync(join(tmpdir(), "draftwright-"));
  try {
    const empty = join(folder, "empty.gguf");
    writeEmptyModel(empty, model.shape, model.tokenizer, type);
    return { ...readModel(empty, backend), vocabulary: model.tokenizer, fresh: true };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readModel(path: string, backend: Backend) {
  using gguf = openGguf(path);
  return { gguf, frozen: new FrozenModel(path, backend) };
}

/** Norms begin with ones, biases with zeros, the embedding small, matrices by their inputs. */
function declare(
  parameters: Parameters,
  frozen: FrozenModel,
  backend: Backend,
  tensor: GgufTensor,
  fresh: boolean,
): void {
  const shape = tensor.ne[1] === 1 ? [tensor.ne[0]] : [tensor.ne[0], tensor.ne[1]];
  const isTable = tensor.name === "token_embd.weight";
  const random = isTable
    ? normal(0.02)
    : shape.length > 1
      ? scaledNormal()
      : tensor.name.endsWith(".bias")
        ? () => {}
        : ones;
  const isFrequency = tensor.name.startsWith("rope_");
  const read = (values: Float32Array) => values.set(asF32(frozen, backend, tensor));
  const parameter = parameters.create(tensor.name, shape, fresh && !isFrequency ? random : read);
  parameter.trainable = !isFrequency;
}

function asF32(frozen: FrozenModel, backend: Backend, tensor: GgufTensor): Float32Array {
  const stored = frozen.tensor(tensor.name);
  const values = new Float32Array(stored.elements);
  if (stored.type === Type.F32) {
    stored.read(values);
    return values;
  }
  using graph = new Graph(backend, 4);
  const output = graph.output(trainingOps.toF32(graph.context, stored));
  graph.allocate();
  graph.compute();
  return output.array.slice();
}

function sources(
  parameters: Parameters,
  tensors: Iterable<GgufTensor>,
  wanted: TensorType | undefined,
): GgufTensorSource[] {
  return Array.from(tensors, ({ name, type: stored, ne }) => {
    const type = ne[1] === 1 ? Type.F32 : (wanted ?? stored);
    const data = () => {
      const values = parameters.get(name).read();
      return type === Type.F32 ? new Uint8Array(values.buffer) : quantizeRows(type, values, ne[0]);
    };
    return { name, type, ne, data };
  });
}
