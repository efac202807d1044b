// Opens GGUF files: header, metadata, tensor infos. Tensor data is read only when `readInto` is called, straight into
// the caller's memory, so that no second copy of the weights exists.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DraftwrightError } from "../../errors.ts";
import { HeaderReader } from "./header.ts";
import { type Metadata, parseMetadata } from "./metadata.ts";
import { splitPaths } from "./split.ts";
import { type GgufTensor, parseTensors } from "./tensors.ts";

const MAGIC = 0x46554747; // "GGUF"
const DEFAULT_ALIGNMENT = 32;

interface Part {
  readonly fd: number;
  readonly path: string;
  readonly version: number;
  readonly metadata: Metadata;
  readonly tensors: readonly GgufTensor[];
}

/** An open GGUF model, one file or all parts of a split one. Close it when the weights are loaded. */
export class GgufFile {
  /** Path of the first part. */
  readonly path: string;
  readonly version: number;
  /** Of the first part; the others repeat nothing. */
  readonly metadata: Metadata;
  /** Of all parts, by name, in file order. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  #parts: readonly Part[] | undefined;

  /** Use `openGguf`. */
  constructor(parts: readonly Part[], tensors: ReadonlyMap<string, GgufTensor>) {
    this.path = parts[0].path;
    this.version = parts[0].version;
    this.metadata = parts[0].metadata;
    this.tensors = tensors;
    this.#parts = parts;
  }

  /**
   * Fills `target` with the tensor's bytes from byte `from` on. `target` may be a view over native memory.
   * Throws `bad-argument` when that runs past the tensor, `bad-model` when the file has become shorter.
   */
  readInto(tensor: GgufTensor, target: Uint8Array, from = 0): void {
    if (this.#parts === undefined) throw new DraftwrightError("disposed", `${this.path} is closed.`);
    if (!Number.isSafeInteger(from) || from < 0 || from + target.length > tensor.bytes) {
      throw new DraftwrightError(
        "bad-argument",
        `Bytes ${from} to ${from + target.length} of tensor "${tensor.name}" were asked for; it has ${tensor.bytes}.`,
      );
    }
    const { fd, path } = this.#parts[tensor.part];
    for (let done = 0; done < target.length; ) {
      const read = readSync(fd, target, done, target.length - done, tensor.offset + from + done);
      if (read === 0) {
        throw new DraftwrightError("bad-model", `${path}: the file became shorter while "${tensor.name}" was read.`);
      }
      done += read;
    }
  }

  close(): void {
    for (const part of this.#parts ?? []) closeSync(part.fd);
    this.#parts = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a GGUF file of version 2 or 3. The first file of a split model opens the others beside it.
 * Throws `model-not-found` or `bad-model`; nothing stays open then.
 */
export function openGguf(path: string): GgufFile {
  const parts: Part[] = [];
  try {
    parts.push(openPart(path, 0));
    for (const [index, other] of splitPaths(path, parts[0].metadata).entries()) {
      if (index === 0) continue;
      const part = openPart(other, index);
      parts.push(part);
      if (part.metadata.uint16("split.no") !== index) {
        throw new DraftwrightError("bad-model", `${other}: this is not part ${index + 1} of ${path}.`);
      }
    }
    return new GgufFile(parts, collectTensors(parts));
  } catch (error) {
    for (const part of parts) closeSync(part.fd);
    throw error;
  }
}

function collectTensors(parts: readonly Part[]): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  for (const part of parts) {
    for (const tensor of part.tensors) {
      if (tensors.has(tensor.name)) {
        throw new DraftwrightError("bad-model", `${part.path}: tensor "${tensor.name}" is in an earlier part too.`);
      }
      tensors.set(tensor.name, tensor);
    }
  }
  return tensors;
}

function openPart(path: string, index: number): Part {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (cause) {
    throw new DraftwrightError("model-not-found", `Cannot open ${path}. Check the path and its permissions.`, {
      cause,
    });
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new DraftwrightError("bad-model", `${path} is not a regular file.`);
    const header = new HeaderReader(fd, path, stat.size);
    const version = parseVersion(header);
    const tensorCount = header.count("the tensor count");
    const metadata = parseMetadata(header, header.count("the metadata count"));
    const alignment = metadata.uint32("general.alignment") ?? DEFAULT_ALIGNMENT;
    if (alignment === 0 || (alignment & (alignment - 1)) !== 0) {
      header.fail(`general.alignment is ${alignment}, not a power of two`);
    }
    return { fd, path, version, metadata, tensors: parseTensors(header, tensorCount, alignment, index) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function parseVersion(header: HeaderReader): number {
  const magic = header.uint32("the magic number");
  if (magic !== MAGIC) header.fail('it does not start with "GGUF"', 0);
  const version = header.uint32("the version");
  const upgrade = "Download a current conversion of the model.";
  if (version === 1) {
    throw new DraftwrightError("unsupported-model", `${header.path} is GGUF version 1, given up in 2023. ${upgrade}`);
  }
  if ((version & 0xffff) === 0 && version !== 0) {
    throw new DraftwrightError("unsupported-model", `${header.path} is a big-endian GGUF file. ${upgrade}`);
  }
  if (version !== 2 && version !== 3) {
    throw new DraftwrightError("unsupported-model", `${header.path} is GGUF version ${version}; 2 and 3 are read.`);
  }
  return version;
}
