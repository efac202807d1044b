// The tensor types of ggml 0.25.1: ids, names and block sizes. Plain data, no FFI.
// Source: `enum ggml_type` of ggml.h and the static_asserts on block sizes in ggml-common.h.

import { DraftwrightError } from "../errors.ts";

export interface TensorType {
  /** `enum ggml_type`. */
  readonly id: number;
  /** ggml's name in upper case ("F32", "Q8_0", "Q4_K", "IQ2_XXS"). */
  readonly name: string;
  /** Elements a block; rows hold whole blocks. */
  readonly blockElements: number;
  readonly blockBytes: number;
  /** Weights may be stored in it: matrix products and row look-ups exist for it. False for integers and activation formats. */
  readonly weights: boolean;
  /** Whether `ggml_quantize_chunk` makes it, and whether it demands an importance matrix. */
  readonly quantise: "free" | "needs-importance" | "never";
}

const F = "free";
const I = "needs-importance";
const N = "never";

const TABLE: readonly [number, string, number, number, boolean, TensorType["quantise"]][] = [
  [0, "F32", 1, 4, true, F],
  [1, "F16", 1, 2, true, F],
  [2, "Q4_0", 32, 18, true, F],
  [3, "Q4_1", 32, 20, true, F],
  [6, "Q5_0", 32, 22, true, F],
  [7, "Q5_1", 32, 24, true, F],
  [8, "Q8_0", 32, 34, true, F],
  [9, "Q8_1", 32, 36, false, N],
  [10, "Q2_K", 256, 84, true, F],
  [11, "Q3_K", 256, 110, true, F],
  [12, "Q4_K", 256, 144, true, F],
  [13, "Q5_K", 256, 176, true, F],
  [14, "Q6_K", 256, 210, true, F],
  [15, "Q8_K", 256, 292, false, N],
  [16, "IQ2_XXS", 256, 66, true, I],
  [17, "IQ2_XS", 256, 74, true, I],
  [18, "IQ3_XXS", 256, 98, true, F],
  [19, "IQ1_S", 256, 50, true, I],
  [20, "IQ4_NL", 32, 18, true, F],
  [21, "IQ3_S", 256, 110, true, F],
  [22, "IQ2_S", 256, 82, true, F],
  [23, "IQ4_XS", 256, 136, true, F],
  [24, "I8", 1, 1, false, N],
  [25, "I16", 1, 2, false, N],
  [26, "I32", 1, 4, false, N],
  [27, "I64", 1, 8, false, N],
  [28, "F64", 1, 8, false, N],
  [29, "IQ1_M", 256, 56, true, F],
  [30, "BF16", 1, 2, true, F],
  [34, "TQ1_0", 256, 54, true, F],
  [35, "TQ2_0", 256, 66, true, F],
  [39, "MXFP4", 32, 17, true, F],
  [40, "NVFP4", 64, 36, true, F],
  [41, "Q1_0", 128, 18, true, F],
  [42, "Q2_0", 64, 18, true, F],
];

const types: readonly TensorType[] = TABLE.map(([id, name, blockElements, blockBytes, weights, quantise]) => ({
  id,
  name,
  blockElements,
  blockBytes,
  weights,
  quantise,
}));
const byId = new Map(types.map((type) => [type.id, type]));
const byName = new Map(types.map((type) => [type.name, type]));

/** Undefined for ids that ggml 0.25.1 does not know or has removed (4, 5, 31..33, 36..38). */
export function tensorTypeById(id: number): TensorType | undefined {
  return byId.get(id);
}

/** The type called `name`, upper or lower case. Throws `bad-argument` with the list of names. */
export function tensorType(name: string): TensorType {
  const type = byName.get(name.toUpperCase());
  if (type === undefined) {
    const known = [...byName.keys()].join(", ");
    throw new DraftwrightError("bad-argument", `Unknown tensor type "${name}". Use one of ${known}.`);
  }
  return type;
}

/** Bytes of a row of `elements`. Throws `bad-shape` unless `elements` is a positive multiple of the block. */
export function rowBytes(type: TensorType, elements: number): number {
  if (!Number.isSafeInteger(elements) || elements <= 0 || elements % type.blockElements !== 0) {
    throw new DraftwrightError(
      "bad-shape",
      `A ${type.name} row holds a positive multiple of ${type.blockElements} elements, not ${elements}.`,
    );
  }
  return (elements / type.blockElements) * type.blockBytes;
}
