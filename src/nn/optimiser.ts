// AdamW and SGD over accumulated gradients, with clipping. Runs as graphs of its own, on the device of the parameters.
import { DraftwrightError } from "../errors.ts";
import { Graph, trainingOps as more, ops, type Port, Storage, type Tensor, Type } from "../ggml/index.ts";
import type { Parameter, Parameters } from "./parameters.ts";

export interface OptimiserOptions {
  /** Default adamw. `sgd` is plain: no momentum. */
  readonly method?: "adamw" | "sgd";
  /** Default 0.9 and 0.999. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled decay of matrices; default 0. Vectors are never decayed. */
  readonly weightDecay?: number;
  /** Gradients are scaled down to this norm over all parameters together. */
  readonly clipNorm?: number;
  /** Each element of a gradient is kept within +- this. */
  readonly clipValue?: number;
}

type Floats = Port<Float32Array<ArrayBuffer>>;

/** Owns gradients and moments: dispose it. */
export class Optimiser {
  readonly parameters: readonly Parameter[];
  /** Updates made so far. */
  steps = 0;
  readonly #options: OptimiserOptions;
  readonly #gradients: Storage;
  readonly #moments: Storage;
  readonly #gradientOf = new Map<Parameter, Tensor>();
  readonly #momentsOf = new Map<Parameter, readonly [Tensor, Tensor]>();
  readonly #norm: { graph: Graph; squares: Floats };
  readonly #update: { graph: Graph; factor: Floats; settings: readonly Floats[] };
  #accumulated = 0;

  /** For the parameters that are trainable now. */
  constructor(parameters: Parameters, options: OptimiserOptions = {}) {
    this.#options = options;
    this.parameters = parameters.trainable;
    if (this.parameters.length === 0) throw new DraftwrightError("bad-argument", "there is nothing to train");
    const { plain } = parameters.backend.bufferTypes();
    const count = this.parameters.length;
    this.#gradients = new Storage(plain, count);
    this.#moments = new Storage(plain, 2 * count);
    const adam = options.method !== "sgd";
    for (const parameter of this.parameters) {
      const make = (storage: Storage) => storage.tensor(Type.F32, ...parameter.shape);
      this.#gradientOf.set(parameter, make(this.#gradients));
      if (adam) this.#momentsOf.set(parameter, [make(this.#moments), make(this.#moments)]);
    }
    this.#gradients.allocate();
    if (adam) this.#moments.allocate();
    this.#norm = this.#buildNorm(parameters);
    this.#update = this.#buildUpdate(parameters);
  }

  /** @internal Where gradients of a parameter add up. */
  gradient(parameter: Parameter): Tensor | undefined {
    return this.#gradientOf.get(parameter);
  }

  /** @internal A loss graph is about to add its gradients; the first one after an update finds zeros. */
  accumulate(): void {
    if (this.#accumulated++ === 0) this.#gradients.clear();
  }

  #buildNorm({ backend }: Parameters) {
    const graph = new Graph(backend, 8 * this.parameters.length + 16);
    const c = graph.context;
    let squares: Tensor | undefined;
    for (const gradient of this.#gradientOf.values()) {
      const flat = ops.reshape(c, gradient, gradient.elements);
      const part = ops.mulMat(c, flat, flat);
      squares = squares ? ops.add(c, squares, part) : part;
    }
    const port = graph.output(squares as Tensor);
    graph.allocate();
    return { graph, squares: port };
  }

  #buildUpdate(parameters: Parameters) {
    const adam = this.#options.method !== "sgd";
    const graph = new Graph(parameters.backend, 8 * this.parameters.length + 16);
    const c = graph.context;
    const factor: Floats = graph.input(Type.F32, 1);
    const settings: Floats[] = [0, 1].map(() => graph.input(Type.F32, adam ? 7 : 2));
    for (const parameter of this.parameters) {
      const { clipValue } = this.#options;
      const raw = ops.mul(c, this.#gradientOf.get(parameter) as Tensor, factor.tensor);
      const gradient = clipValue === undefined ? raw : more.clamp(c, raw, -clipValue, clipValue);
      const weights = parameters.tensor(parameter);
      const setting = settings[parameter.decays ? 1 : 0].tensor;
      const moments = this.#momentsOf.get(parameter);
      graph.expand(
        moments ? more.adamW(c, weights, gradient, moments, setting) : more.sgd(c, weights, gradient, setting),
      );
    }
    graph.allocate();
    return { graph, factor, settings };
  }

  /**
   * One update from the mean of the gradients accumulated since the last. Returns their norm before clipping. Throws
   * `diverged` when it is not finite; parameters stay as they were.
   */
  step(rate: number): number {
    if (this.#accumulated === 0) throw new DraftwrightError("bad-argument", "no gradients: run a loss before a step");
    this.#norm.graph.compute();
    const scale = 1 / this.#accumulated;
    const norm = Math.sqrt(this.#norm.squares.array[0]) * scale;
    this.#accumulated = 0;
    if (!Number.isFinite(norm)) {
      throw new DraftwrightError("diverged", "a gradient is not finite; use a lower learning rate, or clip gradients");
    }
    this.steps++;
    const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0, clipNorm, method } = this.#options;
    const clip = clipNorm !== undefined && norm > clipNorm ? clipNorm / norm : 1;
    this.#update.factor.array[0] = scale * clip;
    for (const [i, { array }] of this.#update.settings.entries()) {
      const decay = i === 1 ? weightDecay : 0;
      const corrections = betas.map((beta) => 1 / (1 - beta ** this.steps));
      array.set(method === "sgd" ? [rate, decay] : [rate, betas[0], betas[1], epsilon, decay, ...corrections]);
    }
    this.#update.graph.compute();
    return norm;
  }

  /** @internal Tensors that a resumed run needs, by name. */
  get state(): ReadonlyMap<string, Tensor> {
    const state = new Map<string, Tensor>();
    for (const [parameter, [m, v]] of this.#momentsOf) {
      state.set(`m:${parameter.name}`, m);
      state.set(`v:${parameter.name}`, v);
    }
    return state;
  }

  [Symbol.dispose](): void {
    this.#norm.graph[Symbol.dispose]();
    this.#update.graph[Symbol.dispose]();
    this.#gradients[Symbol.dispose]();
    this.#moments[Symbol.dispose]();
  }
}
