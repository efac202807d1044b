import koffi from "koffi";
import { describe, expect, test } from "vitest";
import { DraftwrightError } from "../errors.ts";
import { Backend, Context, Graph, ops, quantizeRows, Storage, type Tensor, Type, tensorType } from "./index.ts";

/** The description ggml itself keeps: struct ggml_tensor, ne at byte 16, nb at byte 48. */
function nativeShape(tensor: Tensor): { shape: number[]; stride: number[] } {
  const numbers = Array.from(new BigInt64Array(koffi.view(tensor.pointer, 80)), Number);
  return { shape: numbers.slice(2, 6), stride: numbers.slice(6, 10) };
}

function graph(): Graph {
  return new Graph(backend, 64);
}

const backend = new Backend(undefined, { threads: 1 });
const q8 = tensorType("Q8_0");

describe("mirrored shapes and strides equal ggml's", () => {
  const cases: [string, (c: Context) => Tensor][] = [
    ["a tensor", (c) => c.tensor(q8, 64, 3, 2)],
    ["mulMat", (c) => ops.mulMat(c, c.tensor(q8, 64, 10), c.tensor(Type.F32, 64, 5))],
    ["add", (c) => ops.add(c, c.tensor(Type.F32, 8, 4), c.tensor(Type.F32, 8))],
    ["mul", (c) => ops.mul(c, c.tensor(Type.F32, 8, 4), c.tensor(Type.F32, 8))],
    ["scale", (c) => ops.scale(c, c.tensor(Type.F32, 8, 4), 2)],
    ["tanh", (c) => ops.tanh(c, c.tensor(Type.F32, 8, 4))],
    ["rmsNorm", (c) => ops.rmsNorm(c, c.tensor(Type.F32, 8, 4), 1e-5)],
    ["getRows", (c) => ops.getRows(c, c.tensor(q8, 64, 10), c.tensor(Type.I32, 3))],
    ["setRows", (c) => ops.setRows(c, c.tensor(Type.F16, 64, 10), c.tensor(Type.F32, 64, 3), c.tensor(Type.I64, 3))],
    ["rope", (c) => ops.rope(c, c.tensor(Type.F32, 64, 2, 3), c.tensor(Type.I32, 3), undefined, rope)],
    ["flashAttention", (c) => attention(c, 3)],
    ["glu", (c) => ops.glu(c, c.tensor(Type.F32, 8, 4), "swiglu")],
    ["gluSplit", (c) => ops.gluSplit(c, c.tensor(Type.F32, 8, 4), c.tensor(Type.F32, 8, 4), "geglu")],
    ["joinRows", (c) => ops.joinRows(c, c.tensor(Type.F32, 8, 4), c.tensor(Type.F32, 8, 2))],
    ["view", (c) => ops.view(c, c.tensor(Type.F32, 8, 6), [4, 2, 5], 16, [8, 32])],
    ["a flat view", (c) => ops.view(c, c.tensor(Type.F32, 8, 6), [4, 3], 32)],
    ["reshape", (c) => ops.reshape(c, c.tensor(Type.F32, 8, 6), 4, 2, 6)],
    ["permute", (c) => ops.permute(c, c.tensor(Type.F32, 8, 6, 5), [0, 2, 1, 3])],
  ];
  test.each(cases)("%s", (_, make) => {
    using context = new Context(8);
    const tensor = make(context);
    const native = nativeShape(tensor);
    expect(native.shape).toEqual([...tensor.shape]);
    expect(native.stride).toEqual([...tensor.stride]);
  });
});

const rope: ops.Rope = {
  dimensions: 64,
  layout: "pairs",
  base: 10000,
  scale: 1,
  originalContext: 256,
  extFactor: 0,
  attentionFactor: 1,
  betaFast: 32,
  betaSlow: 1,
};

function attention(c: Context, maskRows: number): Tensor {
  const kv = () => c.tensor(Type.F16, 64, 256, 2);
  return ops.flashAttention(c, c.tensor(Type.F32, 64, 3, 4), kv(), kv(), c.tensor(Type.F16, 256, maskRows), {
    scale: 1,
  });
}

describe("what ggml would abort on is refused", () => {
  const bad: [string, (c: Context) => unknown][] = [
    ["mulMat of different lengths", (c) => ops.mulMat(c, c.tensor(q8, 64, 10), c.tensor(Type.F32, 96, 5))],
    ["mulMat by integers", (c) => ops.mulMat(c, c.tensor(q8, 64, 10), c.tensor(Type.I32, 64, 5))],
    ["add of shapes that do not tile", (c) => ops.add(c, c.tensor(Type.F32, 8, 4), c.tensor(Type.F32, 3))],
    ["add of types", (c) => ops.add(c, c.tensor(Type.F32, 8, 4), c.tensor(Type.F16, 8))],
    ["getRows by floats", (c) => ops.getRows(c, c.tensor(q8, 64, 10), c.tensor(Type.F32, 3))],
    [
      "setRows of other length",
      (c) => ops.setRows(c, c.tensor(Type.F16, 64, 10), c.tensor(Type.F32, 32, 3), c.tensor(Type.I64, 3)),
    ],
    [
      "setRows with too few indices",
      (c) => ops.setRows(c, c.tensor(Type.F16, 64, 10), c.tensor(Type.F32, 64, 3), c.tensor(Type.I64, 2)),
    ],
    [
      "rope with too few positions",
      (c) => ops.rope(c, c.tensor(Type.F32, 64, 2, 3), c.tensor(Type.I32, 2), undefined, rope),
    ],
    ["rope past the head", (c) => ops.rope(c, c.tensor(Type.F32, 32, 2, 3), c.tensor(Type.I32, 3), undefined, rope)],
    ["attention with a small mask", (c) => attention(c, 2)],
    ["glu of odd length", (c) => ops.glu(c, c.tensor(Type.F32, 7, 4), "swiglu")],
    ["a view past the end", (c) => ops.view(c, c.tensor(Type.F32, 8, 6), [4, 2, 6], 16, [8, 32])],
    ["a negative offset", (c) => ops.view(c, c.tensor(Type.F32, 8, 6), [4], -4)],
    ["a reshape to another size", (c) => ops.reshape(c, c.tensor(Type.F32, 8, 6), 7, 7)],
    ["a permutation with a repeated axis", (c) => ops.permute(c, c.tensor(Type.F32, 8, 6), [0, 0, 1, 2])],
    ["a row that is no whole block", (c) => c.tensor(q8, 33)],
    ["an empty dimension", (c) => c.tensor(Type.F32, 0)],
    ["five dimensions", (c) => c.tensor(Type.F32, 1, 1, 1, 1, 1)],
  ];
  test.each(bad)("%s", (_, make) => {
    using context = new Context(8);
    expect(() => make(context)).toThrow(expect.objectContaining({ code: "bad-shape" }));
  });

  test("more tensors than a context has room for", () => {
    using context = new Context(2);
    context.tensor(Type.F32, 1);
    context.tensor(Type.F32, 1);
    expect(() => context.tensor(Type.F32, 1)).toThrow(DraftwrightError);
  });

  test("bytes outside of a tensor", () => {
    using storage = new Storage(backend.bufferTypes().plain, 1);
    const tensor = storage.tensor(Type.F32, 4);
    storage.allocate();
    expect(() => tensor.write(new Float32Array(5))).toThrow(/outside/);
    expect(() => tensor.read(new Float32Array(4), 4)).toThrow(/outside/);
  });

  test("use after dispose", () => {
    const context = new Context(2);
    context[Symbol.dispose]();
    context[Symbol.dispose]();
    expect(() => context.tensor(Type.F32, 1)).toThrow(expect.objectContaining({ code: "disposed" }));
    const dead = new Backend(undefined, { threads: 1 });
    dead[Symbol.dispose]();
    dead[Symbol.dispose]();
    expect(() => dead.pointer).toThrow(expect.objectContaining({ code: "disposed" }));
  });
});

describe("results", () => {
  test("a matrix product of quantised weights", () => {
    using storage = new Storage(backend.bufferTypes().plain, 1);
    const weights = storage.tensor(q8, 32, 2);
    storage.allocate("weights");
    weights.write(
      quantizeRows(
        q8,
        Float32Array.from({ length: 64 }, (_, i) => (i < 32 ? 1 : -2)),
        32,
      ),
    );
    using g = graph();
    const x = g.input<Float32Array<ArrayBuffer>>(Type.F32, 32, 2);
    const y = g.output(ops.mulMat(g.context, weights, x.tensor));
    g.allocate();
    x.array.fill(0.5, 0, 32).fill(3, 32, 64);
    g.compute();
    const close = [16, -32, 96, -192];
    for (const [i, value] of close.entries()) expect(y.array[i]).toBeCloseTo(value, 0);
    x.array.fill(0);
    g.compute();
    expect(Array.from(y.array, Math.abs)).toEqual([0, 0, 0, 0]);
  });

  test("attention sees only what the mask shows", () => {
    using g = graph();
    const q = g.input<Float32Array<ArrayBuffer>>(Type.F32, 64, 1, 1);
    const k = g.input<Uint16Array<ArrayBuffer>>(Type.F16, 64, 256, 1);
    const v = g.input<Uint16Array<ArrayBuffer>>(Type.F16, 64, 256, 1);
    const mask = g.input<Uint16Array<ArrayBuffer>>(Type.F16, 256, 1);
    const out = g.output(ops.flashAttention(g.context, q.tensor, k.tensor, v.tensor, mask.tensor, { scale: 1 }));
    g.allocate();
    q.array.fill(1);
    k.array.fill(0);
    v.array.fill(0);
    const [one, two] = [0x3c00, 0x4000];
    v.array
      .fill(one, 64 * 3, 64 * 4)
      .fill(two, 64 * 7, 64 * 8)
      .fill(0x7bff, 64 * 9, 64 * 10);
    mask.array.fill(0xfc00);
    mask.array[3] = 0;
    mask.array[7] = 0;
    g.compute();
    expect(out.array[0]).toBe(1.5);
  });

  test("an input that nothing uses may be filled", () => {
    using g = graph();
    const unused = g.input<Int32Array<ArrayBuffer>>(Type.I32, 4);
    const x = g.input<Float32Array<ArrayBuffer>>(Type.F32, 2);
    const y = g.output(ops.scale(g.context, x.tensor, 2));
    g.allocate();
    unused.array.fill(7);
    x.array.set([1, 2]);
    g.compute();
    expect([...y.array]).toEqual([2, 4]);
  });
});

describe("quantisation", () => {
  test.each(["F16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"])("%s keeps rows apart", (name) => {
    const type = tensorType(name);
    const bytes = quantizeRows(
      type,
      Float32Array.from({ length: 512 }, (_, i) => Math.sin(i)),
      256,
    );
    const second = quantizeRows(
      type,
      Float32Array.from({ length: 256 }, (_, i) => Math.sin(i + 256)),
      256,
    );
    expect(bytes.subarray(bytes.length / 2)).toEqual(second);
  });

  test("refuses what it cannot make", () => {
    expect(() => quantizeRows(tensorType("IQ2_XXS"), new Float32Array(256), 256)).toThrow(/importance/);
    expect(() => quantizeRows(tensorType("I32"), new Float32Array(256), 256)).toThrow(DraftwrightError);
    expect(() => quantizeRows(q8, new Float32Array(33), 33)).toThrow(DraftwrightError);
    expect(() => quantizeRows(q8, new Float32Array(40), 32)).toThrow(/whole number/);
  });
});
