// The C functions that only training needs: more operations, the backward ones among them, and the optimiser steps.
import { libraries } from "./library.ts";
import { native, type Pointer } from "./native.ts";

type Unary = (c: Pointer, a: Pointer) => Pointer;
type Binary = (c: Pointer, a: Pointer, b: Pointer) => Pointer;

function declare() {
  native();
  const { base } = libraries();
  const unary = (name: string) => base.func(`void *ggml_${name}(void *, void *)`) as Unary;
  const binary = (name: string) => base.func(`void *ggml_${name}(void *, void *, void *)`) as Binary;
  // biome-ignore format: one C declaration a line reads best
  return {
    sqr: unary("sqr"), sqrt: unary("sqrt"), log: unary("log"), exp: unary("exp"), abs: unary("abs"), neg: unary("neg"),
    relu: unary("relu"), step: unary("step"), sigmoid: unary("sigmoid"), silu: unary("silu"), softplus: unary("softplus"),
    sum: unary("sum"), sumRows: unary("sum_rows"), mean: unary("mean"), cont: unary("cont"),
    sub: binary("sub"), div: binary("div"), siluBack: binary("silu_back"), repeatBack: binary("repeat_back"),
    outProd: binary("out_prod"), copy: binary("cpy"), addInPlace: binary("add_inplace"),
    scaleBias: base.func("void *ggml_scale_bias(void *, void *, float, float)") as (c: Pointer, a: Pointer, s: number, b: number) => Pointer,
    clamp: base.func("void *ggml_clamp(void *, void *, float, float)") as (c: Pointer, a: Pointer, low: number, high: number) => Pointer,
    cast: base.func("void *ggml_cast(void *, void *, int)") as (c: Pointer, a: Pointer, type: number) => Pointer,
    repeat: base.func("void *ggml_repeat_4d(void *, void *, int64_t, int64_t, int64_t, int64_t)") as (c: Pointer, a: Pointer, n0: number, n1: number, n2: number, n3: number) => Pointer,
    pad: base.func("void *ggml_pad_ext(void *, void *, int, int, int, int, int, int, int, int)") as (c: Pointer, a: Pointer, ...sides: number[]) => Pointer,
    concat: base.func("void *ggml_concat(void *, void *, void *, int)") as (c: Pointer, a: Pointer, b: Pointer, dimension: number) => Pointer,
    rmsNormBack: base.func("void *ggml_rms_norm_back(void *, void *, void *, float)") as (c: Pointer, g: Pointer, x: Pointer, eps: number) => Pointer,
    softMax: base.func("void *ggml_soft_max_ext(void *, void *, void *, float, float)") as (c: Pointer, a: Pointer, m: Pointer | null, scale: number, bias: number) => Pointer,
    softMaxBack: base.func("void *ggml_soft_max_ext_back(void *, void *, void *, float, float)") as (c: Pointer, g: Pointer, y: Pointer, scale: number, bias: number) => Pointer,
    ropeBack: base.func("void *ggml_rope_ext_back(void *, void *, void *, void *, int, int, int, float, float, float, float, float, float)") as (c: Pointer, g: Pointer, p: Pointer, f: Pointer | null, dims: number, mode: number, ctx: number, base: number, scale: number, ext: number, attn: number, fast: number, slow: number) => Pointer,
    getRowsBack: base.func("void *ggml_get_rows_back(void *, void *, void *, void *)") as (c: Pointer, g: Pointer, i: Pointer, table: Pointer) => Pointer,
    im2col: base.func("void *ggml_im2col(void *, void *, void *, int, int, int, int, int, int, bool, int)") as (c: Pointer, k: Pointer, x: Pointer, s0: number, s1: number, p0: number, p1: number, d0: number, d1: number, is2d: boolean, type: number) => Pointer,
    im2colBack: base.func("void *ggml_im2col_back(void *, void *, void *, int64_t *, int, int, int, int, int, int, bool)") as (c: Pointer, g: Pointer, k: Pointer, shape: BigInt64Array, s0: number, s1: number, p0: number, p1: number, d0: number, d1: number, is2d: boolean) => Pointer,
    setParam: base.func("void ggml_set_param(void *)") as (t: Pointer) => void,
    adamW: base.func("void *ggml_opt_step_adamw(void *, void *, void *, void *, void *, void *)") as (c: Pointer, w: Pointer, g: Pointer, m: Pointer, v: Pointer, p: Pointer) => Pointer,
    sgd: base.func("void *ggml_opt_step_sgd(void *, void *, void *, void *)") as (c: Pointer, w: Pointer, g: Pointer, p: Pointer) => Pointer,
  };
}

let table: ReturnType<typeof declare> | undefined;

/** The function table; declared at the first call. */
export function nativeTraining(): ReturnType<typeof declare> {
  table ??= declare();
  return table;
}
