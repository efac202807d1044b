// A model's weights as they stand in its file, one tensor each, for graphs with gradients: nothing is stacked or
// repacked, and nothing changes them.
import { freemem } from "node:os";
import { type Backend, type GgufFile, openGguf, Storage, type Tensor } from "../../ggml/index.ts";
import { type ModelConfig, readConfig } from "../config.ts";
import { fileHash } from "../file-hash.ts";

/** Owns device memory: dispose it. */
export class FrozenModel {
  readonly path: string;
  readonly config: ModelConfig;
  /** As `LoadedModel.hash`. */
  readonly hash: string;
  /** `tokenizer.chat_template` of the file. */
  readonly chatTemplate: string | undefined;
  readonly #storage: Storage;
  readonly #tensors = new Map<string, Tensor>();

  /** Reads and checks a file. `wanted`: names of the tensors to load; default all. Throws like `loadLanguageModel`. */
  constructor(path: string, backend: Backend, wanted: (name: string) => boolean = () => true) {
    this.path = path;
    using gguf = openGguf(path);
    this.config = readConfig(gguf, { freeMemory: freemem() });
    this.hash = fileHash(gguf);
    this.chatTemplate = gguf.metadata.string("tokenizer.chat_template");
    const names = [...gguf.tensors.keys()].filter(wanted);
    this.#storage = new Storage(backend.bufferTypes().plain, names.length);
    for (const name of names) this.#declare(gguf, name);
    try {
      this.#storage.allocate("weights");
      for (const [name, tensor] of this.#tensors) fill(gguf, name, tensor);
    } catch (error) {
      this.#storage[Symbol.dispose]();
      throw error;
    }
  }

  #declare(gguf: GgufFile, name: string): void {
    const info = gguf.tensors.get(name);
    if (info) this.#tensors.set(name, this.#storage.tensor(info.type, ...info.ne));
  }

  /** A loaded tensor. */
  tensor(name: string): Tensor {
    return this.#tensors.get(name) as Tensor;
  }

  [Symbol.dispose](): void {
    this.#storage[Symbol.dispose]();
  }
}

function fill(gguf: GgufFile, name: string, tensor: Tensor): void {
  const info = gguf.tensors.get(name);
  if (!info) return;
  const bytes = new Uint8Array(info.bytes);
  gguf.readInto(info, bytes);
  tensor.write(bytes);
}
