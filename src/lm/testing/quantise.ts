// Weight types that tests can make without native code: F32, F16, Q8_0, Q4_0, by ggml's reference routines
// (ggml-quants.c). Other types need ggml's own quantiser, which the caller passes in.

import { DraftwrightError } from "../../errors.ts";
import { rowBytes, type TensorType } from "../../ggml/gguf/index.ts";

/** `quantizeRows` of ggml/index.ts. */
export type QuantizeRows = (type: TensorType, values: Float32Array, columns: number) => Uint8Array;

/** Bytes of rows of `columns` values in the given type. Throws `bad-argument` where `native` is needed but absent. */
export function encodeRows(type: TensorType, values: Float32Array, columns: number, native?: QuantizeRows): Uint8Array {
  rowBytes(type, columns);
  switch (type.name) {
    case "F32":
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    case "F16":
      return new Uint8Array(Uint16Array.from(values, toHalf).buffer);
    case "Q8_0":
      return encodeBlocks(values, type, q8Block);
    case "Q4_0":
      return encodeBlocks(values, type, q4Block);
  }
  if (native === undefined) {
    throw new DraftwrightError(
      "bad-argument",
      `${type.name} needs ggml's quantizer: pass quantizeRows of ggml/index.ts.`,
    );
  }
  return native(type, values, columns);
}

/** Bits of the nearest half-precision number, ties to even. */
export function toHalf(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude < 0x38800000) {
    // Subnormal: let the float addition round at the right place.
    scratch.setFloat32(0, Math.fround(Math.abs(value) + 0.5));
    return sign | (scratch.getUint32(0) - 0x3f000000);
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

const scratch = new DataView(new ArrayBuffer(4));

type Block = (values: Float32Array, start: number, out: Uint8Array, at: number) => void;

function encodeBlocks(values: Float32Array, type: TensorType, block: Block): Uint8Array {
  const out = new Uint8Array((values.length / type.blockElements) * type.blockBytes);
  for (let start = 0, at = 0; at < out.length; start += type.blockElements, at += type.blockBytes) {
    block(values, start, out, at);
  }
  return out;
}

function q8Block(values: Float32Array, start: number, out: Uint8Array, at: number): void {
  let most = 0;
  for (let i = 0; i < 32; i++) most = Math.max(most, Math.abs(values[start + i]));
  const scale = Math.fround(most / 127);
  const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
  putHalf(out, at, scale);
  for (let i = 0; i < 32; i++) {
    const scaled = Math.fround(values[start + i] * inverse);
    out[at + 2 + i] = Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5);
  }
}

function q4Block(values: Float32Array, start: number, out: Uint8Array, at: number): void {
  let extreme = 0;
  for (let i = 0; i < 32; i++) if (Math.abs(values[start + i]) > Math.abs(extreme)) extreme = values[start + i];
  const scale = Math.fround(extreme / -8);
  const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
  putHalf(out, at, scale);
  const nibble = (i: number) => Math.min(15, Math.trunc(Math.fround(Math.fround(values[start + i] * inverse) + 8.5)));
  for (let i = 0; i < 16; i++) out[at + 2 + i] = nibble(i) | (nibble(i + 16) << 4);
}

function putHalf(out: Uint8Array, at: number, value: number): void {
  const half = toHalf(value);
  out[at] = half & 0xff;
  out[at + 1] = half >> 8;
}
