// The cases: small sound models of every architecture, and for each (seed, number) one file mutated from one of them.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { mutateBytes } from "./mutate-bytes.mjs";
import { mutateMeaning } from "./mutate-meaning.mjs";
import { Random } from "./random.mjs";

const SMALL = { hiddenSize: 64, headSize: 32, headCount: 2, kvHeadCount: 1, feedForwardSize: 64, layerCount: 2 };
const SIZES = { ...SMALL, vocabSize: 420, contextLength: 128 };
const BASES = [
  { architecture: "llama" },
  { architecture: "llama", biases: true, rope: "llama3", tokenizer: "bpe", weightType: "F32" },
  { architecture: "llama", rope: "yarn", tiedOutput: true, weightType: "Q4_0" },
  { architecture: "qwen2" },
  { architecture: "qwen3", weightType: "F16" },
  { architecture: "gemma2" },
  { architecture: "gemma3", tokenizer: "bpe" },
  { architecture: "phi3", rope: "longrope" },
];
const TYPES = ["F32", "F16", "Q4_0", "Q8_0", "Q8_1", "I32", "F64", "BF16", "IQ4_NL", "MXFP4"];

/** Writes the sound models into `folder` with the package built in `dist`. */
export async function writeBases(folder, dist) {
  const { writeRandomModel } = await import(pathToFileURL(join(dist, "lm/testing/index.js")).href);
  mkdirSync(folder, { recursive: true });
  for (const [i, options] of BASES.entries()) writeRandomModel(basePath(folder, i), { ...SIZES, ...options });
}

function basePath(folder, i) {
  return join(folder, `base${i}.gguf`);
}

/** A function (seed, number) -> Buffer: the mutated file. `scratch` is a file name it may use. */
export async function caseMaker(folder, dist, scratch) {
  const gguf = await import(pathToFileURL(join(dist, "ggml/gguf/index.js")).href);
  const types = TYPES.map((name) => gguf.tensorType(name));
  const bases = BASES.map((_, i) => ({
    bytes: readFileSync(basePath(folder, i)),
    model: readModel(gguf, basePath(folder, i)),
  }));
  return (seed, number) => {
    const random = new Random(seed, number);
    const base = random.pick(bases);
    const meaning = random.chance(0.5);
    let { bytes } = base;
    if (meaning) {
      const model = {
        metadata: new Map(base.model.metadata),
        tensors: base.model.tensors.map((t) => ({ ...t })),
        types,
      };
      mutateMeaning(model, random);
      bytes = encode(gguf, model, scratch);
    }
    return !meaning || random.chance(0.2) ? mutateBytes(bytes, random) : bytes;
  };
}

function readModel(gguf, path) {
  const file = gguf.openGguf(path);
  const metadata = new Map([...file.metadata.keys()].map((key) => [key, file.metadata.value(key)]));
  const tensors = [...file.tensors.values()].map(({ name, type, ne, bytes }) => {
    const data = new Uint8Array(bytes);
    file.readInto(file.tensors.get(name), data);
    return { name, type, ne: ne.slice(0, ne.findLastIndex((size) => size > 1) + 1), data };
  });
  file.close();
  return { metadata, tensors };
}

/** The model as a file; a tensor's data are cut or padded to what its shape and type now need. */
function encode(gguf, { metadata, tensors }, scratch) {
  const sources = tensors.map(({ name, type, ne, data }) => {
    const bytes = ne.slice(1).reduce((product, size) => product * size, gguf.rowBytes(type, ne[0]));
    const fitted = new Uint8Array(bytes);
    fitted.set(data.subarray(0, bytes));
    return { name, type, ne, data: () => fitted };
  });
  const alignment = metadata.get("general.alignment");
  // The writer would loop over padding of 4 GiB; the reader meets such alignments through mutateBytes.
  if (alignment?.type === "uint32" && (alignment.value === 0 || alignment.value > 4096)) alignment.value = 48;
  gguf.writeGguf(scratch, metadata, sources);
  const bytes = readFileSync(scratch);
  rmSync(scratch);
  return bytes;
}
