// Writes GGUF version 3: metadata and tensors in the order given, tensor data asked for one tensor at a time. The file
// appears under its name only when complete: temporary name, fsync, rename.

import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { DraftwrightError } from "../../errors.ts";
import { writeBeside } from "../../files.ts";
import { rowBytes, type TensorType } from "../types.ts";
import { type ElementType, type MetadataValue, StringArray, type StringList, VALUE_TYPES } from "./values.ts";

export interface GgufTensorSource {
  readonly name: string;
  readonly type: TensorType;
  /** Elements per dimension, fastest first; 1 to 4 of them. */
  readonly ne: readonly number[];
  /** The data, whole or in pieces, asked for when its turn comes. Together exactly the tensor's bytes. */
  readonly data: () => Uint8Array | Iterable<Uint8Array>;
}

/**
 * Writes `path`. Metadata keys keep their order; `general.alignment` (uint32) sets the alignment, 32 otherwise.
 * Throws `bad-argument` when names repeat or are too long, `bad-shape` when a row does not fit its type or a tensor's
 * data has another length; an existing file stays untouched then.
 */
export function writeGguf(
  path: string,
  metadata: ReadonlyMap<string, MetadataValue>,
  tensors: readonly GgufTensorSource[],
): void {
  const alignmentValue = metadata.get("general.alignment");
  const alignment = alignmentValue?.type === "uint32" ? alignmentValue.value : 32;
  const { header, sizes } = encodeHeader(metadata, tensors, alignment);
  writeBeside(path, (temporary) => {
    const fd = openSync(temporary, "w");
    try {
      let written = writeAll(fd, header);
      for (const [i, tensor] of tensors.entries()) {
        written += writeAll(fd, new Uint8Array(padding(written, alignment)));
        const bytes = writeTensor(fd, tensor);
        if (bytes !== sizes[i]) {
          throw new DraftwrightError(
            "bad-shape",
            `Tensor "${tensor.name}" has ${bytes} bytes of data, not ${sizes[i]}.`,
          );
        }
        written += bytes;
      }
      if (tensors.length > 0) writeAll(fd, new Uint8Array(padding(written, alignment)));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  });
}

function writeTensor(fd: number, tensor: GgufTensorSource): number {
  const data = tensor.data();
  let bytes = 0;
  for (const piece of data instanceof Uint8Array ? [data] : data) bytes += writeAll(fd, piece);
  return bytes;
}

function writeAll(fd: number, bytes: Uint8Array): number {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  return bytes.length;
}

function padding(position: number, alignment: number): number {
  return (alignment - (position % alignment)) % alignment;
}

function encodeHeader(
  metadata: ReadonlyMap<string, MetadataValue>,
  tensors: readonly GgufTensorSource[],
  alignment: number,
): { header: Uint8Array; sizes: number[] } {
  const out = new Encoder();
  out.text("GGUF").u32(3).u64(tensors.length).u64(metadata.size);
  for (const [key, value] of metadata) {
    out.string(key);
    encodeValue(out, value);
  }
  const sizes: number[] = [];
  const names = new Set<string>();
  let offset = 0;
  for (const { name, type, ne } of tensors) {
    if (names.has(name) || Buffer.byteLength(name) > 63 || ne.length < 1 || ne.length > 4) {
      throw new DraftwrightError(
        "bad-argument",
        `Tensor "${name}" repeats, has a name over 63 bytes or not 1 to 4 dimensions.`,
      );
    }
    names.add(name);
    out.string(name).u32(ne.length);
    for (const size of ne) out.u64(size);
    out.u32(type.id).u64(offset);
    const bytes = ne.slice(1).reduce((product, size) => product * size, rowBytes(type, ne[0]));
    sizes.push(bytes);
    offset += bytes + padding(bytes, alignment);
  }
  return { header: out.finish(), sizes };
}

function encodeValue(out: Encoder, value: MetadataValue): void {
  out.u32(typeId(value.type));
  if (value.type !== "array") {
    encodeScalar(out, value);
  } else {
    out.u32(typeId(value.element)).u64(value.value.length);
    if (value.element === "string") encodeStrings(out, value.value);
    else out.raw(new Uint8Array(value.value.buffer, value.value.byteOffset, value.value.byteLength));
  }
}

function encodeStrings(out: Encoder, strings: StringList): void {
  if (strings instanceof StringArray) out.raw(strings.encoded);
  else for (const text of strings) out.string(text);
}

function encodeScalar(out: Encoder, { type, value }: Exclude<MetadataValue, { type: "array" }>): void {
  if (type === "string") {
    out.string(value);
    return;
  }
  const bytes = new Uint8Array(VALUE_TYPES[typeId(type)][1]);
  const view = new DataView(bytes.buffer);
  if (type === "uint8" || type === "bool") view.setUint8(0, Number(value));
  else if (type === "int8") view.setInt8(0, value);
  else if (type === "uint16") view.setUint16(0, value, true);
  else if (type === "int16") view.setInt16(0, value, true);
  else if (type === "uint32") view.setUint32(0, value, true);
  else if (type === "int32") view.setInt32(0, value, true);
  else if (type === "float32") view.setFloat32(0, value, true);
  else if (type === "float64") view.setFloat64(0, value, true);
  else view.setBigInt64(0, BigInt.asIntN(64, BigInt(value)), true);
  out.raw(bytes);
}

function typeId(type: ElementType | "array"): number {
  return VALUE_TYPES.findIndex(([name]) => name === type);
}

/** Collects the header's bytes. */
class Encoder {
  readonly #pieces: Uint8Array[] = [];

  raw(bytes: Uint8Array): this {
    this.#pieces.push(bytes);
    return this;
  }

  text(text: string): this {
    return this.raw(Buffer.from(text));
  }

  u32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return this.raw(bytes);
  }

  u64(value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return this.raw(bytes);
  }

  string(text: string | Uint8Array): this {
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    return this.u64(bytes.length).raw(bytes);
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#pieces);
  }
}
