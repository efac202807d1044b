// llama.cpp's grammar sampler as the oracle of our own. For tests only: a token that it does not allow ends the process.
import koffi from "koffi";
import { DraftwrightError } from "../../errors.ts";
import { libraries } from "../library.ts";
import { addressOf, type Pointer } from "../native.ts";
import { llama } from "./api.ts";

const candidates = koffi.struct({ data: "void *", size: "size_t", selected: "int64_t", sorted: "bool" });

function declare() {
  const { llama } = libraries();
  // biome-ignore format: one C declaration a line reads best
  return {
    init: llama.func("void *llama_sampler_init_grammar(void *, const char *, const char *)") as (vocab: Pointer, gbnf: string, root: string) => Pointer | null,
    apply: llama.func("llama_sampler_apply", "void", ["void *", koffi.inout(koffi.pointer(candidates))]) as (sampler: Pointer, tokens: object) => void,
    accept: llama.func("void llama_sampler_accept(void *, int32_t)") as (sampler: Pointer, token: number) => void,
    free: llama.func("void llama_sampler_free(void *)") as (sampler: Pointer) => void,
  };
}

/** One text's way through a grammar, as llama.cpp walks it. Dispose of it. */
export class GrammarOracle {
  readonly #functions = declare();
  readonly #model: Pointer;
  readonly #sampler: Pointer;
  readonly #vocabSize: number;

  constructor(path: string, gbnf: string) {
    const l = llama();
    const model = l.loadModel(path, { ...l.modelDefaults(), vocabOnly: true, nGpuLayers: 0 });
    if (!model) throw new DraftwrightError("bad-model", `libllama cannot read the vocabulary of ${path}`);
    this.#model = model;
    this.#vocabSize = l.vocabSize(l.vocab(model));
    const sampler = this.#functions.init(l.vocab(model), gbnf, "root");
    if (!sampler) {
      l.freeModel(model);
      throw new DraftwrightError("bad-argument", "libllama refuses this grammar");
    }
    this.#sampler = sampler;
  }

  /** Tokens that may come next, ascending. */
  allowed(): number[] {
    // llama_token_data: id, logit, p.
    const data = new Float32Array(this.#vocabSize * 3);
    const ids = new Int32Array(data.buffer);
    for (let token = 0; token < this.#vocabSize; token++) ids[token * 3] = token;
    this.#functions.apply(this.#sampler, {
      data: addressOf(data),
      size: this.#vocabSize,
      selected: -1n,
      sorted: false,
    });
    const tokens: number[] = [];
    for (let token = 0; token < this.#vocabSize; token++) if (data[token * 3 + 1] === 0) tokens.push(token);
    return tokens;
  }

  accept(token: number): void {
    this.#functions.accept(this.#sampler, token);
  }

  [Symbol.dispose](): void {
    this.#functions.free(this.#sampler);
    llama().freeModel(this.#model);
  }
}
