// A network, its loss and its gradients as one graph that runs again and again.
import { type Backend, trainingOps } from "../ggml/index.ts";
import type { Optimiser } from "./optimiser.ts";
import { Tape, type TapeOptions, type Variable } from "./tape.ts";

/** What a loss graph is built from: the loss, and whatever the caller fills or reads. */
export type Built<T> = T & { readonly loss: Variable };

/** Owns native memory: dispose it. */
export class LossGraph<T> {
  /** What the builder returned: inputs, labels. */
  readonly parts: Built<T>;
  readonly #tape: Tape;
  readonly #loss: { readonly array: Float32Array };
  readonly #optimiser: Optimiser | undefined;

  /** Without an optimiser only the loss is computed, for held-out data. */
  constructor(
    backend: Backend,
    optimiser: Optimiser | undefined,
    build: (tape: Tape) => Built<T>,
    options: Pick<TapeOptions, "nodes"> = {},
  ) {
    this.#optimiser = optimiser;
    this.#tape = new Tape(backend, { ...options, gradients: optimiser !== undefined });
    try {
      this.parts = build(this.#tape);
      this.#loss = this.#tape.output(this.parts.loss);
      if (optimiser) this.#addGradients(optimiser);
      this.#tape.ready();
    } catch (error) {
      this.#tape[Symbol.dispose]();
      throw error;
    }
  }

  #addGradients(optimiser: Optimiser): void {
    for (const [parameter, gradient] of this.#tape.backward(this.parts.loss)) {
      const sum = optimiser.gradient(parameter);
      if (sum) this.#tape.expand(trainingOps.addInto(this.#tape.context, sum, gradient));
    }
  }

  /** Runs it on the inputs' present contents; returns the loss. With an optimiser, its gradients are accumulated. */
  run(): number {
    this.#optimiser?.accumulate();
    this.#tape.run();
    return this.#loss.array[0];
  }

  get bytes(): number {
    return this.#tape.bytes;
  }

  [Symbol.dispose](): void {
    this.#tape[Symbol.dispose]();
  }
}
