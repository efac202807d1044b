// Reads parts of NumPy's .npy files (format 1.0 and 2.0), so that a tensor larger than memory can be sampled.
import { closeSync, openSync, readSync } from "node:fs";
import { DraftwrightError } from "../../../errors.ts";

export class NpyFile {
  readonly path: string;
  readonly shape: readonly number[];
  readonly #file: number;
  readonly #start: number;

  /** Opens little-endian F32 in C order. Throws `bad-argument` for anything else. */
  constructor(path: string) {
    this.path = path;
    try {
      this.#file = openSync(path, "r");
    } catch (cause) {
      throw new DraftwrightError("bad-argument", `Cannot open ${path}: ${(cause as Error).message}.`, { cause });
    }
    try {
      const head = this.#bytes(0, 12);
      const [magic, major] = [head.toString("latin1", 0, 6), head[6]];
      if (magic !== "\x93NUMPY" || major < 1 || major > 3) throw this.#problem("is no .npy file");
      const wide = major > 1;
      const length = wide ? head.readUInt32LE(8) : head.readUInt16LE(8);
      this.#start = (wide ? 12 : 10) + length;
      const text = this.#bytes(wide ? 12 : 10, length).toString("latin1");
      const [, kind] = /'descr':\s*'([^']*)'/.exec(text) ?? [];
      const [, shape] = /'shape':\s*\(([^)]*)\)/.exec(text) ?? [];
      if (kind !== "<f4" || !/'fortran_order':\s*False/.test(text) || shape === undefined) {
        throw this.#problem(
          `has ${text.trim()}; float32 in C order is needed: numpy.save(path, array.astype("float32"))`,
        );
      }
      this.shape = shape.split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part)]));
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  /** `count` values from element `from` on. Throws `bad-argument` when the file ends before. */
  read(from: number, count: number): Float32Array {
    const bytes = this.#bytes(this.#start + from * 4, count * 4);
    return new Float32Array(bytes.buffer, bytes.byteOffset, count);
  }

  #bytes(from: number, count: number): Buffer {
    const bytes = Buffer.from(new ArrayBuffer(count));
    if (readSync(this.#file, bytes, 0, count, from) !== count) throw this.#problem("is cut short");
    return bytes;
  }

  #problem(what: string): DraftwrightError {
    return new DraftwrightError("bad-argument", `${this.path} ${what}.`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
