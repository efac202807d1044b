// A graph: built once, allocated once, computed many times with new inputs.
import { DraftwrightError } from "../errors.ts";
import type { Backend } from "./backend.ts";
import { native, type Pointer } from "./native.ts";
import { Context, type Tensor, Type } from "./tensor.ts";
import type { TensorType } from "./types.ts";

export type HostArray =
  | Int32Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>;

function hostArray(type: TensorType, buffer: ArrayBuffer): HostArray {
  if (type === Type.F32) return new Float32Array(buffer);
  if (type === Type.I32) return new Int32Array(buffer);
  if (type === Type.F16) return new Uint16Array(buffer);
  if (type === Type.I64) return new BigInt64Array(buffer);
  throw new DraftwrightError("internal", `graph inputs and outputs of type ${type.name} are not supported`);
}

/** A tensor the caller fills before, or reads after, a computation. On host memory `array` is the tensor itself. */
export interface Port<A extends HostArray = HostArray> {
  readonly tensor: Tensor;
  /** Valid after `allocate`. */
  array: A;
}

/** Owns its tensors and their memory: dispose it. */
export class Graph {
  readonly context: Context;
  #graph: Pointer;
  #allocator: Pointer = 0n;
  #backend: Backend;
  #isHost: boolean;
  #inputs: Port[] = [];
  #used: Port[] = [];
  #outputs: Port[] = [];

  constructor(backend: Backend, maxNodes: number) {
    this.#backend = backend;
    this.#isHost = backend.bufferTypes().plain.isHost;
    this.context = new Context(maxNodes, maxNodes);
    this.#graph = native().newGraph(this.context.pointer, maxNodes, false);
  }

  /** A tensor the caller fills before each computation. I32, I64, F32, or F16 as its bits. */
  input<A extends HostArray>(type: TensorType, ...shape: number[]): Port<A> {
    const tensor = this.context.tensor(type, ...shape);
    native().setInput(tensor.pointer);
    const port: Port = { tensor, array: hostArray(type, new ArrayBuffer(0)) };
    this.#inputs.push(port);
    return port as Port<A>;
  }

  /** An input of any type, written with `Tensor.write` after `allocate`. */
  tensorInput(type: TensorType, ...shape: number[]): Tensor {
    const tensor = this.context.tensor(type, ...shape);
    native().setInput(tensor.pointer);
    return tensor;
  }

  /** Keeps an input's contents between computations; without it ggml may reuse its memory once it has been read. */
  keep(port: Port): void {
    native().setOutput(port.tensor.pointer);
  }

  /** Marks an F32 result the caller will read. Must be contiguous. */
  output(tensor: Tensor): Port<Float32Array<ArrayBuffer>> {
    if (!tensor.isContiguous)
      throw new DraftwrightError("bad-shape", `a graph output must be contiguous, not ${tensor}`);
    native().setOutput(tensor.pointer);
    this.expand(tensor);
    const port = { tensor, array: new Float32Array(0) };
    this.#outputs.push(port);
    return port;
  }

  /** Adds a tensor and all it depends on. Order matters for writes that nothing depends on (setRows). */
  expand(tensor: Tensor): void {
    native().expand(this.#graph, tensor.pointer);
  }

  /** Takes memory for all tensors; afterwards ports can be filled. Throws `out-of-memory`. */
  allocate(): void {
    const n = native();
    this.#allocator = n.galloc(n.deviceBufferType(this.#backend.device.pointer));
    // Reserving first keeps ggml from printing about a reallocation.
    if (!n.gallocReserve(this.#allocator, this.#graph) || !n.gallocGraph(this.#allocator, this.#graph)) {
      this[Symbol.dispose]();
      throw new DraftwrightError("out-of-memory", "no memory for the computation; use a smaller --context or batch");
    }
    // Inputs that nothing uses get no memory; the caller may fill them all the same.
    this.#used = this.#inputs.filter((port) => port.tensor.hasMemory);
    for (const port of [...this.#inputs, ...this.#outputs]) {
      const inPlace = this.#isHost && port.tensor.hasMemory;
      port.array = hostArray(port.tensor.type, inPlace ? port.tensor.map() : new ArrayBuffer(port.tensor.bytes));
    }
  }

  /** Bytes of tensor memory. */
  get bytes(): number {
    return this.#allocator ? native().gallocSize(this.#allocator, 0) : 0;
  }

  /** Runs the graph with the ports' present contents. Blocks until done. */
  compute(): void {
    const n = native();
    if (!this.#isHost) for (const port of this.#used) port.tensor.write(port.array);
    const status = n.compute(this.#backend.pointer, this.#graph);
    if (status !== 0)
      throw new DraftwrightError("native-failed", `ggml could not compute the graph (status ${status})`);
    if (!this.#isHost) for (const port of this.#outputs) port.tensor.read(port.array);
  }

  [Symbol.dispose](): void {
    if (this.#allocator) native().gallocFree(this.#allocator);
    this.#allocator = 0n;
    for (const port of [...this.#inputs, ...this.#outputs])
      port.array = hostArray(port.tensor.type, new ArrayBuffer(0));
    this.context[Symbol.dispose]();
  }
}
