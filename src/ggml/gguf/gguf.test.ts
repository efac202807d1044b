import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DraftwrightError } from "../../errors.ts";
import { tensorType } from "../types.ts";
import { type GgufTensorSource, type MetadataValue, openGguf, StringArray, writeGguf } from "./index.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "draftwright-gguf-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string) => join(folder, name);

const EVERY_TYPE: [string, MetadataValue][] = [
  ["a.uint8", { type: "uint8", value: 255 }],
  ["a.int8", { type: "int8", value: -128 }],
  ["a.uint16", { type: "uint16", value: 65535 }],
  ["a.int16", { type: "int16", value: -32768 }],
  ["a.uint32", { type: "uint32", value: 4294967295 }],
  ["a.int32", { type: "int32", value: -2147483648 }],
  ["a.float32", { type: "float32", value: 0.5 }],
  ["a.float64", { type: "float64", value: Math.PI }],
  ["a.bool", { type: "bool", value: true }],
  ["a.string", { type: "string", value: "\ufeffgr\u00fc\u00df dich \u{1f600}" }],
  ["a.uint64", { type: "uint64", value: 2n ** 64n - 1n }],
  ["a.int64", { type: "int64", value: -(2n ** 63n) }],
  ["b.uint8", { type: "array", element: "uint8", value: Uint8Array.of(0, 255) }],
  ["b.int8", { type: "array", element: "int8", value: Int8Array.of(-128, 127) }],
  ["b.uint16", { type: "array", element: "uint16", value: Uint16Array.of(1, 65535) }],
  ["b.int16", { type: "array", element: "int16", value: Int16Array.of(-1, 2) }],
  ["b.uint32", { type: "array", element: "uint32", value: Uint32Array.of(3, 4294967295) }],
  ["b.int32", { type: "array", element: "int32", value: Int32Array.of(-3, 3) }],
  ["b.float32", { type: "array", element: "float32", value: Float32Array.of(-0.25, 1e30) }],
  ["b.float64", { type: "array", element: "float64", value: Float64Array.of(1e-300, 2) }],
  ["b.bool", { type: "array", element: "bool", value: Uint8Array.of(0, 1, 1) }],
  ["b.uint64", { type: "array", element: "uint64", value: BigUint64Array.of(5n, 2n ** 63n) }],
  ["b.int64", { type: "array", element: "int64", value: BigInt64Array.of(-5n) }],
  ["b.empty", { type: "array", element: "float32", value: new Float32Array() }],
];

function tensor(name: string, type: string, ne: number[], data: Uint8Array): GgufTensorSource {
  return { name, type: tensorType(type), ne, data: () => data };
}

function expectRefused(path: string, pattern: RegExp, code = "bad-model"): void {
  let error: unknown;
  try {
    openGguf(path).close();
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(DraftwrightError);
  expect((error as DraftwrightError).message).toMatch(pattern);
  expect((error as DraftwrightError).code).toBe(code);
  expect((error as DraftwrightError).message).toContain(path);
}

describe("round trip", () => {
  it("keeps every metadata type, the key order and the tensors", () => {
    const strings: MetadataValue = { type: "array", element: "string", value: ["", "b", "\u0000c"] };
    const metadata = new Map([...EVERY_TYPE, ["b.string", strings]] as [string, MetadataValue][]);
    const first = Uint8Array.from({ length: 3 * 34 }, (_, i) => i);
    const second = Uint8Array.from({ length: 24 }, (_, i) => 200 - i);
    writeGguf(file("types.gguf"), metadata, [
      tensor("first", "Q8_0", [32, 3], first),
      { ...tensor("second", "F32", [1, 2, 1, 3], second), data: () => [second.subarray(0, 5), second.subarray(5)] },
    ]);

    using gguf = openGguf(file("types.gguf"));
    expect([...gguf.metadata.keys()]).toEqual([...metadata.keys()]);
    for (const [key, value] of EVERY_TYPE) expect(gguf.metadata.value(key)).toEqual(value);
    expect([...(gguf.metadata.strings("b.string") ?? [])]).toEqual(["", "b", "\u0000c"]);
    expect(gguf.tensors.get("second")).toMatchObject({ ne: [1, 2, 1, 3], bytes: 24, part: 0 });
    for (const [name, data] of [
      ["first", first],
      ["second", second],
    ] as const) {
      const target = new Uint8Array(data.length);
      const info = gguf.tensors.get(name);
      if (info === undefined) throw new Error(`no ${name}`);
      gguf.readInto(info, target);
      expect(target).toEqual(data);
      expect(info.offset % 32).toBe(0);
      gguf.readInto(info, target.subarray(0, 4), 7);
      expect(target.subarray(0, 4)).toEqual(data.subarray(7, 11));
      expect(() => gguf.readInto(info, target, 1)).toThrow(DraftwrightError);
    }
  });

  it("leaves no file behind and keeps the old one when the data has the wrong length", () => {
    writeFileSync(file("old.gguf"), "old");
    const wrong = tensor("t", "F32", [4], new Uint8Array(12));
    expect(() => writeGguf(file("old.gguf"), new Map(), [wrong])).toThrow(/12 bytes of data, not 16/);
    expect(readFileSync(file("old.gguf"), "utf8")).toBe("old");
    expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  const embedded = join(import.meta.dirname, "../../../../shared/data/models/embedded-v0");
  it.skipIf(!existsSync(embedded))("rewrites the embedded models byte for byte (skipped without ../shared)", () => {
    for (const name of readdirSync(embedded).filter((name) => name.endsWith("Q8_0.gguf"))) {
      using gguf = openGguf(join(embedded, name));
      const metadata = new Map(
        [...gguf.metadata.keys()].map((key) => [key, gguf.metadata.value(key) as MetadataValue]),
      );
      const sources = [...gguf.tensors.values()].map((info) => ({
        name: info.name,
        type: info.type,
        ne: info.ne.slice(0, info.ne.findLastIndex((size) => size > 1) + 1),
        data: () => {
          const data = new Uint8Array(info.bytes);
          gguf.readInto(info, data);
          return data;
        },
      }));
      writeGguf(file(name), metadata, sources);
      expect(readFileSync(file(name)).equals(readFileSync(join(embedded, name))), name).toBe(true);
    }
  });
});

describe("metadata getters", () => {
  it("name the key when the type is another", () => {
    writeGguf(file("getters.gguf"), new Map(EVERY_TYPE), []);
    using gguf = openGguf(file("getters.gguf"));
    expect(gguf.metadata.uint32("a.uint32")).toBe(4294967295);
    expect(gguf.metadata.uint32("absent")).toBeUndefined();
    expect(() => gguf.metadata.uint32("a.uint64")).toThrow(/"a.uint64" is uint64, expected uint32/);
    expect(() => gguf.metadata.strings("b.int8")).toThrow(/"b.int8" is array of int8, expected array of string/);
    expect(gguf.metadata.typeOf("b.int8")).toBe("array of int8");
  });
});

describe("damaged files", () => {
  /** Magic, version, counts; then whatever a test appends. */
  class Bytes {
    readonly parts: Buffer[] = [];
    u32(...values: number[]): this {
      for (const value of values) this.parts.push(Buffer.from(Uint32Array.of(value).buffer));
      return this;
    }
    u64(...values: (number | bigint)[]): this {
      for (const value of values) this.parts.push(Buffer.from(BigUint64Array.of(BigInt(value)).buffer));
      return this;
    }
    text(text: string): this {
      this.u64(Buffer.byteLength(text)).parts.push(Buffer.from(text));
      return this;
    }
    pad(to: number): this {
      const length = Buffer.concat(this.parts).length;
      this.parts.push(Buffer.alloc(Math.max(0, to - length)));
      return this;
    }
    save(name: string): string {
      writeFileSync(file(name), Buffer.concat(this.parts));
      return file(name);
    }
  }
  const GGUF = 0x46554747;
  const start = (tensors: number | bigint, keys: number | bigint, version = 3) =>
    new Bytes().u32(GGUF, version).u64(tensors, keys);
  const info = (bytes: Bytes, name: string, ne: (number | bigint)[], type: number, offset: number | bigint) =>
    bytes
      .text(name)
      .u32(ne.length)
      .u64(...ne)
      .u32(type)
      .u64(offset);

  it("are refused by what is wrong with them", () => {
    expectRefused(new Bytes().save("empty"), /truncated/);
    expectRefused(new Bytes().u32(1, 2).save("magic"), /does not start with "GGUF"/);
    expectRefused(start(0, 0, 1).save("v1"), /version 1/, "unsupported-model");
    expectRefused(start(0, 0, 0x03000000).save("big"), /big-endian/, "unsupported-model");
    expectRefused(start(0, 0, 4).save("v4"), /version 4/, "unsupported-model");
    expectRefused(start(0, 2n ** 60n).save("keys"), /impossibly large/);
    expectRefused(start(0, 5000).save("manykeys"), /5000 metadata keys/);
    expectRefused(start(1e6, 0).save("tensors"), /1000000 tensors/);
    expectRefused(
      start(0, 1)
        .u64(2n ** 40n)
        .save("keylength"),
      /truncated/,
    );
    expectRefused(start(0, 1).text("k").u32(13).save("type"), /unknown value type 13/);
    expectRefused(start(0, 1).text("").u32(4, 0).save("nokey"), /is empty/);
    expectRefused(start(0, 2).text("k").u32(4, 0).text("k").u32(4, 0).save("twice"), /"k" appears twice/);
    expectRefused(start(0, 1).text("k").u32(9, 9).u64(1).save("nested"), /array of arrays/);
    expectRefused(start(0, 1).text("k").u32(9, 4).u64(1e9).save("array"), /more than the 0 bytes left/);
    expectRefused(start(0, 1).text("k").u32(9, 8).u64(1e12).save("strings"), /more than the 0 bytes left/);
    expectRefused(start(0, 1).text("k").u32(8).u64(100).save("string"), /needs 100 bytes/);
    expectRefused(start(0, 1).text("general.alignment").u32(4, 48).save("alignment"), /not a power of two/);
    expectRefused(info(start(1, 0), "x".repeat(64), [1], 0, 0).save("name"), /longer than 63/);
    expectRefused(info(start(1, 0), "t", [1, 1, 1, 1, 1], 0, 0).save("rank"), /5 dimensions/);
    expectRefused(info(start(1, 0), "t", [4, 0], 0, 0).save("zero"), /dimension 1 of tensor "t" is 0/);
    expectRefused(info(start(1, 0), "t", [2n ** 32n, 2n ** 32n], 0, 0).save("overflow"), /larger than the file/);
    expectRefused(info(start(1, 0), "t", [4], 4, 0).save("removed"), /type 4, which ggml/);
    expectRefused(info(start(1, 0), "t", [33], 8, 0).save("block"), /not a multiple of Q8_0's block/);
    expectRefused(info(start(1, 0), "t", [4], 0, 32).pad(512).save("gap"), /offset 32, expected 0/);
    const two = info(info(start(2, 0), "t", [4], 0, 0), "u", [4], 0, 0);
    expectRefused(two.pad(512).save("overlap"), /"u" has data offset 0, expected 32/);
    const same = info(info(start(2, 0), "t", [4], 0, 0), "t", [4], 0, 32);
    expectRefused(same.pad(512).save("same"), /tensor "t" appears twice/);
    expectRefused(info(start(1, 0), "t", [16], 0, 0).pad(80).save("short"), /truncated/);
    expectRefused(folder, /not a regular file/);
    expectRefused(file("absent.gguf"), /Cannot open/, "model-not-found");
  });

  it("are refused when cut short, wherever that is", () => {
    writeGguf(file("whole.gguf"), new Map(EVERY_TYPE), [tensor("t", "F32", [3], new Uint8Array(12))]);
    const whole = readFileSync(file("whole.gguf"));
    // The last tensor's padding is not needed.
    const needed = whole.length - 20;
    for (let length = 0; length < needed; length += 3) {
      writeFileSync(file("cut.gguf"), whole.subarray(0, length));
      expectRefused(file("cut.gguf"), /truncated|larger than the file|bytes left/);
    }
    writeFileSync(file("cut.gguf"), whole.subarray(0, needed));
    openGguf(file("cut.gguf")).close();
  });
});

describe("vocabularies", () => {
  it("of 152,000 entries stay bytes until asked for", () => {
    const tokens = Array.from({ length: 152_000 }, (_, i) => `token${i}`);
    const value: MetadataValue = { type: "array", element: "string", value: tokens };
    writeGguf(file("vocab.gguf"), new Map([["tokenizer.ggml.tokens", value]]), []);
    using gguf = openGguf(file("vocab.gguf"));
    const strings = gguf.metadata.strings("tokenizer.ggml.tokens");
    expect(strings).toBeInstanceOf(StringArray);
    expect(strings?.length).toBe(152_000);
    expect(strings?.at(151_999)).toBe("token151999");
    expect(() => strings?.at(152_000)).toThrow(RangeError);
  });
});

describe("split models", () => {
  const metadata = (no: number, count: number) =>
    new Map<string, MetadataValue>([
      ["split.no", { type: "uint16", value: no }],
      ["split.count", { type: "uint16", value: count }],
    ]);
  const part = (i: number, n = 2) => file(`model-0000${i}-of-0000${n}.gguf`);

  it("open their other parts", () => {
    writeGguf(part(1), metadata(0, 2), [tensor("a", "F32", [1], Uint8Array.of(1, 2, 3, 4))]);
    writeGguf(part(2), metadata(1, 2), [tensor("b", "F32", [1], Uint8Array.of(5, 6, 7, 8))]);
    using gguf = openGguf(part(1));
    const info = gguf.tensors.get("b");
    expect(info?.part).toBe(1);
    const target = new Uint8Array(4);
    if (info !== undefined) gguf.readInto(info, target);
    expect([...target]).toEqual([5, 6, 7, 8]);
  });

  it("are refused by name otherwise", () => {
    writeGguf(part(1), metadata(0, 2), []);
    rmSync(part(2), { force: true });
    expect(() => openGguf(part(1))).toThrow(/Cannot open .*00002-of-00002/);
    writeGguf(part(2), metadata(0, 1), []);
    expect(() => openGguf(part(1))).toThrow(/not part 2/);
    writeGguf(part(2), metadata(1, 2), []);
    expectRefused(part(2), /is part 2 of a model split into 2 files/);
    copyFileSync(part(1), file("renamed.gguf"));
    expectRefused(file("renamed.gguf"), /original name/);
    writeGguf(part(1), metadata(0, 2), [tensor("a", "F32", [1], new Uint8Array(4))]);
    writeGguf(part(2), metadata(1, 2), [tensor("a", "F32", [1], new Uint8Array(4))]);
    expect(() => openGguf(part(1))).toThrow(/"a" is in an earlier part/);
  });
});
