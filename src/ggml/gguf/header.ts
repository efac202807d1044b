// The front of a GGUF file as a window of bytes that grows while it is parsed. All reads are checked against the file's
// size before anything is allocated, so a false length in the file costs nothing.

import { readSync } from "node:fs";
import { DraftwrightError } from "../../errors.ts";

const FIRST_WINDOW = 1 << 20;
/** Headers are metadata and a vocabulary, some tens of MB; 1 GiB is llama.cpp's limit for one string. */
const MAX_HEADER = 2 ** 30;

export class HeaderReader {
  readonly path: string;
  readonly fileBytes: number;
  position = 0;
  #fd: number;
  #bytes: Uint8Array;
  #view: DataView;

  constructor(fd: number, path: string, fileBytes: number) {
    this.#fd = fd;
    this.path = path;
    this.fileBytes = fileBytes;
    this.#bytes = new Uint8Array(0);
    this.#view = new DataView(this.#bytes.buffer);
    this.#load(Math.min(FIRST_WINDOW, fileBytes));
  }

  /** `bad-model` error naming the file and the offset. */
  fail(what: string, at = this.position): never {
    throw new DraftwrightError(
      "bad-model",
      `${this.path}: ${what} (at byte ${at}). The file is damaged or was not made by a GGUF writer; download or convert it again.`,
    );
  }

  get remaining(): number {
    return this.fileBytes - this.position;
  }

  /** Makes `bytes` bytes from `position` on readable, or fails because the file ends before. */
  need(bytes: number, what: string): void {
    const end = this.position + bytes;
    if (end > this.fileBytes) {
      this.fail(`${what} needs ${bytes} bytes but only ${this.remaining} are left: the file is truncated`);
    }
    if (end <= this.#bytes.length) return;
    if (end > MAX_HEADER) this.fail(`${what} makes the header larger than 1 GiB`);
    this.#load(Math.min(this.fileBytes, MAX_HEADER, Math.max(end, this.#bytes.length * 2)));
  }

  uint8(what: string): number {
    this.need(1, what);
    return this.#bytes[this.position++];
  }

  uint32(what: string): number {
    this.need(4, what);
    const value = this.#view.getUint32(this.position, true);
    this.position += 4;
    return value;
  }

  /** An unsigned 64-bit count, length or offset. Values above 2^53 - 1 fail: no file is that large. */
  count(what: string): number {
    this.need(8, what);
    const value = this.#view.getUint32(this.position, true) + this.#view.getUint32(this.position + 4, true) * 2 ** 32;
    if (!Number.isSafeInteger(value)) this.fail(`${what} is impossibly large`);
    this.position += 8;
    return value;
  }

  /** A length-prefixed string as bytes (a view, valid as long as the reader's buffer lives). */
  string(what: string): Uint8Array {
    const length = this.count(`the length of ${what}`);
    this.need(length, what);
    const start = this.position;
    this.position += length;
    return this.#bytes.subarray(start, this.position);
  }

  /** Steps over `count` strings. */
  skipStrings(count: number, what: string): void {
    const lengthOf = `the length of ${what}`;
    for (let i = 0; i < count; i++) {
      const length = this.count(lengthOf);
      this.need(length, what);
      this.position += length;
    }
  }

  /** View of bytes that were already needed. */
  slice(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start, end);
  }

  #load(length: number): void {
    const bytes = new Uint8Array(length);
    bytes.set(this.#bytes);
    let at = this.#bytes.length;
    while (at < length) {
      const read = readSync(this.#fd, bytes, at, length - at, at);
      if (read === 0) this.fail("the file became shorter while it was read", at);
      at += read;
    }
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
