// The model store: GGUF files on this machine, in the Hugging Face hub cache layout, so that nothing is downloaded twice.
// `pullModel` brings a file (resumable, verified, atomic), `listModels` and `resolveModel` find what is here,
// `removeModel` deletes inside the cache only. Reading GGUF headers is src/ggml/gguf's affair; drawing is the CLI's,
// which gets `progressLine` for it.

export { type ListedModel, listModels } from "./list.ts";
export { progressLine } from "./progress.ts";
export { type PulledModel, type PullOptions, pullModel } from "./pull.ts";
export { type RemovedModel, removeModel } from "./remove.ts";
export { resolveModel } from "./resolve.ts";
export { type StoreSettings, storeSettings } from "./settings.ts";
