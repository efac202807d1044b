// ggml and libllama through FFI: tensors, graphs, back ends, quantisation, GGUF files, vocabularies.
// The only room that touches native code. Every shape and type is checked here first, because a failed assertion inside
// ggml aborts the process. Objects that own native memory have Symbol.dispose. Nothing here knows what a language model is.
export { Backend, BufferType, type Device, devices, findDevice } from "./backend.ts";
export { Storage } from "./buffer.ts";
export * from "./gguf/index.ts";
export { Graph, type HostArray, type Port } from "./graph.ts";
export { libraryDirectory, nativePackages } from "./library.ts";
export { Oracle, type OracleOptions } from "./llama/oracle.ts";
export { Vocabulary } from "./llama/vocabulary.ts";
export * as ops from "./ops.ts";
export { quantizeRows } from "./quantize.ts";
export { Context, type Shape, Tensor, Type } from "./tensor.ts";
export { type ThreadOptions, usableCores } from "./threads.ts";
export * as trainingOps from "./training-ops.ts";
export { rowBytes, type TensorType, tensorType, tensorTypeById } from "./types.ts";
