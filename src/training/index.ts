// Training: the loop with its budget, schedule, evaluation and saving; texts as data; adapters. Which tasks exist for
// drafters is decided in drafting/; networks and gradients live in nn/.

export { defaultShape, type ModelShape } from "./fresh-model.ts";
export { type TrainLmOptions, trainLm } from "./lm.ts";
export * from "./loop.ts";
export { type TrainLoraOptions, trainLora } from "./lora.ts";
export { reporter } from "./report.ts";
export { followParent, isTrainingChild, superviseChild } from "./supervise.ts";
export {
  type Document,
  makeSamples,
  readDocuments,
  type Sample,
  splitHeldOut,
  type TextSource,
  textSource,
} from "./text-data.ts";
export { TextTask, type TextTaskOptions } from "./text-task.ts";
export { tokenizerReporter } from "./tokenizer/report.ts";
export { type TrainTokenizerOptions, trainTokenizer } from "./tokenizer/train-tokenizer.ts";
