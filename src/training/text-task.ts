// Learning to continue texts: LoRA on frozen weights, or all weights of a small model.
import { DraftwrightError } from "../errors.ts";
import type { ModelConfig } from "../lm/index.ts";
import { TrainingOps, type TrainingWeights, trainingForward } from "../lm/training/index.ts";
import { crossEntropy, Labels, LossGraph, type Optimiser, type Parameters, Random, type Tape } from "../nn/index.ts";
import type { TrainingTask } from "./loop.ts";
import type { Sample } from "./text-data.ts";

export interface TextTaskOptions {
  readonly config: ModelConfig;
  readonly weights: TrainingWeights;
  readonly parameters: Parameters;
  readonly optimiser: Optimiser;
  readonly train: readonly Sample[];
  readonly heldOut: readonly Sample[];
  /** Tokens of a text and texts of a batch. */
  readonly rows: number;
  readonly texts: number;
  readonly seed: number;
  save(path: string): void;
}

/** Texts of an evaluation at most, or evaluating would take longer than learning: there are twenty in a run. */
const mostJudged = 32;

/** Owns its graphs: dispose it. */
export class TextTask implements TrainingTask {
  readonly parameters: Parameters;
  readonly optimiser: Optimiser;
  readonly random: Random;
  readonly criterion = { name: "held-out loss", more: false };
  readonly #options: TextTaskOptions;
  readonly #learn: ReturnType<typeof buildGraph>;
  readonly #judge: ReturnType<typeof buildGraph>;

  constructor(options: TextTaskOptions) {
    if (options.train.length === 0 || options.heldOut.length === 0) {
      throw new DraftwrightError("bad-argument", "there is too little text to learn from");
    }
    this.#options = options;
    this.parameters = options.parameters;
    this.optimiser = options.optimiser;
    this.random = new Random(options.seed);
    this.#learn = buildGraph(options, options.optimiser);
    this.#judge = buildGraph(options, undefined);
  }

  batch(): { loss: number; tokens: number } {
    const { train, texts } = this.#options;
    const chosen = Array.from({ length: texts }, () => train[this.random.integer(train.length)]);
    const tokens = this.#fill(this.#learn, chosen);
    return { loss: this.#learn.run(), tokens };
  }

  evaluate(): Record<string, number> {
    const { heldOut: all, texts } = this.#options;
    const heldOut = spread(all, mostJudged);
    let [loss, tokens] = [0, 0];
    for (let i = 0; i < heldOut.length; i += texts) {
      const learned = this.#fill(this.#judge, heldOut.slice(i, i + texts));
      loss += this.#judge.run() * learned;
      tokens += learned;
    }
    return { "held-out loss": loss / tokens, perplexity: Math.exp(loss / tokens) };
  }

  save(path: string): void {
    this.#options.save(path);
  }

  /** Returns how many tokens are learned. */
  #fill(graph: ReturnType<typeof buildGraph>, samples: readonly Sample[]): number {
    const { rows, texts } = this.#options;
    const { ops, labels } = graph.parts;
    ops.tokens.array.fill(0);
    const wanted = new Int32Array(rows * texts).fill(-1);
    let count = 0;
    for (const [text, { tokens, learnFrom }] of samples.entries()) {
      const inputs = tokens.subarray(0, Math.min(rows, tokens.length));
      ops.tokens.array.set(inputs, text * rows);
      for (let i = learnFrom - 1; i < Math.min(rows, tokens.length - 1); i++) {
        wanted[text * rows + i] = tokens[i + 1];
        count++;
      }
    }
    labels.hard(wanted);
    return count;
  }

  [Symbol.dispose](): void {
    this.#learn[Symbol.dispose]();
    this.#judge[Symbol.dispose]();
  }
}

/** At most `count` of a list, from all of its length; the same ones each time. */
function spread<T>(list: readonly T[], count: number): readonly T[] {
  if (list.length <= count) return list;
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]);
}

function buildGraph({ config, weights, parameters, rows, texts }: TextTaskOptions, optimiser: Optimiser | undefined) {
  return new LossGraph(parameters.backend, optimiser, (tape: Tape) => {
    const ops = new TrainingOps(tape, config, weights, rows, texts);
    const labels = new Labels(tape, config.vocabSize, rows * texts);
    return { ops, labels, loss: crossEntropy(ops.logits(trainingForward(ops, config)), labels) };
  });
}
