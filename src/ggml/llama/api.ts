// libllama's C interface: the structs and functions used for tokenization and as the oracle. llama.cpp v0.5.0.
import koffi from "koffi";
import { libraries } from "../library.ts";
import { logSink, native, type Pointer } from "../native.ts";

// biome-ignore format: the layout of llama.h, field by field
const modelParams = koffi.struct({
  devices: "void *", tensorBuftOverrides: "void *",
  nGpuLayers: "int32_t", splitMode: "int", loadMode: "int", lazyMode: "int", mainGpu: "int32_t",
  tensorSplit: "void *", progressCallback: "void *", progressCallbackUserData: "void *", kvOverrides: "void *",
  vocabOnly: "bool", checkTensors: "bool", useExtraBufts: "bool", noHost: "bool", noAlloc: "bool", loadMtp: "bool",
});

// biome-ignore format: the layout of llama.h, field by field
const contextParams = koffi.struct({
  nCtx: "uint32_t", nBatch: "uint32_t", nUbatch: "uint32_t", nSeqMax: "uint32_t", nRsSeq: "uint32_t",
  nOutputsMax: "uint32_t", nOutputsMaxPerSeq: "uint32_t", nThreads: "int32_t", nThreadsBatch: "int32_t",
  ctxType: "int", ropeScalingType: "int", poolingType: "int", attentionType: "int", flashAttnType: "int",
  ropeFreqBase: "float", ropeFreqScale: "float", yarnExtFactor: "float", yarnAttnFactor: "float",
  yarnBetaFast: "float", yarnBetaSlow: "float", yarnOrigCtx: "uint32_t", defragThold: "float",
  cbEval: "void *", cbEvalUserData: "void *", typeK: "int", typeV: "int",
  abortCallback: "void *", abortCallbackData: "void *",
  embeddings: "bool", offloadKqv: "bool", noPerf: "bool", opOffload: "bool", swaFull: "bool", kvUnified: "bool",
  samplers: "void *", nSamplers: "size_t", ctxOther: "void *",
});

const batch = koffi.struct({
  nTokens: "int32_t",
  token: "void *",
  embd: "void *",
  pos: "void *",
  nSeqId: "void *",
  seqId: "void *",
  logits: "void *",
});

export interface ModelParams {
  nGpuLayers: number;
  loadMode: number;
  vocabOnly: boolean;
  useExtraBufts: boolean;
}

export interface ContextParams {
  nCtx: number;
  nBatch: number;
  nUbatch: number;
  nSeqMax: number;
  nThreads: number;
  nThreadsBatch: number;
  flashAttnType: number;
  typeK: number;
  typeV: number;
  noPerf: boolean;
  swaFull: boolean;
  poolingType: number;
  embeddings: boolean;
}

export interface Batch {
  nTokens: number;
  token: Int32Array;
  embd: null;
  pos: Int32Array;
  nSeqId: Int32Array;
  seqId: BigUint64Array;
  logits: Int8Array;
}

function declare() {
  native();
  const { llama } = libraries();
  // biome-ignore format: one C declaration a line reads best
  const functions = {
    logSet: llama.func("void llama_log_set(void *, void *)") as (callback: Pointer, data: null) => void,
    backendInit: llama.func("void llama_backend_init()") as () => void,
    modelDefaults: llama.func("llama_model_default_params", modelParams, []) as () => ModelParams,
    contextDefaults: llama.func("llama_context_default_params", contextParams, []) as () => ContextParams,
    loadModel: llama.func("llama_model_load_from_file", "void *", ["const char *", modelParams]) as (path: string, p: ModelParams) => Pointer | null,
    freeModel: llama.func("void llama_model_free(void *)") as (m: Pointer) => void,
    newContext: llama.func("llama_init_from_model", "void *", ["void *", contextParams]) as (m: Pointer, p: ContextParams) => Pointer | null,
    freeContext: llama.func("void llama_free(void *)") as (c: Pointer) => void,
    memory: llama.func("void *llama_get_memory(void *)") as (c: Pointer) => Pointer,
    memoryRemove: llama.func("bool llama_memory_seq_rm(void *, int32_t, int32_t, int32_t)") as (m: Pointer, seq: number, from: number, to: number) => boolean,
    decode: llama.func("llama_decode", "int32_t", ["void *", batch]) as (c: Pointer, b: Batch) => number,
    logits: llama.func("void *llama_get_logits_ith(void *, int32_t)") as (c: Pointer, i: number) => Pointer | null,
    embeddings: llama.func("void *llama_get_embeddings_seq(void *, int32_t)") as (c: Pointer, sequence: number) => Pointer | null,
    hiddenSize: llama.func("int32_t llama_model_n_embd(void *)") as (m: Pointer) => number,
    loadAdapter: llama.func("void *llama_adapter_lora_init(void *, const char *)") as (m: Pointer, path: string) => Pointer | null,
    setAdapters: llama.func("int32_t llama_set_adapters_lora(void *, void *, size_t, float *)") as (c: Pointer, adapters: BigUint64Array, n: number, scales: Float32Array) => number,
    attachThreadpool: llama.func("void llama_attach_threadpool(void *, void *, void *)") as (c: Pointer, pool: Pointer, batch: Pointer) => void,
    vocab: llama.func("void *llama_model_get_vocab(void *)") as (m: Pointer) => Pointer,
    vocabSize: llama.func("int32_t llama_vocab_n_tokens(void *)") as (v: Pointer) => number,
    isEog: llama.func("bool llama_vocab_is_eog(void *, int32_t)") as (v: Pointer, t: number) => boolean,
    attributes: llama.func("int32_t llama_vocab_get_attr(void *, int32_t)") as (v: Pointer, t: number) => number,
    bos: llama.func("int32_t llama_vocab_bos(void *)") as (v: Pointer) => number,
    eos: llama.func("int32_t llama_vocab_eos(void *)") as (v: Pointer) => number,
    addsBos: llama.func("bool llama_vocab_get_add_bos(void *)") as (v: Pointer) => boolean,
    tokenize: llama.func("int32_t llama_tokenize(void *, const char *, int32_t, int32_t *, int32_t, bool, bool)") as (v: Pointer, text: Uint8Array, length: number, tokens: Int32Array, max: number, special: boolean, parse: boolean) => number,
    piece: llama.func("int32_t llama_token_to_piece(void *, int32_t, char *, int32_t, int32_t, bool)") as (v: Pointer, token: number, buffer: Uint8Array, length: number, strip: number, special: boolean) => number,
  };
  if (!process.env.DRAFTWRIGHT_NATIVE_LOG) functions.logSet(logSink(), null);
  functions.backendInit();
  return functions;
}

export type Llama = ReturnType<typeof declare>;
let table: Llama | undefined;

/** libllama's functions; opens the library at the first call. */
export function llama(): Llama {
  table ??= declare();
  return table;
}
