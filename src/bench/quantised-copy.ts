// A copy of a model in fewer bits: a drafter of the same vocabulary for a target that has no smaller sister.
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { tensorType } from "../ggml/gguf/index.ts";
import { quantizeRows } from "../ggml/index.ts";
import { rewriteGguf } from "../lm/testing/index.ts";

/** Path of a copy with all Q8_0 and Q4_1 matrices in Q4_0, made once. */
export function quantisedCopy(path: string): string {
  const copy = join(tmpdir(), `draftwright-q4_0-${basename(path)}`);
  if (existsSync(copy)) return copy;
  const type = tensorType("Q4_0");
  rewriteGguf(path, copy, (_, tensors) => {
    for (const [name, tensor] of tensors) {
      const block = blocks[tensor.type.name];
      if (!block || tensor.ne.length < 2) continue;
      const data = () => quantizeRows(type, decode(tensor.data() as Uint8Array, ...block), tensor.ne[0]);
      tensors.set(name, { ...tensor, type, data });
    }
  });
  return copy;
}

const blockValues = 32;
type Value = (view: DataView, block: number, i: number) => number;

/** By type: bytes of a block, and its values. */
const blocks: Record<string, [number, Value] | undefined> = {
  Q8_0: [34, (view, block, i) => half(view, block) * view.getInt8(block + 2 + i)],
  Q4_1: [
    20,
    (view, block, i) => {
      const byte = view.getUint8(block + 4 + (i % 16));
      return half(view, block) * (i < 16 ? byte & 15 : byte >> 4) + half(view, block + 2);
    },
  ],
};

function decode(bytes: Uint8Array, blockBytes: number, value: Value): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array((bytes.length / blockBytes) * blockValues);
  for (let at = 0; at < values.length; at++) {
    values[at] = value(view, Math.floor(at / blockValues) * blockBytes, at % blockValues);
  }
  return values;
}

/** A number in half precision; weights are never infinite. */
function half(view: DataView, at: number): number {
  const bits = view.getUint16(at, true);
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}
