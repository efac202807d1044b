// Small networks for agents, in plain typed arrays: a dense network with sparse input (mlp.ts) and its optimiser (adam.ts).
// They know nothing of any game.
export { Adam } from "./adam.ts";
export { type FloatArray, Mlp, type Network, type NetworkShape, SparseInput } from "./mlp.ts";
