// The readable models: a f64 transformer in plain TypeScript, and a table that maps prefixes to distributions.
// They are oracles for the fast models and for drafting: every row is computed alone, so they are batch-invariant by
// construction. Nothing here is fast, and nothing at run time depends on it.

export { seededRandom } from "./random.ts";
export { type TableOptions, tableModel } from "./table.ts";
export { type ToyOptions, toyModel } from "./transformer.ts";
