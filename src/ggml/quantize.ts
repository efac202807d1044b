// Quantisation through ggml's own routines.
import { DraftwrightError } from "../errors.ts";
import { native } from "./native.ts";
import { rowBytes, type TensorType } from "./types.ts";

/** Rows of `columns` floats -> bytes of `type`. Throws for types that need an importance matrix or another row length. */
export function quantizeRows(type: TensorType, values: Float32Array, columns: number): Uint8Array {
  if (type.quantise !== "free" || native().needsImportance(type.id)) {
    throw new DraftwrightError(
      "bad-argument",
      `${type.name} cannot be made without an importance matrix; use Q8_0, Q4_0 or Q4_K`,
    );
  }
  const bytes = rowBytes(type, columns);
  const rows = values.length / columns;
  if (!Number.isInteger(rows) || rows < 1) {
    throw new DraftwrightError("bad-shape", `${values.length} values are no whole number of rows of ${columns}`);
  }
  const result = new Uint8Array(rows * bytes);
  native().quantizeInit(type.id);
  native().quantize(type.id, values, result, 0, rows, columns, null);
  return result;
}
