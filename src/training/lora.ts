// `train lora`: a low-rank adapter of a model, learned on texts of the user's.
import { Backend } from "../ggml/index.ts";
import { openTokenizer } from "../lm/load.ts";
import { FrozenModel, Lora, type LoraSettings } from "../lm/training/index.ts";
import { Optimiser, Parameters, Random, saveParameters } from "../nn/index.ts";
import { type LoopOptions, type TrainingResult, train } from "./loop.ts";
import { makeSamples, readDocuments, splitHeldOut, textSource } from "./text-data.ts";
import { TextTask } from "./text-task.ts";

export interface TrainLoraOptions extends LoopOptions {
  readonly model: string;
  /** Files of text; see `readDocuments`. */
  readonly data: readonly string[];
  readonly lora: LoraSettings;
  /** Tokens of a text; default 128. */
  readonly rows?: number;
  /** Texts of a batch; default 4. */
  readonly texts?: number;
  /** Share of the documents that is held out; default 0.05. */
  readonly heldOut?: number;
  readonly seed?: number;
  readonly threads?: number;
}

/** Trains an adapter and writes it in llama.cpp's format. The base file is only read. */
export async function trainLora(options: TrainLoraOptions): Promise<TrainingResult> {
  const { seed = 0, rows = 128, texts = 4 } = options;
  using backend = new Backend(undefined, { threads: options.threads });
  using frozen = new FrozenModel(options.model, backend);
  using tokenizer = openTokenizer(options.model);
  const source = textSource(tokenizer, frozen.chatTemplate);
  const documents = (await Promise.all(options.data.map((path) => readDocuments(path, source)))).flat();
  const split = splitHeldOut(documents, options.heldOut ?? 0.05, new Random(seed));
  using parameters = new Parameters(backend, seed);
  const lora = new Lora(parameters, frozen.config, options.lora);
  using optimiser = new Optimiser(parameters, { clipNorm: 1 });
  using task = new TextTask({
    config: frozen.config,
    weights: {
      weight: (tape, tensor) => tape.constant(frozen.tensor(tensor.name)),
      delta: (tape, tensor, x) => lora.delta(tape, tensor, x),
    },
    parameters,
    optimiser,
    train: makeSamples(split.train, rows, source),
    heldOut: makeSamples(split.heldOut, rows, source),
    rows,
    texts,
    seed,
    save: (path) => saveParameters(path, parameters, lora.metadata),
  });
  return await train(task, options);
}
