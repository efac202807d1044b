import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type PullOptions, pullModel, type StoreSettings, storeSettings } from "./index.ts";

const COMMIT = "c".repeat(40);
const REPO = "org/tiny-GGUF";
const FILE = "tiny-Q4_0.gguf";
const bytesOf = (seed: number, length: number) =>
  Buffer.from(Array.from({ length }, (_, i) => ((i * seed) >> 3) & 255));
const CONTENT = bytesOf(7, 300_000);
const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");
const gitSha1 = (data: Buffer) => createHash("sha1").update(`blob ${data.length}\0`).update(data).digest("hex");

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A hub as the real one answers: metadata on HEAD, content behind a redirect to storage, ranges honoured there. */
class Hub {
  files = new Map([[FILE, CONTENT]]);
  log: { method: string; path: string; range?: string; token?: string }[] = [];
  /** What storage answers; replaced by the tests of misbehaviour. `count` = GETs of content so far, from 0. */
  onContent: Handler = (request, response) => sendContent(request, response, this.content(request));
  /** Answers before everything else when it returns true. */
  before: (request: IncomingMessage, response: ServerResponse, count: number) => boolean = () => false;
  etag = (data: Buffer) => sha256(data);
  storage = "";
  server: Server = createServer((request, response) => this.answer(request, response));

  content(request: IncomingMessage): Buffer {
    return this.files.get(
      decodeURIComponent(request.url ?? "").replace(/^\/(storage|.*\/resolve\/[^/]+)\//, ""),
    ) as Buffer;
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "", headers } = request;
    this.log.push({ method, path: url, range: headers.range, token: headers.authorization });
    if (this.before(request, response, this.log.length - 1)) return;
    if (url.startsWith("/storage/")) {
      this.onContent(request, response, this.contentGets.length - 1);
    } else if (url === `/api/models/${REPO}/revision/main` || url === `/api/models/${REPO}/revision/v1`) {
      const siblings = ["README.md", ...this.files.keys()].map((rfilename) => ({ rfilename }));
      response.end(JSON.stringify({ id: REPO, sha: COMMIT, siblings }));
    } else if (url.startsWith(`/${REPO}/resolve/${COMMIT}/`) && this.content(request)) {
      const data = this.content(request);
      const location = `${this.storage}/storage/${url.split("/").slice(5).join("/")}`;
      response.writeHead(302, {
        location,
        "x-repo-commit": COMMIT,
        "x-linked-etag": `"${this.etag(data)}"`,
        "x-linked-size": data.length,
      });
      response.end();
    } else {
      response.writeHead(404, { "x-error-code": "EntryNotFound" }).end();
    }
  }

  get contentGets() {
    return this.log.filter(({ path }) => path.startsWith("/storage/"));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function sendContent(request: IncomingMessage, response: ServerResponse, data: Buffer): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (start >= data.length && start > 0) {
    response.writeHead(416).end();
    return;
  }
  const headers = { "content-length": data.length - start, etag: '"storage-has-its-own"' };
  const range = { "content-range": `bytes ${start}-${data.length - 1}/${data.length}` };
  response.writeHead(start > 0 ? 206 : 200, start > 0 ? { ...headers, ...range } : headers);
  response.end(data.subarray(start));
}

/** Sends a part of what is due and drops the connection. */
function drop(request: IncomingMessage, response: ServerResponse, data: Buffer, length: number): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const range = { "content-range": `bytes ${start}-${data.length - 1}/${data.length}` };
  response.writeHead(start > 0 ? 206 : 200, { "content-length": data.length - start, ...(start > 0 ? range : {}) });
  response.write(data.subarray(start, start + length), () => response.destroy());
}

let hub: Hub;
let cacheDir: string;
let settings: StoreSettings;
let waits: number[];
let options: PullOptions;

beforeEach(async () => {
  hub = new Hub();
  const endpoint = await hub.listen();
  cacheDir = await mkdtemp(join(tmpdir(), "draftwright-store-"));
  settings = storeSettings({}, { HF_ENDPOINT: `${endpoint}/`, HF_HUB_CACHE: cacheDir, HF_TOKEN: "hf_secret" });
  waits = [];
  options = {
    delay: async (milliseconds) => {
      waits.push(milliseconds);
    },
  };
});
afterEach(async () => {
  await hub.close();
  await rm(cacheDir, { recursive: true, force: true });
});

const repoFolder = () => join(cacheDir, "models--org--tiny-GGUF");
const blob = (etag = sha256(CONTENT)) => join(repoFolder(), "blobs", etag);
const partial = (etag?: string) => `${blob(etag)}.incomplete`;
const pull = (reference = REPO, more: PullOptions = {}) => pullModel(reference, settings, { ...options, ...more });
/** By hash: vitest compares buffers byte by byte, slowly. */
async function expectContent(path: string, data: Buffer): Promise<void> {
  expect(sha256(await readFile(path))).toBe(sha256(data));
}
async function snapshotFiles(): Promise<string[]> {
  const entries = await readdir(join(repoFolder(), "snapshots"), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
}

describe("a healthy hub", () => {
  it("leaves the file in Hugging Face's layout, and fetches nothing twice", async () => {
    const pulled = await pull();
    expect(pulled).toEqual({
      name: `${REPO}:${FILE}`,
      path: join(repoFolder(), "snapshots", COMMIT, FILE),
      commit: COMMIT,
      bytes: CONTENT.length,
    });
    await expectContent(pulled.path, CONTENT);
    expect(await readlink(pulled.path)).toBe(join("..", "..", "blobs", sha256(CONTENT)));
    expect(await readFile(join(repoFolder(), "refs", "main"), "utf8")).toBe(COMMIT);
    expect(await readdir(join(repoFolder(), "blobs"))).toEqual([sha256(CONTENT)]);
    expect(await readdir(join(cacheDir, ".locks", "models--org--tiny-GGUF"))).toEqual([]);
    await pull(`${REPO}:Q4_0@v1`);
    expect(hub.contentGets).toHaveLength(1);
    expect(await readFile(join(repoFolder(), "refs", "v1"), "utf8")).toBe(COMMIT);
  });

  it("fetches all parts of a split model, in folders too", async () => {
    hub.files = new Map([1, 2, 3].map((part) => [`Q8_0/big-Q8_0-0000${part}-of-00003.gguf`, bytesOf(part, 1000)]));
    const pulled = await pull(`${REPO}:Q8_0`);
    expect(pulled.bytes).toBe(3000);
    expect(pulled.path).toMatch(/big-Q8_0-00001-of-00003\.gguf$/);
    expect(await readlink(pulled.path)).toBe(join("..", "..", "..", "blobs", sha256(bytesOf(1, 1000))));
    await expectContent(pulled.path.replace("00001-of", "00003-of"), bytesOf(3, 1000));
  });

  it("asks which file when there are several, and lists them", async () => {
    hub.files.set("tiny-Q8_0.gguf", bytesOf(3, 10)).set("mmproj-tiny.gguf", bytesOf(2, 10));
    await expect(pull()).rejects.toMatchObject({
      code: "model-not-found",
      message: expect.stringContaining(`${REPO}:tiny-Q8_0.gguf`),
    });
    await expect(pull(`${REPO}:Q5_K`)).rejects.toThrow(/no files for "Q5_K"/);
    expect((await pull(`${REPO}:q8_0`)).name).toBe(`${REPO}:tiny-Q8_0.gguf`);
    hub.files = new Map([["model.safetensors", CONTENT]]);
    await expect(pull()).rejects.toThrow(/has no GGUF file/);
  });

  it("reports progress up to the last byte", async () => {
    const seen: number[] = [];
    await pull(REPO, {
      onProgress: ({ file, receivedBytes, totalBytes, bytesPerSecond }) => {
        expect([file, totalBytes]).toEqual([FILE, CONTENT.length]);
        expect(bytesPerSecond).toBeGreaterThanOrEqual(0);
        seen.push(receivedBytes);
      },
    });
    expect(seen.at(-1)).toBe(CONTENT.length);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  });

  it("checks small files, whose etag is git's hash, too", async () => {
    hub.etag = gitSha1;
    await pull();
    await expectContent(blob(gitSha1(CONTENT)), CONTENT);
    hub.files.set(FILE, bytesOf(9, 5000));
    hub.etag = () => "0".repeat(40);
    await expect(pull()).rejects.toThrow(/wrong checksum/);
  });
});

describe("connections that break", () => {
  it("resumes again and again after drops, where it stopped", async () => {
    hub.onContent = (request, response, count) => {
      if (count < 4) drop(request, response, CONTENT, 50_000);
      else sendContent(request, response, CONTENT);
    };
    await pull();
    await expectContent(blob(), CONTENT);
    const starts = hub.contentGets.map(({ range }) => Number(/\d+/.exec(range ?? "0")?.[0]));
    expect(starts).toHaveLength(5);
    expect([...starts].sort((a, b) => a - b)).toEqual(starts);
    expect(starts[1]).toBeGreaterThan(0);
    expect(waits).toEqual([500, 500, 500, 500]); // each attempt brought something, so the waits do not grow
  });

  it("gives up after six attempts without progress, keeping nothing visible", async () => {
    hub.onContent = (_, response) => response.destroy();
    await expect(pull()).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/6 times in a row/),
    });
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000]);
    expect(await snapshotFiles()).toEqual([]);
  });

  it("goes on after an abort with what has arrived", async () => {
    const controller = new AbortController();
    hub.onContent = (_, response) => {
      response.writeHead(200, { "content-length": CONTENT.length });
      response.write(CONTENT.subarray(0, 100_000)); // and never ends
    };
    const stop = { signal: controller.signal, onProgress: () => controller.abort() };
    await expect(pull(REPO, stop)).rejects.toMatchObject({ code: "aborted" });
    expect(await snapshotFiles()).toEqual([]);
    const { length } = await readFile(partial());
    expect(length).toBeGreaterThan(0);
    hub.onContent = (request, response) => sendContent(request, response, CONTENT);
    await pull();
    expect(hub.contentGets.at(-1)?.range).toBe(`bytes=${length}-`);
    await expectContent(blob(), CONTENT);
  });

  it("counts a silent connection as dropped", async () => {
    hub.onContent = (request, response, count) => {
      if (count > 0) return sendContent(request, response, CONTENT);
      response.writeHead(200, { "content-length": CONTENT.length });
      response.write(CONTENT.subarray(0, 1000));
    };
    await pull(REPO, { stallMs: 50 });
    await expectContent(blob(), CONTENT);
  });

  it("starts again when the server ignores ranges", async () => {
    await mkdir(dirname(partial()), { recursive: true });
    await writeFile(partial(), CONTENT.subarray(0, 1234));
    hub.onContent = (_, response) => response.end(CONTENT);
    await pull();
    expect(hub.contentGets.map(({ range }) => range)).toEqual(["bytes=1234-"]);
    await expectContent(blob(), CONTENT);
  });

  it("starts again when the server sends another range, or has none (416)", async () => {
    for (const status of [206, 416]) {
      await mkdir(dirname(partial()), { recursive: true });
      await writeFile(partial(), CONTENT.subarray(0, 1234));
      hub.log = [];
      hub.onContent = (request, response, count) => {
        if (count > 0) return sendContent(request, response, CONTENT);
        response.writeHead(status, status === 206 ? { "content-range": `bytes 0-99/${CONTENT.length}` } : {});
        response.end();
      };
      await pull();
      expect(hub.contentGets.map(({ range }) => range)).toEqual(["bytes=1234-", undefined]);
      await expectContent(blob(), CONTENT);
      await rm(repoFolder(), { recursive: true });
    }
  });

  it("finishes without a request when everything had arrived, and starts again when the rest is too long", async () => {
    await mkdir(dirname(partial()), { recursive: true });
    await writeFile(partial(), CONTENT);
    await pull();
    expect(hub.contentGets).toEqual([]);
    await rm(blob());
    await writeFile(partial(), Buffer.concat([CONTENT, CONTENT]));
    await pull();
    expect(hub.contentGets.map(({ range }) => range)).toEqual([undefined]);
    await expectContent(blob(), CONTENT);
  });
});

describe("servers that lie", () => {
  it("wrong bytes: the file is deleted and the error names it", async () => {
    hub.onContent = (_, response) => response.end(bytesOf(8, CONTENT.length));
    await expect(pull()).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/wrong checksum/),
    });
    expect(await readdir(join(repoFolder(), "blobs"))).toEqual([]);
    expect(await snapshotFiles()).toEqual([]);
    expect(waits).toEqual([]);
  });

  it("a partial file of other content is thrown away by its checksum", async () => {
    await mkdir(dirname(partial()), { recursive: true });
    await writeFile(partial(), bytesOf(8, 2000));
    await pull();
    expect(hub.contentGets.map(({ range }) => range)).toEqual(["bytes=2000-", undefined]);
    await expectContent(blob(), CONTENT);
  });

  it("more bytes than announced are refused at once", async () => {
    hub.onContent = (_, response) => response.end(Buffer.concat([CONTENT, CONTENT]));
    await expect(pull()).rejects.toThrow(/more than the 300000 bytes/);
    expect(await readdir(join(repoFolder(), "blobs"))).toEqual([]);
  });

  it("fewer bytes than announced end in an error, not in an endless loop", async () => {
    const short = CONTENT.subarray(0, 200_000);
    hub.onContent = (request, response) => sendContent(request, response, short);
    await expect(pull()).rejects.toMatchObject({ code: "download-failed" });
    expect(await snapshotFiles()).toEqual([]);
    expect(hub.contentGets.length).toBeLessThan(20);
  });

  it("a Content-Length shorter or longer than the body does not get through", async () => {
    hub.onContent = (request, response, count) => {
      if (count > 1) return sendContent(request, response, CONTENT);
      const length = count === 0 ? CONTENT.length - 100_000 : CONTENT.length + 50;
      if (count === 0)
        return void response.writeHead(200, { "content-length": length }).end(CONTENT.subarray(0, length));
      response.writeHead(200, { "content-length": length });
      response.write(CONTENT, () => response.destroy());
    };
    await pull();
    await expectContent(blob(), CONTENT);
  });

  it("content that changes on the way starts anew under its new name", async () => {
    const changed = bytesOf(11, 250_000);
    hub.onContent = (request, response, count) => {
      if (count > 0) return sendContent(request, response, hub.content(request));
      hub.files.set(FILE, changed);
      drop(request, response, CONTENT, 70_000);
    };
    const { path } = await pull();
    await expectContent(path, changed);
    expect(await readdir(join(repoFolder(), "blobs"))).toEqual([sha256(changed)]);
    expect(hub.contentGets.map(({ range }) => range)).toEqual([undefined, undefined]);
  });

  it("names that would leave the cache are refused", async () => {
    hub.etag = () => "../../../evil";
    await expect(pull()).rejects.toMatchObject({ code: "download-failed" });
    hub.files.set("../../evil.gguf", CONTENT);
    await expect(pull()).rejects.toThrow(/not a plain relative path/);
  });

  it("answers of something that is no hub are named so", async () => {
    hub.before = (_, response) => {
      response.end("<html>log in</html>");
      return true;
    };
    await expect(pull()).rejects.toMatchObject({ code: "download-failed" });
    hub.before = (_, response) => {
      response.end(JSON.stringify({ sha: "main", siblings: [] }));
      return true;
    };
    await expect(pull()).rejects.toThrow(/does not answer like a Hugging Face hub/);
  });
});

describe("refusals", () => {
  const status = (code: number, headers: Record<string, string> = {}, times = Infinity) => {
    hub.before = (_, response, count) => {
      if (count >= times) return false;
      response.writeHead(code, headers).end();
      return true;
    };
  };

  it("401, 403 and 404 name the repository and say what to do, at once", async () => {
    status(401);
    await expect(pull()).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/org\/tiny-GGUF.*401.*token/),
    });
    settings = { ...settings, token: () => undefined };
    await expect(pull()).rejects.toThrow(/set HF_TOKEN/);
    status(403);
    await expect(pull()).rejects.toThrow(/accept its licence at http.*org\/tiny-GGUF/);
    status(404);
    await expect(pull()).rejects.toMatchObject({
      code: "model-not-found",
      message: expect.stringMatching(/org\/tiny-GGUF/),
    });
    await expect(pull(`${REPO}@v9`)).rejects.toThrow(/revision v9/);
    expect(waits).toEqual([]);
  });

  it("500 is tried again, 429 after the time the server asks for", async () => {
    status(500, {}, 2);
    await pull();
    expect(waits).toEqual([500, 1000]);
    waits.length = 0;
    hub.log = [];
    status(429, { "retry-after": "7" }, 1);
    await pull();
    expect(waits).toEqual([7000]);
  });

  it("a full disk is refused before the first byte", async () => {
    const error = expect.stringMatching(/needs 300000 bytes and .* has 299999 free/);
    await expect(pull(REPO, { freeBytes: async () => 299_999 })).rejects.toMatchObject({
      code: "download-failed",
      message: error,
    });
    expect(hub.contentGets).toEqual([]);
    await pull(REPO, { freeBytes: async () => 300_000 });
  });

  it("a cache that cannot be written is named", async () => {
    await writeFile(join(cacheDir, "file"), "");
    settings = { ...settings, cacheDir: join(cacheDir, "file") };
    await expect(pull()).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/HF_HUB_CACHE/),
    });
  });

  it("nothing listening: the address is in the error", async () => {
    await hub.close();
    await expect(pull()).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringContaining("127.0.0.1"),
    });
    await hub.listen();
  });
});

describe("the token", () => {
  it("goes to the hub and to no other host", async () => {
    const storage = new Hub();
    storage.files = hub.files;
    hub.storage = await storage.listen();
    await pull();
    expect(storage.log.map(({ token }) => token)).toEqual([undefined]);
    expect(hub.log.every(({ token }) => token === "Bearer hf_secret")).toBe(true);
    await storage.close();
  });

  it("is not sent again when another host redirects back", async () => {
    const away = new Hub();
    away.before = (request, response) => {
      response.writeHead(302, { location: `${settings.endpoint}${request.url}` }).end();
      return true;
    };
    hub.storage = await away.listen();
    await pull();
    expect(hub.contentGets.map(({ token }) => token)).toEqual([undefined]);
    await away.close();
  });

  it("shows in no error and no printed settings", async () => {
    hub.before = (_, response) => {
      response.writeHead(401).end();
      return true;
    };
    const error = await pull().catch((caught: Error) => caught);
    expect(JSON.stringify([settings, String(error), (error as Error).stack])).not.toContain("hf_secret");
  });
});

describe("several pulls at once", () => {
  it("download a file once", async () => {
    const results = await Promise.all([pull(), pull(`${REPO}:Q4_0`), pull()]);
    expect(new Set(results.map(({ path }) => path)).size).toBe(1);
    expect(hub.contentGets).toHaveLength(1);
  });

  const lock = () => join(cacheDir, ".locks", "models--org--tiny-GGUF", `${sha256(CONTENT)}.draftwright`);
  const hold = async (owner: object) => {
    await mkdir(dirname(lock()), { recursive: true });
    await writeFile(lock(), JSON.stringify({ host: hostname(), id: "x", ...owner }));
  };

  it("wait for another process that is alive", async () => {
    await hold({ pid: process.ppid });
    let polls = 0;
    const delay = async () => {
      if (++polls === 3) await rm(lock());
    };
    await pull(REPO, { delay });
    expect(polls).toBe(3);
  });

  it("take over the lock of a process that died, on this machine or (by its age) on another", async () => {
    await hold({ pid: 2 ** 22 + 1 }); // above the largest pid Linux gives
    await pull();
    await rm(blob());
    await hold({ pid: 1, host: "elsewhere" });
    const { utimes } = await import("node:fs/promises");
    await utimes(lock(), 0, 0);
    await pull();
    expect(waits).toEqual([]);
  });

  it("can be aborted while waiting", async () => {
    await hold({ pid: process.ppid });
    const controller = new AbortController();
    const delay = async () => controller.abort();
    await expect(pull(REPO, { delay, signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("offline", () => {
  it("finds what is there and says how to get what is not", async () => {
    const online = await pull();
    settings = { ...settings, offline: true };
    hub.log = [];
    expect(await pull()).toEqual(online);
    expect(await pull(`${REPO}:Q4_0`)).toEqual(online);
    for (const reference of [`${REPO}:Q8_0`, `${REPO}@v1`, "org/other"]) {
      await expect(pull(reference)).rejects.toMatchObject({
        code: "offline",
        message: expect.stringContaining(`draftwright models pull ${reference}`),
      });
    }
    expect(hub.log).toEqual([]);
  });
});
