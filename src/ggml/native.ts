// The C functions this project calls, typed. Pointers are bigint; a TypedArray may stand for a data pointer.
import koffi, { type TypeObject } from "koffi";
import { libraries } from "./library.ts";

export type Pointer = bigint;
type Bytes = ArrayBufferView | ArrayBuffer | Pointer;

const initParams = koffi.struct({ size: "size_t", buffer: "void *", noAlloc: "bool" });

function declare() {
  const { base, ggml, directory } = libraries();
  // biome-ignore format: one C declaration a line reads best
  const functions = {
    // contexts, tensors, graphs
    init: base.func("ggml_init", "void *", [initParams]) as (p: { size: number; buffer: null; noAlloc: boolean }) => Pointer,
    free: base.func("void ggml_free(void *)") as (c: Pointer) => void,
    tensorOverhead: base.func("size_t ggml_tensor_overhead()") as () => number,
    graphOverhead: base.func("size_t ggml_graph_overhead_custom(size_t, bool)") as (n: number, grads: boolean) => number,
    newGraph: base.func("void *ggml_new_graph_custom(void *, size_t, bool)") as (c: Pointer, n: number, grads: boolean) => Pointer,
    expand: base.func("void ggml_build_forward_expand(void *, void *)") as (g: Pointer, t: Pointer) => void,
    newTensor: base.func("void *ggml_new_tensor_4d(void *, int, int64_t, int64_t, int64_t, int64_t)") as (c: Pointer, type: number, a: number, b: number, d: number, e: number) => Pointer,
    setInput: base.func("void ggml_set_input(void *)") as (t: Pointer) => void,
    setOutput: base.func("void ggml_set_output(void *)") as (t: Pointer) => void,
    data: base.func("void *ggml_get_data(void *)") as (t: Pointer) => Pointer,

    // operations
    mulMat: base.func("void *ggml_mul_mat(void *, void *, void *)") as (c: Pointer, a: Pointer, b: Pointer) => Pointer,
    add: base.func("void *ggml_add(void *, void *, void *)") as (c: Pointer, a: Pointer, b: Pointer) => Pointer,
    mul: base.func("void *ggml_mul(void *, void *, void *)") as (c: Pointer, a: Pointer, b: Pointer) => Pointer,
    scale: base.func("void *ggml_scale(void *, void *, float)") as (c: Pointer, a: Pointer, s: number) => Pointer,
    tanh: base.func("void *ggml_tanh(void *, void *)") as (c: Pointer, a: Pointer) => Pointer,
    rmsNorm: base.func("void *ggml_rms_norm(void *, void *, float)") as (c: Pointer, a: Pointer, eps: number) => Pointer,
    getRows: base.func("void *ggml_get_rows(void *, void *, void *)") as (c: Pointer, a: Pointer, b: Pointer) => Pointer,
    setRows: base.func("void *ggml_set_rows(void *, void *, void *, void *)") as (c: Pointer, a: Pointer, b: Pointer, i: Pointer) => Pointer,
    rope: base.func("void *ggml_rope_ext(void *, void *, void *, void *, int, int, int, float, float, float, float, float, float)") as (c: Pointer, a: Pointer, p: Pointer, f: Pointer | null, dims: number, mode: number, ctx: number, base: number, scale: number, ext: number, attn: number, fast: number, slow: number) => Pointer,
    flashAttention: base.func("void *ggml_flash_attn_ext(void *, void *, void *, void *, void *, float, float, float)") as (c: Pointer, q: Pointer, k: Pointer, v: Pointer, m: Pointer | null, scale: number, bias: number, cap: number) => Pointer,
    glu: base.func("void *ggml_glu(void *, void *, int, bool)") as (c: Pointer, a: Pointer, op: number, swapped: boolean) => Pointer,
    gluSplit: base.func("void *ggml_glu_split(void *, void *, void *, int)") as (c: Pointer, a: Pointer, b: Pointer, op: number) => Pointer,
    concat: base.func("void *ggml_concat(void *, void *, void *, int)") as (c: Pointer, a: Pointer, b: Pointer, dimension: number) => Pointer,
    view: base.func("void *ggml_view_4d(void *, void *, int64_t, int64_t, int64_t, int64_t, size_t, size_t, size_t, size_t)") as (c: Pointer, a: Pointer, n0: number, n1: number, n2: number, n3: number, b1: number, b2: number, b3: number, offset: number) => Pointer,
    reshape: base.func("void *ggml_reshape_4d(void *, void *, int64_t, int64_t, int64_t, int64_t)") as (c: Pointer, a: Pointer, n0: number, n1: number, n2: number, n3: number) => Pointer,
    permute: base.func("void *ggml_permute(void *, void *, int, int, int, int)") as (c: Pointer, a: Pointer, x: number, y: number, z: number, w: number) => Pointer,

    // memory
    galloc: base.func("void *ggml_gallocr_new(void *)") as (buft: Pointer) => Pointer,
    gallocFree: base.func("void ggml_gallocr_free(void *)") as (g: Pointer) => void,
    gallocReserve: base.func("bool ggml_gallocr_reserve(void *, void *)") as (g: Pointer, graph: Pointer) => boolean,
    gallocGraph: base.func("bool ggml_gallocr_alloc_graph(void *, void *)") as (g: Pointer, graph: Pointer) => boolean,
    gallocSize: base.func("size_t ggml_gallocr_get_buffer_size(void *, int)") as (g: Pointer, i: number) => number,
    allocSize: base.func("size_t ggml_backend_alloc_ctx_tensors_from_buft_size(void *, void *)") as (c: Pointer, buft: Pointer) => number,
    allocContext: base.func("void *ggml_backend_alloc_ctx_tensors_from_buft(void *, void *)") as (c: Pointer, buft: Pointer) => Pointer | null,
    bufferFree: base.func("void ggml_backend_buffer_free(void *)") as (b: Pointer) => void,
    bufferSize: base.func("size_t ggml_backend_buffer_get_size(void *)") as (b: Pointer) => number,
    bufferClear: base.func("void ggml_backend_buffer_clear(void *, uint8_t)") as (b: Pointer, v: number) => void,
    bufferUsage: base.func("void ggml_backend_buffer_set_usage(void *, int)") as (b: Pointer, usage: number) => void,
    bufferTypeIsHost: base.func("bool ggml_backend_buft_is_host(void *)") as (b: Pointer) => boolean,
    bufferTypeName: base.func("const char *ggml_backend_buft_name(void *)") as (b: Pointer) => string,
    tensorSet: base.func("void ggml_backend_tensor_set(void *, const void *, size_t, size_t)") as (t: Pointer, d: Bytes, offset: number, size: number) => void,
    tensorGet: base.func("void ggml_backend_tensor_get(void *, void *, size_t, size_t)") as (t: Pointer, d: Bytes, offset: number, size: number) => void,

    // back ends
    loadBackends: ggml.func("void ggml_backend_load_all_from_path(const char *)") as (dir: string) => void,
    deviceCount: ggml.func("size_t ggml_backend_dev_count()") as () => number,
    device: ggml.func("void *ggml_backend_dev_get(size_t)") as (i: number) => Pointer,
    deviceName: base.func("const char *ggml_backend_dev_name(void *)") as (d: Pointer) => string,
    deviceDescription: base.func("const char *ggml_backend_dev_description(void *)") as (d: Pointer) => string,
    deviceType: base.func("int ggml_backend_dev_type(void *)") as (d: Pointer) => number,
    deviceMemory: base.func("void ggml_backend_dev_memory(void *, size_t *, size_t *)") as (d: Pointer, free: BigUint64Array, total: BigUint64Array) => void,
    deviceRegistry: base.func("void *ggml_backend_dev_backend_reg(void *)") as (d: Pointer) => Pointer,
    deviceInit: base.func("void *ggml_backend_dev_init(void *, const char *)") as (d: Pointer, params: string | null) => Pointer | null,
    deviceBufferType: base.func("void *ggml_backend_dev_buffer_type(void *)") as (d: Pointer) => Pointer,
    deviceSupports: base.func("bool ggml_backend_dev_supports_op(void *, void *)") as (d: Pointer, t: Pointer) => boolean,
    procAddress: base.func("void *ggml_backend_reg_get_proc_address(void *, const char *)") as (r: Pointer, name: string) => Pointer | null,
    backendFree: base.func("void ggml_backend_free(void *)") as (b: Pointer) => void,
    compute: base.func("int ggml_backend_graph_compute(void *, void *)") as (b: Pointer, g: Pointer) => number,
    threadpoolParams: base.func("void ggml_threadpool_params_init(void *, int)") as (p: Uint8Array, n: number) => void,

    // quantisation
    quantizeInit: base.func("void ggml_quantize_init(int)") as (type: number) => void,
    needsImportance: base.func("bool ggml_quantize_requires_imatrix(int)") as (type: number) => boolean,
    quantize: base.func("size_t ggml_quantize_chunk(int, const float *, void *, int64_t, int64_t, int64_t, const float *)") as (type: number, src: Float32Array, dst: Uint8Array, start: number, rows: number, columns: number, matrix: null) => number,
    logSet: base.func("void ggml_log_set(void *, void *)") as (callback: Pointer, data: null) => void,
  };
  // Logs would mix with the user's output. The sink is a C function without effect: a JavaScript callback would be
  // called from ggml's own threads.
  if (!process.env.DRAFTWRIGHT_NATIVE_LOG) functions.logSet(logSink(), null);
  functions.loadBackends(directory);
  return functions;
}

export type Native = ReturnType<typeof declare>;
let table: Native | undefined;

/** The function table; opens the libraries at the first call. */
export function native(): Native {
  table ??= declare();
  return table;
}

/** A native function that takes any arguments and does nothing, as a target for log callbacks. */
export function logSink(): Pointer {
  return libraries().base.symbol("ggml_time_init") as Pointer;
}

/** A function of a back end's registry (thread pools, extra buffer types), or undefined when it has none of that name. */
export function backendFunction<F>(device: Pointer, name: string, prototype: TypeObject): F | undefined {
  const key = `${device} ${name}`;
  if (!decoded.has(key)) {
    const n = native();
    const address = n.procAddress(n.deviceRegistry(device), name);
    decoded.set(key, address ? koffi.decode(address, prototype) : undefined);
  }
  return decoded.get(key) as F | undefined;
}

/** Decoding makes a new function of some kilobytes each time. */
const decoded = new Map<string, unknown>();

/** Native memory as an ArrayBuffer, without a copy. The caller keeps its owner alive and drops the view before it is freed. */
export function memory(address: Pointer, bytes: number): ArrayBuffer {
  return koffi.view(address, bytes);
}

export const prototypes = {
  threadpoolNew: koffi.proto("void *threadpoolNew(void *)"),
  threadpoolFree: koffi.proto("void threadpoolFree(void *)"),
  setThreadpool: koffi.proto("void setThreadpool(void *, void *)"),
  setThreads: koffi.proto("void setThreads(void *, int)"),
  setUseRef: koffi.proto("void setUseRef(void *, bool)"),
  extraBufferTypes: koffi.proto("void *extraBufferTypes(void *)"),
};

/** Reads a null-terminated array of pointers. */
export function pointerList(address: Pointer): Pointer[] {
  const list: Pointer[] = [];
  for (let i = 0; ; i++) {
    const item = koffi.decode(address, i * 8, "void *") as Pointer | null;
    if (!item) return list;
    list.push(item);
  }
}

/** The address of an array's memory; valid while the array is alive and not moved. */
export function addressOf(array: ArrayBufferView): Pointer {
  return koffi.address(array);
}
