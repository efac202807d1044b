// Language models with gradients: the architectures in the op set of training, frozen weights, low-rank adapters. What is
// trained on what text, and for how long, is decided above.
export { FrozenModel } from "./frozen-model.ts";
export { Lora, type LoraSettings, loraDefaults } from "./lora.ts";
export { type MergeOptions, mergeLora, metadataOf } from "./merge.ts";
export { TrainingOps, type TrainingWeights, trainingForward } from "./training-ops.ts";
