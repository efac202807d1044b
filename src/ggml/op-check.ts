// What the graph operations share: refusing operands before ggml would assert, and mirroring the shape of a result.
import { DraftwrightError } from "../errors.ts";
import type { Pointer } from "./native.ts";
import { packedStride, type Shape, Tensor } from "./tensor.ts";
import type { TensorType } from "./types.ts";

/** Throws `bad-shape`, naming the operation and its operands. */
export function check(ok: boolean, operation: string, ...tensors: (Tensor | undefined)[]): void {
  if (ok) return;
  const shapes = tensors.filter((t) => t !== undefined).join(", ");
  throw new DraftwrightError(
    "bad-shape",
    `${operation} cannot take ${shapes}; check the model's tensor shapes and types`,
  );
}

/** A result with memory of its own: contiguous. */
export function fresh(pointer: Pointer, type: TensorType, shape: Shape): Tensor {
  return new Tensor(pointer, type, shape, packedStride(type, shape));
}

export const sameShape = (a: Tensor, b: Tensor): boolean => a.shape.every((n, i) => n === b.shape[i]);
export const rowsPacked = (t: Tensor): boolean => t.stride[0] === t.type.blockBytes;
/** ggml_can_repeat: b tiles a. */
export const tiles = (b: Tensor, a: Tensor): boolean => a.shape.every((n, i) => n % b.shape[i] === 0);
