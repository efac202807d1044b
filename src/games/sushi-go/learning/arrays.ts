// A file of named arrays: magic, the length of a JSON header, the header, then the arrays one after the other. Checkpoints
// and saved trainings are such files.
import { DraftwrightError } from "../../../errors.ts";

const types = { f32: Float32Array, u32: Uint32Array, u8: Uint8Array, i8: Int8Array } as const;
type TypeName = keyof typeof types;
export type StoredArray = Float32Array | Uint32Array | Uint8Array | Int8Array;

export interface ArrayFile {
  readonly header: { readonly [key: string]: unknown };
  readonly arrays: ReadonlyMap<string, StoredArray>;
}

const magic = [0x53, 0x47, 0x4e, 1]; // "SGN", version 1
const start = magic.length + 4;

export function packArrays({ header, arrays }: ArrayFile): Uint8Array {
  const list = [...arrays].map(([name, array]) => ({ name, type: typeOf(array), length: array.length }));
  const text = new TextEncoder().encode(JSON.stringify({ ...header, arrays: list }));
  const bytes = new Uint8Array(start + text.length + [...arrays.values()].reduce((sum, a) => sum + a.byteLength, 0));
  bytes.set(magic);
  new DataView(bytes.buffer).setUint32(magic.length, text.length, true);
  bytes.set(text, start);
  let offset = start + text.length;
  for (const array of arrays.values()) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset);
    offset += array.byteLength;
  }
  return bytes;
}

/** Throws bad-model for bytes that `packArrays` did not write. */
export function unpackArrays(bytes: Uint8Array): ArrayFile {
  const refuse = (why: string, cause?: unknown) =>
    new DraftwrightError(
      "bad-model",
      `This is no checkpoint of this version: ${why}. Train again, or name another file.`,
      {
        cause,
      },
    );
  if (bytes.length < start || magic.some((byte, i) => bytes[i] !== byte)) throw refuse("it does not begin like one");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(magic.length, true);
  let header: { arrays?: { name: string; type: TypeName; length: number }[] };
  try {
    header = JSON.parse(new TextDecoder("utf8", { fatal: true }).decode(bytes.subarray(start, start + length)));
  } catch (cause) {
    throw refuse("its header cannot be read", cause);
  }
  const arrays = new Map<string, StoredArray>();
  let offset = start + length;
  for (const { name, type, length } of header.arrays ?? []) {
    const make = types[type];
    const size = length * (make?.BYTES_PER_ELEMENT ?? 0);
    if (!make || !(size >= 0) || offset + size > bytes.length) throw refuse("it is cut short");
    // A copy: a Buffer's slice is a view of a larger one.
    arrays.set(name, new make(new Uint8Array(bytes.subarray(offset, offset + size)).buffer));
    offset += size;
  }
  if (offset !== bytes.length) throw refuse("it is too long");
  return { header: header as ArrayFile["header"], arrays };
}

function typeOf(array: StoredArray): TypeName {
  return (Object.keys(types) as TypeName[]).find((name) => array instanceof types[name]) as TypeName;
}

/** The array of that name and type; throws bad-model. */
export function arrayNamed<T extends StoredArray>(file: ArrayFile, name: string, like: T): T {
  const found = file.arrays.get(name);
  if (found && found.constructor === like.constructor && found.length === like.length) return found as T;
  throw new DraftwrightError("bad-model", `The checkpoint lacks its array "${name}", or it has another size.`);
}
