// GGUF model files in pure TypeScript: open and check (reader), write (writer). No FFI, and no tensor data in memory
// other than what a caller asks for. What the metadata mean for a model is decided in lm/config.ts.

// Tensor types belong to every file; from here they come without native code.
export { rowBytes, type TensorType, tensorType } from "../types.ts";
export type { Metadata } from "./metadata.ts";
export { type GgufFile, openGguf } from "./reader.ts";
export type { GgufTensor } from "./tensors.ts";
export type { ElementType, MetadataValue, NumericArray, StringList } from "./values.ts";
export { StringArray } from "./values.ts";
export { type GgufTensorSource, writeGguf } from "./writer.ts";
