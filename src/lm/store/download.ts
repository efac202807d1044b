import { createHash, type Hash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { DraftwrightError } from "../../errors.ts";
import { openFile, type RemoteFile, reasonOf } from "./hub.ts";
import { type RetryOptions, Transient, withRetries } from "./retry.ts";
import type { StoreSettings } from "./settings.ts";

export interface DownloadProgress {
  /** Path inside the repository. */
  readonly file: string;
  readonly receivedBytes: number;
  readonly totalBytes: number;
  /** Mean over this run; what an earlier run left behind does not count. */
  readonly bytesPerSecond: number;
}

export interface DownloadOptions extends Omit<RetryOptions, "progress"> {
  onProgress?: (progress: DownloadProgress) => void;
  /** Bytes free for this folder; tests pass a full disk. */
  freeBytes?: (folder: string) => Promise<number>;
  /** A connection that is silent for so long counts as dropped. Default 60,000. */
  stallMs?: number;
}

const PROGRESS_EVERY_MS = 100;

/**
 * Downloads a file to `blob` by way of `<blob>.incomplete`, which a later call resumes. The name appears only when all
 * bytes are on the disk and match the hash. Throws "download-failed" or "aborted"; wrong bytes are deleted.
 */
export async function downloadBlob(
  settings: StoreSettings,
  repo: string,
  file: RemoteFile,
  blob: string,
  options: DownloadOptions,
): Promise<void> {
  await mkdir(dirname(blob), { recursive: true });
  const partial = await Partial.open(`${blob}.incomplete`, file);
  try {
    await refuseFullDisk(dirname(blob), file, partial.received, options);
    const report = reporter(file, partial.received, options);
    const retry = { ...options, progress: () => partial.highWater };
    await withRetries(`Downloading ${repo}:${file.path}`, retry, async () => {
      if (partial.received < file.size) await receive(settings, repo, file, partial, options, report);
      await partial.finish();
    });
    await partial.close();
    await rename(partial.path, blob);
    report(file.size, true);
  } finally {
    await partial.close();
  }
}

/** One request: appends what it brings. Throws Transient when more is to come. */
async function receive(
  settings: StoreSettings,
  repo: string,
  file: RemoteFile,
  partial: Partial,
  options: DownloadOptions,
  report: (received: number) => void,
): Promise<void> {
  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(new Error("the server fell silent")), options.stallMs ?? 60_000);
  const signal = options.signal ? AbortSignal.any([options.signal, stall.signal]) : stall.signal;
  try {
    const response = await openFile(settings, repo, file, partial.received, signal);
    if (response.status === 206 && !continues(response, partial.received, file.size)) {
      await response.body?.cancel();
      await partial.restart();
      throw new Transient("the server sent another range than was asked for.");
    }
    if (response.status === 416) {
      await response.body?.cancel();
      await partial.restart();
      throw new Transient("the server has no such range.");
    }
    if (response.status === 200 && partial.received > 0) await partial.restart(); // it ignores ranges
    for await (const chunk of chunksOf(response, signal)) {
      timer.refresh();
      if (partial.received + chunk.length > file.size) {
        await partial.discard();
        throw new DraftwrightError(
          "download-failed",
          `The server sends more than the ${file.size} bytes it announced for ${repo}:${file.path}; nothing was kept. Try again later or check HF_ENDPOINT.`,
        );
      }
      await partial.append(chunk);
      report(partial.received);
    }
  } finally {
    clearTimeout(timer);
  }
  if (partial.received < file.size) {
    throw new Transient(`the connection ended after ${partial.received} of ${file.size} bytes.`);
  }
}

async function* chunksOf(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const read = await reader.read().catch((cause) => {
        throw new Transient(`the connection broke (${reasonOf(signal.aborted ? signal.reason : cause)}).`, { cause });
      });
      if (read.done) return;
      yield read.value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** True when a 206 answer starts at `offset` and speaks of the same whole. */
function continues(response: Response, offset: number, size: number): boolean {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  return range !== null && Number(range[1]) === offset && (range[2] === "*" || Number(range[2]) === size);
}

/** The growing file and the hash of what it holds. */
class Partial {
  readonly path: string;
  received = 0;
  /** Most bytes ever held: a restart is no progress. */
  highWater = 0;
  private readonly file: RemoteFile;
  private readonly handle: FileHandle;
  private hash: Hash;
  /** Holds bytes of more than one request; if the hash is wrong, a mixture of two versions may be the reason. */
  private resumed = false;

  private constructor(path: string, file: RemoteFile, handle: FileHandle) {
    this.path = path;
    this.file = file;
    this.handle = handle;
    this.hash = contentHash(file) ?? createHash("sha256");
  }

  static async open(path: string, file: RemoteFile): Promise<Partial> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    const partial = new Partial(path, file, handle);
    const { size } = await handle.stat();
    // Only what a hash will check in the end may be resumed.
    if (size > file.size || contentHash(file) === undefined) {
      await partial.restart();
    } else if (size > 0) {
      for await (const chunk of createReadStream(path, { end: size - 1, highWaterMark: 1 << 20 })) {
        partial.hash.update(chunk as Uint8Array);
      }
      partial.received = size;
      partial.highWater = size;
      partial.resumed = true;
    }
    return partial;
  }

  async append(chunk: Uint8Array): Promise<void> {
    try {
      for (let written = 0; written < chunk.length; ) {
        const { bytesWritten } = await this.handle.write(chunk, written, undefined, this.received + written);
        written += bytesWritten;
      }
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      const hint = code === "ENOSPC" || code === "EDQUOT" ? "the disk is full; free some space" : reasonOf(cause);
      throw new DraftwrightError(
        "download-failed",
        `Cannot write ${this.path}: ${hint}, then run the command again to go on.`,
        {
          cause,
        },
      );
    }
    this.hash.update(chunk);
    this.received += chunk.length;
    this.highWater = Math.max(this.highWater, this.received);
  }

  async restart(): Promise<void> {
    await this.handle.truncate(0);
    this.hash = contentHash(this.file) ?? createHash("sha256");
    this.received = 0;
    this.resumed = false;
  }

  async discard(): Promise<void> {
    await this.restart();
    await rm(this.path, { force: true });
  }

  /** Checks the hash and brings all bytes to the disk. */
  async finish(): Promise<void> {
    const wanted = contentHash(this.file) === undefined ? undefined : this.file.etag;
    if (wanted !== undefined && this.hash.digest("hex") !== wanted) {
      const { resumed } = this;
      await this.restart();
      if (resumed) throw new Transient("the resumed file has a wrong checksum; starting again.");
      await this.discard();
      throw new DraftwrightError(
        "download-failed",
        `${this.file.path} arrived with a wrong checksum (wanted ${wanted}) and was deleted. Try again; if it stays so, the connection or HF_ENDPOINT changes the bytes.`,
      );
    }
    await this.handle.sync();
  }

  async close(): Promise<void> {
    if (this.handle.fd >= 0) await this.handle.close();
  }
}

/** The hash that the etag is: SHA-256 for large files, git's blob SHA-1 for small ones; undefined when it is neither. */
function contentHash(file: RemoteFile): Hash | undefined {
  if (/^[0-9a-f]{64}$/.test(file.etag)) return createHash("sha256");
  if (/^[0-9a-f]{40}$/.test(file.etag)) return createHash("sha1").update(`blob ${file.size}\0`);
  return undefined;
}

async function refuseFullDisk(folder: string, file: RemoteFile, have: number, options: DownloadOptions): Promise<void> {
  const free = await (options.freeBytes ?? freeBytes)(folder);
  const needed = file.size - have;
  if (needed <= free) return;
  throw new DraftwrightError(
    "download-failed",
    `${file.path} needs ${needed} bytes and ${folder} has ${free} free. Free some space, or set HF_HUB_CACHE to another disk.`,
  );
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function reporter(file: RemoteFile, before: number, { onProgress }: DownloadOptions) {
  const start = performance.now();
  let last = -Infinity;
  return (receivedBytes: number, final = false) => {
    const now = performance.now();
    if (!onProgress || (!final && now - last < PROGRESS_EVERY_MS)) return;
    last = now;
    const bytesPerSecond = (Math.max(0, receivedBytes - before) * 1000) / Math.max(1, now - start);
    onProgress({ file: file.path, receivedBytes, totalBytes: file.size, bytesPerSecond });
  };
}
