// Device memory for tensors that outlive a graph: weights and KV rows.
import { DraftwrightError } from "../errors.ts";
import type { BufferType } from "./backend.ts";
import { native, type Pointer } from "./native.ts";
import { Context, type Tensor } from "./tensor.ts";

/** A context whose tensors are all placed in one buffer type. Declare tensors, then allocate once. Dispose it. */
export class Storage {
  readonly context: Context;
  readonly bufferType: BufferType;
  #buffer: Pointer = 0n;

  constructor(bufferType: BufferType, tensors: number) {
    this.bufferType = bufferType;
    this.context = new Context(tensors);
  }

  /** Takes zeroed memory for all declared tensors. Throws `out-of-memory`, naming the size. */
  allocate(usage: "weights" | "any" = "any"): void {
    const n = native();
    const size = n.allocSize(this.context.pointer, this.bufferType.pointer);
    const buffer = n.allocContext(this.context.pointer, this.bufferType.pointer);
    if (!buffer) {
      throw new DraftwrightError(
        "out-of-memory",
        `could not take ${(size / 2 ** 20).toFixed(0)} MiB of ${this.bufferType.name} memory; ` +
          "use a smaller model, a smaller --context, or free memory",
      );
    }
    this.#buffer = buffer;
    // GGML_BACKEND_BUFFER_USAGE_WEIGHTS
    if (usage === "weights") n.bufferUsage(buffer, 1);
    else n.bufferClear(buffer, 0);
  }

  /** Sets all elements to zero. */
  clear(): void {
    native().bufferClear(this.#buffer, 0);
  }

  get bytes(): number {
    return this.#buffer ? native().bufferSize(this.#buffer) : 0;
  }

  tensor(...description: Parameters<Context["tensor"]>): Tensor {
    return this.context.tensor(...description);
  }

  [Symbol.dispose](): void {
    if (this.#buffer) native().bufferFree(this.#buffer);
    this.#buffer = 0n;
    this.context[Symbol.dispose]();
  }
}
