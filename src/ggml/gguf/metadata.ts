// Metadata of a GGUF file: parsing (bounds before allocation), and typed getters that name the key when it has another
// type. Types are strict because llama.cpp's are: it refuses a context length stored as uint64, so we do too.

import { isUtf8 } from "node:buffer";
import { DraftwrightError } from "../../errors.ts";
import type { HeaderReader } from "./header.ts";
import {
  ARRAY_TYPES,
  decodeText,
  type ElementType,
  type MetadataValue,
  type NumericArray,
  StringArray,
  VALUE_TYPES,
  type ValueType,
} from "./values.ts";

/** Real files hold under 100 keys. libllama compares every key with all before it, so a million would hang it. */
const MAX_KEYS = 4096;
const MAX_KEY_BYTES = 65535;

/** Where a value lies in the header. Values are decoded when asked for. */
interface Entry {
  readonly type: ValueType;
  /** Of arrays. */
  readonly element?: ElementType;
  /** Of arrays; 1 for scalars. */
  readonly count: number;
  /** Encoded value without type and count. */
  readonly bytes: Uint8Array;
}

export class Metadata {
  readonly #path: string;
  readonly #entries: ReadonlyMap<string, Entry>;

  constructor(path: string, entries: ReadonlyMap<string, Entry>) {
    this.#path = path;
    this.#entries = entries;
  }

  /** Keys in file order. */
  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** "uint32", "array of string", or undefined when the key is absent. */
  typeOf(key: string): string | undefined {
    const entry = this.#entries.get(key);
    return entry && (entry.element === undefined ? entry.type : `array of ${entry.element}`);
  }

  /** Any value with its type, to show it or to write it again. */
  value(key: string): MetadataValue | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.type !== "array") return { type: entry.type, value: scalar(entry.type, entry.bytes) } as MetadataValue;
    const value = entry.element === "string" ? new StringArray(entry.bytes, entry.count) : numeric(entry);
    return { type: "array", element: entry.element, value } as MetadataValue;
  }

  string(key: string): string | undefined {
    const entry = this.#get(key, "string");
    return entry && decodeText(entry.bytes);
  }

  uint32(key: string): number | undefined {
    const entry = this.#get(key, "uint32");
    return entry && (scalar("uint32", entry.bytes) as number);
  }

  uint16(key: string): number | undefined {
    const entry = this.#get(key, "uint16");
    return entry && (scalar("uint16", entry.bytes) as number);
  }

  float32(key: string): number | undefined {
    const entry = this.#get(key, "float32");
    return entry && (scalar("float32", entry.bytes) as number);
  }

  bool(key: string): boolean | undefined {
    const entry = this.#get(key, "bool");
    return entry && (scalar("bool", entry.bytes) as boolean);
  }

  strings(key: string): StringArray | undefined {
    const entry = this.#get(key, "array", ["string"]);
    return entry && new StringArray(entry.bytes, entry.count);
  }

  /** An array whose elements have one of the given types. */
  numbers(key: string, elements: readonly Exclude<ElementType, "string">[]): NumericArray | undefined {
    const entry = this.#get(key, "array", elements);
    return entry && numeric(entry);
  }

  #get(key: string, type: ValueType, elements?: readonly ElementType[]): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.type === type && (elements === undefined || elements.includes(entry.element as ElementType)))
      return entry;
    const wanted = elements === undefined ? type : `array of ${elements.join(" or ")}`;
    throw new DraftwrightError(
      "bad-model",
      `${this.#path}: metadata "${key}" is ${this.typeOf(key)}, expected ${wanted}. Convert the model again with a current converter.`,
    );
  }
}

/** Reads `count` key-value pairs from the header's position on. */
export function parseMetadata(header: HeaderReader, count: number): Metadata {
  if (count > MAX_KEYS) header.fail(`${count} metadata keys, more than the ${MAX_KEYS} allowed`);
  const located = new Map<
    string,
    { type: ValueType; element?: ElementType; count: number; start: number; end: number }
  >();
  for (let i = 0; i < count; i++) {
    const at = header.position;
    const raw = header.string(`metadata key ${i}`);
    if (raw.length === 0 || raw.length > MAX_KEY_BYTES || !isUtf8(raw) || raw.includes(0)) {
      header.fail(`metadata key ${i} is empty, too long or not text`, at);
    }
    const key = decodeText(raw);
    if (located.has(key)) header.fail(`metadata key "${key}" appears twice`, at);
    const type = valueType(header, key);
    const element = type === "array" ? valueType(header, key) : undefined;
    if (element === "array") header.fail(`metadata "${key}" is an array of arrays, which no model uses`);
    const items = type === "array" ? header.count(`the length of "${key}"`) : 1;
    const start = header.position;
    skipValue(header, key, element ?? (type as ElementType), items, type === "array");
    located.set(key, { type, element: element as ElementType | undefined, count: items, start, end: header.position });
  }
  // Views are taken once the window has grown over all of it.
  const entries = new Map<string, Entry>();
  for (const [key, { type, element, count: items, start, end }] of located) {
    const textStart = type === "string" ? start + 8 : start;
    entries.set(key, { type, element, count: items, bytes: header.slice(textStart, end) });
  }
  return new Metadata(header.path, entries);
}

function valueType(header: HeaderReader, key: string): ValueType {
  const at = header.position;
  const id = header.uint32(`the type of "${key}"`);
  const type = VALUE_TYPES[id];
  if (type === undefined) header.fail(`metadata "${key}" has unknown value type ${id}`, at);
  return type[0];
}

function skipValue(header: HeaderReader, key: string, type: ElementType, items: number, array: boolean): void {
  const size = VALUE_TYPES.find(([name]) => name === type)?.[1] as number;
  const least = items * (size === 0 ? 8 : size);
  if (least > header.remaining) {
    header.fail(
      `metadata "${key}" says ${items} ${type} values, more than the ${header.remaining} bytes left can hold`,
    );
  }
  if (size > 0) {
    header.need(least, `metadata "${key}"`);
    header.position += least;
  } else {
    header.skipStrings(items, array ? `a string of "${key}"` : `"${key}"`);
  }
}

function scalar(type: ElementType, bytes: Uint8Array): number | bigint | boolean | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case "uint8":
      return view.getUint8(0);
    case "int8":
      return view.getInt8(0);
    case "uint16":
      return view.getUint16(0, true);
    case "int16":
      return view.getInt16(0, true);
    case "uint32":
      return view.getUint32(0, true);
    case "int32":
      return view.getInt32(0, true);
    case "float32":
      return view.getFloat32(0, true);
    case "bool":
      return view.getInt8(0) !== 0;
    case "string":
      return decodeText(bytes);
    case "uint64":
      return view.getBigUint64(0, true);
    case "int64":
      return view.getBigInt64(0, true);
    case "float64":
      return view.getFloat64(0, true);
  }
}

function numeric(entry: Entry): NumericArray {
  // A copy: the bytes in the file are not aligned.
  const copy = entry.bytes.slice();
  if (entry.element === "bool") return copy.map((byte) => (byte === 0 ? 0 : 1));
  return new ARRAY_TYPES[entry.element as keyof typeof ARRAY_TYPES](copy.buffer) as NumericArray;
}
