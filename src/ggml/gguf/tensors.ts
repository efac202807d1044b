// Tensor infos of a GGUF file, checked so that nobody has to ask again: known type, whole blocks, sizes that fit a
// double, data inside the file. Tensors follow each other without gaps (llama.cpp demands it), so they never overlap.

import { isUtf8 } from "node:buffer";
import { rowBytes, type TensorType, tensorTypeById } from "../types.ts";
import type { HeaderReader } from "./header.ts";
import { decodeText } from "./values.ts";

export interface GgufTensor {
  readonly name: string;
  readonly type: TensorType;
  /** Elements per dimension, fastest first: a matrix of `rows` rows of `columns` is [columns, rows, 1, 1]. */
  readonly ne: readonly [number, number, number, number];
  /** First byte of the data in its file. */
  readonly offset: number;
  readonly bytes: number;
  /** Which file of a split model holds it; 0 for a single file. */
  readonly part: number;
}

/** llama.cpp knows at most 512 layers; a dense layer has under 20 tensors. */
const MAX_TENSORS = 16384;
/** GGML_MAX_NAME with its final zero. */
const MAX_NAME_BYTES = 63;

/** Reads `count` tensor infos and checks their data against the file. */
export function parseTensors(header: HeaderReader, count: number, alignment: number, part: number): GgufTensor[] {
  if (count > MAX_TENSORS) header.fail(`${count} tensors, more than the ${MAX_TENSORS} allowed`);
  const infos: (Omit<GgufTensor, "offset"> & { relative: number; at: number })[] = [];
  const names = new Set<string>();
  for (let i = 0; i < count; i++) {
    const at = header.position;
    const raw = header.string(`the name of tensor ${i}`);
    if (raw.length === 0 || raw.length > MAX_NAME_BYTES || !isUtf8(raw) || raw.includes(0)) {
      header.fail(`the name of tensor ${i} is empty, longer than ${MAX_NAME_BYTES} bytes or not text`, at);
    }
    const name = decodeText(raw);
    if (names.has(name)) header.fail(`tensor "${name}" appears twice`, at);
    names.add(name);
    const ne = dimensions(header, name);
    const type = elementType(header, name, ne[0]);
    const rows = product(header, name, ne.slice(1));
    const bytes = product(header, name, [rowBytes(type, ne[0]), rows]);
    const relative = header.count(`the offset of tensor "${name}"`);
    infos.push({ name, type, ne, bytes, part, relative, at });
  }
  const dataOffset = Math.ceil(header.position / alignment) * alignment;
  let next = 0;
  return infos.map(({ relative, at, ...info }) => {
    if (relative !== next) {
      header.fail(`tensor "${info.name}" has data offset ${relative}, expected ${next} after the tensor before`, at);
    }
    const offset = dataOffset + relative;
    if (offset + info.bytes > header.fileBytes) {
      header.fail(
        `tensor "${info.name}" ends at byte ${offset + info.bytes} but the file has ${header.fileBytes}: it is truncated`,
        at,
      );
    }
    next = relative + Math.ceil(info.bytes / alignment) * alignment;
    return { ...info, offset };
  });
}

function dimensions(header: HeaderReader, name: string): [number, number, number, number] {
  const at = header.position;
  const rank = header.uint32(`the rank of tensor "${name}"`);
  if (rank > 4) header.fail(`tensor "${name}" has ${rank} dimensions, more than 4`, at);
  const ne: [number, number, number, number] = [1, 1, 1, 1];
  for (let i = 0; i < rank; i++) {
    const atDimension = header.position;
    ne[i] = header.count(`dimension ${i} of tensor "${name}"`);
    if (ne[i] === 0) header.fail(`dimension ${i} of tensor "${name}" is 0`, atDimension);
  }
  return ne;
}

function elementType(header: HeaderReader, name: string, columns: number): TensorType {
  const at = header.position;
  const id = header.uint32(`the type of tensor "${name}"`);
  const type = tensorTypeById(id);
  if (type === undefined) header.fail(`tensor "${name}" has type ${id}, which ggml 0.25.1 does not know`, at);
  if (columns % type.blockElements !== 0) {
    header.fail(`tensor "${name}" has rows of ${columns} elements, not a multiple of ${type.name}'s block`, at);
  }
  return type;
}

function product(header: HeaderReader, name: string, factors: readonly number[]): number {
  const exact = factors.reduce((value, factor) => value * BigInt(factor), 1n);
  if (exact > BigInt(header.fileBytes)) header.fail(`tensor "${name}" is larger than the file`);
  return Number(exact);
}
