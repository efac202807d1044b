// Metadata values of GGUF: the value types, and string arrays that stay bytes until somebody asks for a string.
// Arrays of arrays exist in the specification only: llama.cpp refuses them, and so does the reader.

/** Name, byte size (0: variable) and id as stored in the file (the index). */
export const VALUE_TYPES = [
  ["uint8", 1],
  ["int8", 1],
  ["uint16", 2],
  ["int16", 2],
  ["uint32", 4],
  ["int32", 4],
  ["float32", 4],
  ["bool", 1],
  ["string", 0],
  ["array", 0],
  ["uint64", 8],
  ["int64", 8],
  ["float64", 8],
] as const;

export type ValueType = (typeof VALUE_TYPES)[number][0];
export type ElementType = Exclude<ValueType, "array">;
export type NumericArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | BigUint64Array
  | BigInt64Array
  | Float64Array;

/** One value with its stored type. 64-bit integers are bigint; a bool array is a Uint8Array of 0 and 1. */
export type MetadataValue =
  | { readonly type: "uint8" | "int8" | "uint16" | "int16" | "uint32" | "int32"; readonly value: number }
  | { readonly type: "float32" | "float64"; readonly value: number }
  | { readonly type: "uint64" | "int64"; readonly value: bigint }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string | Uint8Array }
  | { readonly type: "array"; readonly element: "string"; readonly value: StringList }
  | { readonly type: "array"; readonly element: Exclude<ElementType, "string">; readonly value: NumericArray };

/** What the writer takes as an array of strings; `StringArray` is one without having decoded anything. */
export type StringList = readonly (string | Uint8Array)[] | StringArray;

/** Typed array constructor of an element type, to be given bytes in the file's little-endian order. */
export const ARRAY_TYPES = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  bool: Uint8Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float64: Float64Array,
} as const;

// A byte order mark is part of the text here: one token may be just that.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text of UTF-8 bytes; invalid bytes become U+FFFD (llama.cpp decodes token texts the same way). */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** An array of strings over the file's own bytes: 8-byte length and text, one after the other. */
export class StringArray {
  readonly length: number;
  /** The encoded array: what the file holds after the element count. */
  readonly encoded: Uint8Array;
  /** Start of each text in `encoded`; entry `length` is where the text after the last one would start. */
  readonly #starts: Float64Array;

  /** `encoded` holds exactly `length` strings (the reader has walked over them). */
  constructor(encoded: Uint8Array, length: number) {
    this.encoded = encoded;
    this.length = length;
    this.#starts = new Float64Array(length + 1);
    const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
    let at = 0;
    for (let i = 0; i < length; i++) {
      this.#starts[i] = at + 8;
      at += 8 + view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
    }
    this.#starts[length] = at + 8;
  }

  /** Offset in `encoded` of the text of entry `index`. */
  start(index: number): number {
    return this.#starts[index];
  }

  /** Offset in `encoded` after the text of entry `index`. */
  end(index: number): number {
    return this.#starts[index + 1] - 8;
  }

  /** Text of entry `index`, invalid UTF-8 replaced. */
  at(index: number): string {
    if (!(index >= 0 && index < this.length)) throw new RangeError(`No string ${index} of ${this.length}.`);
    return decodeText(this.encoded.subarray(this.start(index), this.end(index)));
  }

  *[Symbol.iterator](): Generator<string> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }
}
