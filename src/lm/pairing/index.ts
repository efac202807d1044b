// Which model can draft for which: decided from GGUF headers alone, nothing is loaded. `readHeader` reads one file,
// `pairModels` compares two.
export { type ModelHeader, readHeader } from "./header.ts";
export { type Fit, type Pairing, pairModels } from "./pair.ts";
