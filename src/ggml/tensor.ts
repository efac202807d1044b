// Tensors and the contexts that own their descriptions. Shapes are mirrored here, so that every check happens before C.
import { DraftwrightError } from "../errors.ts";
import { memory, native, type Pointer } from "./native.ts";
import { rowBytes, type TensorType, tensorType } from "./types.ts";

/** The types graphs compute with. */
export const Type = {
  F32: tensorType("F32"),
  F16: tensorType("F16"),
  I32: tensorType("I32"),
  I64: tensorType("I64"),
} as const;

/** Elements along the four dimensions, fastest first (ggml's order: a weight [in, out] multiplies columns of length in). */
export type Shape = readonly [number, number, number, number];

/** A tensor of a context. Bytes between neighbours along each dimension are in `stride`. */
export class Tensor {
  /** @internal */
  readonly pointer: Pointer;
  readonly type: TensorType;
  readonly shape: Shape;
  readonly stride: Shape;

  /** @internal */
  constructor(pointer: Pointer, type: TensorType, shape: Shape, stride: Shape) {
    this.pointer = pointer;
    this.type = type;
    this.shape = shape;
    this.stride = stride;
  }

  get rows(): number {
    return this.shape[1] * this.shape[2] * this.shape[3];
  }

  get elements(): number {
    return this.shape[0] * this.rows;
  }

  /** Bytes of a contiguous tensor of this type and shape. */
  get bytes(): number {
    return rowBytes(this.type, this.shape[0]) * this.rows;
  }

  get isContiguous(): boolean {
    const packed = packedStride(this.type, this.shape);
    return this.shape.every((n, i) => n === 1 || this.stride[i] === packed[i]);
  }

  toString(): string {
    return `${this.type.name}[${this.shape.join(", ")}]`;
  }

  /** Copies bytes into the tensor, on any device. Throws `bad-shape` when they do not fit. */
  write(data: ArrayBufferView, offset = 0): void {
    this.#checkRange(data.byteLength, offset);
    native().tensorSet(this.pointer, data, offset, data.byteLength);
  }

  /** Copies bytes out of the tensor, on any device. */
  read(target: ArrayBufferView, offset = 0): void {
    this.#checkRange(target.byteLength, offset);
    native().tensorGet(this.pointer, target, offset, target.byteLength);
  }

  /** False until a buffer or graph has given it memory; a graph gives none to inputs that nothing uses. */
  get hasMemory(): boolean {
    return Boolean(native().data(this.pointer));
  }

  /** The tensor's memory in place. Only for host memory, and only while its buffer or graph is alive. */
  map(): ArrayBuffer {
    const address = native().data(this.pointer);
    if (!address) throw new DraftwrightError("internal", `${this} has no memory yet`);
    return memory(address, this.bytes);
  }

  #checkRange(length: number, offset: number): void {
    if (!this.isContiguous || offset < 0 || offset + length > this.bytes) {
      throw new DraftwrightError(
        "bad-shape",
        `bytes ${offset}..${offset + length} are outside of ${this} (${this.bytes} bytes)`,
      );
    }
  }
}

/** Strides in bytes of a contiguous tensor. */
export function packedStride(type: TensorType, shape: Shape): Shape {
  const row = rowBytes(type, shape[0]);
  return [type.blockBytes, row, row * shape[1], row * shape[1] * shape[2]];
}

/** Owns tensor descriptions (and a graph), not their data. Dispose it after the buffers that hold the data. */
export class Context {
  #pointer: Pointer;

  /** Room for `tensors` descriptions and, if `graphNodes` > 0, a graph of that many nodes. */
  constructor(tensors: number, graphNodes = 0) {
    const n = native();
    const size = n.tensorOverhead() * tensors + (graphNodes ? n.graphOverhead(graphNodes, false) : 0) + 256;
    const pointer = n.init({ size, buffer: null, noAlloc: true });
    if (!pointer) throw new DraftwrightError("out-of-memory", `no memory for ${tensors} tensor descriptions`);
    this.#pointer = pointer;
    this.#room = tensors;
  }

  #room: number;
  readonly #tensors = new Set<Tensor>();

  /** Tensors made by `tensor` so far. */
  get used(): number {
    return this.#tensors.size;
  }

  /** Whether `tensor` made this one. */
  owns(tensor: Tensor): boolean {
    return this.#tensors.has(tensor);
  }

  /** @internal Takes room for one description: ggml aborts the process when a context overflows. */
  take(): Pointer {
    if (this.#room-- <= 0) throw new DraftwrightError("internal", "a tensor context is full; it was sized too small");
    return this.pointer;
  }

  /** @internal */
  get pointer(): Pointer {
    if (!this.#pointer) throw new DraftwrightError("disposed", "this tensor context was disposed");
    return this.#pointer;
  }

  tensor(type: TensorType, ...dimensions: number[]): Tensor {
    const shape = toShape(dimensions);
    const pointer = native().newTensor(this.take(), type.id, ...shape);
    const tensor = new Tensor(pointer, type, shape, packedStride(type, shape));
    this.#tensors.add(tensor);
    return tensor;
  }

  [Symbol.dispose](): void {
    if (!this.#pointer) return;
    native().free(this.#pointer);
    this.#pointer = 0n;
  }
}

/** Checks dimensions and fills them up to four. */
export function toShape(dimensions: readonly number[]): Shape {
  const shape = [1, 1, 1, 1];
  if (dimensions.length < 1 || dimensions.length > 4)
    throw new DraftwrightError("bad-shape", "a tensor has 1 to 4 dimensions");
  for (const [i, n] of dimensions.entries()) {
    if (!Number.isSafeInteger(n) || n < 1)
      throw new DraftwrightError("bad-shape", `dimension ${i} must be a positive integer, not ${n}`);
    shape[i] = n;
  }
  return shape as unknown as Shape;
}
