// Neural networks on ggml graphs: layers, losses, gradients, optimisers, checkpoints. For training, and for running what
// was trained. Knows nothing of language models, files of data or progress bars.
//
//   using backend = new Backend(undefined, { threads: 1 });
//   using all = new Parameters(backend, 1);                        // seed
//   const net = new Mlp(all, "net", [8, 128, 4]);
//   using optimiser = new Optimiser(all, { weightDecay: 0.01, clipNorm: 1 });
//   using graph = new LossGraph(backend, optimiser, (tape) => {
//     const [x, labels] = [tape.input(8, 32), new Labels(tape, 4, 32)];   // 32 rows of 8 numbers, 4 classes
//     return { x, labels, loss: crossEntropy(net.apply(x.variable), labels) };
//   });
//   const rate = cosine(1e-3, 1000, 20);
//   for (let step = 0; step < 1000; step++) {
//     graph.parts.x.set(nextRows()); graph.parts.labels.hard(nextClasses());
//     const loss = graph.run(); optimiser.step(rate(step));        // several runs before a step accumulate gradients
//   }
//   saveParameters("net.gguf", all);
//
// To run a trained network: `new Tape(backend, { gradients: false })`, apply the layers to inputs, `output`, `ready`,
// then fill inputs and `run`. Tensors are [features, rows, ..], fastest dimension first, as in ggml.
export * from "./checkpoint.ts";
export * from "./elementwise.ts";
export * from "./initialisers.ts";
export * from "./layers.ts";
export * from "./loss-graph.ts";
export * from "./losses.ts";
export * from "./optimiser.ts";
export { Parameter, Parameters } from "./parameters.ts";
export * from "./products.ts";
export { Random } from "./random.ts";
export { type LstmState, type LstmStates, lstm } from "./recurrence.ts";
export * from "./schedule.ts";
export { concat, permute, reshape, selectRows, slice } from "./shapes.ts";
export { Input, Tape, type TapeOptions, Variable } from "./tape.ts";
