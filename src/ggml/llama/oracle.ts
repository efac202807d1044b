// llama.cpp itself as the oracle: the same file, the same threads, in this process. For tests and benchmarks only.
import { DraftwrightError } from "../../errors.ts";
import { findDevice } from "../backend.ts";
import { addressOf, memory, type Pointer } from "../native.ts";
import { ThreadPool } from "../threads.ts";
import { llama } from "./api.ts";

export interface OracleOptions {
  contextLength: number;
  threads: number;
  /** Rows of one decode; default 512. */
  batch?: number;
  /** Repacked weights, as llama.cpp has by default. Their kernels round differently from the plain ones. */
  repack?: boolean;
  /** ggml type id of the KV rows; default F16. */
  kvType?: number;
  /** A LoRA adapter's file. */
  adapter?: string;
  /** Give the mean of the final hidden states (`embedding`) in place of logits. */
  embeds?: boolean;
}

/** One libllama context over one sequence. Dispose it. */
export class Oracle {
  readonly vocabSize: number;
  #model: Pointer;
  #context: Pointer;
  #pool: ThreadPool;
  #position = 0;

  constructor(path: string, options: OracleOptions) {
    const l = llama();
    const model = l.loadModel(path, {
      ...l.modelDefaults(),
      nGpuLayers: 0,
      useExtraBufts: options.repack ?? true,
    });
    if (!model) throw new DraftwrightError("bad-model", `libllama cannot load ${path}`);
    this.#model = model;
    this.vocabSize = l.vocabSize(l.vocab(model));
    const batch = options.batch ?? 512;
    const context = l.newContext(model, {
      ...l.contextDefaults(),
      nCtx: options.contextLength,
      nBatch: batch,
      nUbatch: batch,
      nThreads: options.threads,
      nThreadsBatch: options.threads,
      flashAttnType: 1,
      noPerf: true,
      swaFull: true,
      ...(options.embeds && { embeddings: true, poolingType: 1 }),
      ...(options.kvType === undefined ? {} : { typeK: options.kvType, typeV: options.kvType }),
    });
    if (!context) {
      l.freeModel(model);
      throw new DraftwrightError(
        "native-failed",
        `libllama cannot make a context of ${options.contextLength} for ${path}`,
      );
    }
    this.#context = context;
    if (options.adapter !== undefined) {
      // The adapter is the model's: it is freed with it.
      const adapter = l.loadAdapter(model, options.adapter);
      if (!adapter || l.setAdapters(context, BigUint64Array.of(adapter), 1, Float32Array.of(1)) !== 0) {
        l.freeContext(context);
        l.freeModel(model);
        throw new DraftwrightError("bad-model", `libllama cannot use the adapter ${options.adapter}`);
      }
    }
    // What llama.cpp's own programs do; without a pool every decode would start its threads anew.
    this.#pool = new ThreadPool(findDevice("cpu").pointer, { threads: options.threads });
    l.attachThreadpool(context, this.#pool.pointer, this.#pool.pointer);
  }

  get position(): number {
    return this.#position;
  }

  /** Appends tokens as a chain; `logits` 1 where wanted. Throws when libllama refuses. */
  decode(tokens: ArrayLike<number>, logits: "all" | "last"): void {
    const count = tokens.length;
    const zero = new Int32Array(1);
    const ids = new BigUint64Array(count).fill(addressOf(zero));
    const status = llama().decode(this.#context, {
      nTokens: count,
      token: Int32Array.from(tokens),
      embd: null,
      pos: Int32Array.from({ length: count }, (_, i) => this.#position + i),
      nSeqId: new Int32Array(count).fill(1),
      seqId: ids,
      logits: Int8Array.from({ length: count }, (_, i) => (logits === "all" || i === count - 1 ? 1 : 0)),
    });
    if (status !== 0) throw new DraftwrightError("native-failed", `llama_decode returned ${status}`);
    this.#position += count;
  }

  /** Logits of row `i` of the last decode; valid until the next one. */
  logits(i: number): Float32Array {
    const address = llama().logits(this.#context, i);
    if (!address) throw new DraftwrightError("bad-argument", `row ${i} has no logits`);
    return new Float32Array(memory(address, this.vocabSize * 4));
  }

  /** The mean hidden state after the final norm, over the rows of the last decode: [hiddenSize]. */
  embedding(): Float32Array {
    const address = llama().embeddings(this.#context, 0);
    if (!address) throw new DraftwrightError("bad-argument", "this oracle does not embed");
    return new Float32Array(memory(address, llama().hiddenSize(this.#model) * 4)).slice();
  }

  truncate(length: number): void {
    llama().memoryRemove(llama().memory(this.#context), 0, length, -1);
    this.#position = length;
  }

  [Symbol.dispose](): void {
    if (!this.#model) return;
    llama().freeContext(this.#context);
    this.#pool[Symbol.dispose]();
    llama().freeModel(this.#model);
    this.#model = 0n;
  }
}
