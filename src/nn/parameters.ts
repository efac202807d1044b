// The numbers that are learned: named F32 tensors in device memory. For use they may be of any type.
import { DraftwrightError } from "../errors.ts";
import { type Backend, Storage, type Tensor, type TensorType, Type, trainingOps } from "../ggml/index.ts";
import type { Initialiser } from "./initialisers.ts";
import { Random } from "./random.ts";

export class Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether weight decay applies: to matrices, not to biases and norms. */
  readonly decays: boolean;
  /** Frozen parameters get no gradient. Decided before the first tape uses them. */
  trainable = true;
  /** @internal */
  tensor: Tensor | undefined;
  #type: TensorType = Type.F32;
  /** @internal Values until the tensor has memory. */
  initial: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | undefined;

  constructor(name: string, shape: readonly number[], initial: Float32Array<ArrayBuffer>) {
    this.name = name;
    this.shape = shape;
    this.decays = shape.length > 1;
    this.initial = initial;
  }

  get elements(): number {
    return this.shape.reduce((product, n) => product * n, 1);
  }

  get type(): TensorType {
    return this.#type;
  }

  /** Takes values of another type, as they stand in a file: it is frozen then. Throws `bad-argument` once it is in use. */
  freeze(type: TensorType, bytes: Uint8Array<ArrayBuffer>): void {
    if (this.tensor)
      throw new DraftwrightError("bad-argument", `"${this.name}" is in use: load before the first graph`);
    this.#type = type;
    this.trainable = false;
    this.initial = bytes;
  }

  /** A copy of the values. Throws `bad-argument` when they are not F32. */
  read(): Float32Array<ArrayBuffer> {
    if (this.#type !== Type.F32) throw new DraftwrightError("bad-argument", `"${this.name}" is ${this.#type.name}`);
    if (this.initial) return (this.initial as Float32Array<ArrayBuffer>).slice();
    const values = new Float32Array(this.elements);
    this.tensor?.read(values);
    return values;
  }

  /** Throws `bad-shape` unless there is one value for each element. */
  write(values: Float32Array<ArrayBuffer>): void {
    if (values.length !== this.elements) {
      throw new DraftwrightError("bad-shape", `"${this.name}" has ${this.elements} elements, not ${values.length}`);
    }
    if (this.#type !== Type.F32) throw new DraftwrightError("bad-argument", `"${this.name}" is ${this.#type.name}`);
    if (this.initial) this.initial = values.slice();
    else this.tensor?.write(values);
  }
}

/** All parameters of a network, in the order in which its layers were made. Owns device memory: dispose it. */
export class Parameters {
  readonly backend: Backend;
  readonly random: Random;
  readonly #list = new Map<string, Parameter>();
  readonly #storages: Storage[] = [];

  constructor(backend: Backend, seed = 0) {
    this.backend = backend;
    this.random = new Random(seed);
  }

  /** Declares a parameter; layers do this in their constructors. `shape` is fastest first, as in ggml. */
  create(name: string, shape: readonly number[], initialiser: Initialiser): Parameter {
    if (this.#list.has(name)) throw new DraftwrightError("bad-argument", `two parameters are called "${name}"`);
    const values = new Float32Array(shape.reduce((product, n) => product * n, 1));
    initialiser(values, shape, this.random);
    const parameter = new Parameter(name, shape, values);
    this.#list.set(name, parameter);
    return parameter;
  }

  get all(): readonly Parameter[] {
    return [...this.#list.values()];
  }

  get trainable(): readonly Parameter[] {
    return this.all.filter((parameter) => parameter.trainable);
  }

  /** Learned numbers together. */
  get count(): number {
    return this.all.reduce((sum, parameter) => sum + parameter.elements, 0);
  }

  /** Throws `bad-argument` for an unknown name. */
  get(name: string): Parameter {
    const found = this.#list.get(name);
    if (!found) throw new DraftwrightError("bad-argument", `there is no parameter "${name}"`);
    return found;
  }

  /** @internal The tensor of a parameter; takes memory for all declared ones at the first call. */
  tensor(parameter: Parameter): Tensor {
    if (!parameter.tensor) this.#allocate();
    return parameter.tensor as Tensor;
  }

  #allocate(): void {
    const waiting = this.all.filter((parameter) => !parameter.tensor);
    const storage = new Storage(this.backend.bufferTypes().plain, waiting.length);
    this.#storages.push(storage);
    for (const parameter of waiting) {
      parameter.tensor = storage.tensor(parameter.type, ...parameter.shape);
      if (parameter.trainable) trainingOps.markParameter(parameter.tensor);
    }
    storage.allocate();
    for (const parameter of waiting) {
      parameter.tensor?.write(parameter.initial as ArrayBufferView);
      parameter.initial = undefined;
    }
  }

  [Symbol.dispose](): void {
    for (const storage of this.#storages) storage[Symbol.dispose]();
  }
}
