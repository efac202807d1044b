// Generated models for tests and benchmarks: tiny ones of every architecture with random weights, and files of a real
// model's shape. Nothing in the product imports this room.

export { type RandomModelOptions, type RopeVariant, writeRandomModel } from "./random-model.ts";
export { type Change, rewriteGguf } from "./rewrite.ts";
export { shapeModel } from "./shape-model.ts";
