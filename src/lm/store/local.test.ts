import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listModels, removeModel, resolveModel, type StoreSettings, storeSettings } from "./index.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
let root: string;
let settings: StoreSettings;
const cache = (...parts: string[]) => join(root, "hub", "models--org--m", ...parts);

async function write(path: string, bytes: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, Buffer.alloc(bytes));
}

/** A file of a snapshot, as pulls leave it. */
async function cached(commit: string, file: string, etag: string, bytes: number): Promise<void> {
  await write(cache("blobs", etag), bytes);
  const target = cache("snapshots", commit, file);
  await mkdir(dirname(target), { recursive: true });
  await symlink(relative(dirname(target), cache("blobs", etag)), target);
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "draftwright-local-"));
  await cached(A, "m-Q4_0.gguf", "e1", 10);
  await cached(B, "m-Q4_0.gguf", "e1", 10);
  await cached(B, "q8/m-Q8_0-00001-of-00002.gguf", "e2", 20);
  await cached(B, "q8/m-Q8_0-00002-of-00002.gguf", "e3", 30);
  await cached(B, "README.md", "e4", 5);
  await mkdir(cache("refs"));
  await writeFile(cache("refs", "main"), B);
  await write(join(root, "hub", "datasets--x--y", "snapshots", A, "no.gguf"), 1);
  await write(join(root, "mine", "own.Q8_0.gguf"), 7);
  await write(join(root, "mine", "deep", "deeper.gguf"), 8);
  await write(join(root, "more", "second.gguf"), 9);
  await write(join(root, "embedded", "embedded-target.Q8_0.gguf"), 3);
  await write(join(root, "embedded", "embedded-drafter.Q8_0.gguf"), 2);
  await write(join(root, "embedded", "game", "network.gguf"), 4);
  settings = storeSettings(
    { embeddedDir: join(root, "embedded") },
    {
      HF_HOME: root,
      DRAFTWRIGHT_MODELS: [join(root, "mine"), join(root, "more"), join(root, "missing")].join(delimiter),
    },
  );
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("storeSettings", () => {
  it("follows Hugging Face's variables and their precedence", async () => {
    const of = (env: Record<string, string>) => storeSettings({}, env);
    expect(of({ HF_HUB_CACHE: "/x", HF_HOME: "/y" }).cacheDir).toBe("/x");
    expect(of({ HF_HOME: "/y", XDG_CACHE_HOME: "/z" }).cacheDir).toBe(join("/y", "hub"));
    expect(of({ XDG_CACHE_HOME: "/z" }).cacheDir).toBe(join("/z", "huggingface", "hub"));
    expect(of({}).cacheDir).toMatch(/huggingface.hub$/);
    expect(of({}).endpoint).toBe("https://huggingface.co");
    expect(of({ HF_ENDPOINT: "https://mirror.example/" }).endpoint).toBe("https://mirror.example");
    expect(() => of({ HF_ENDPOINT: "mirror.example" })).toThrow(/HF_ENDPOINT/);
    expect([of({}).offline, of({ HF_HUB_OFFLINE: "1" }).offline, of({ HF_HUB_OFFLINE: "0" }).offline]).toEqual([
      false,
      true,
      false,
    ]);
    await writeFile(join(root, "token"), "hf_file\n");
    expect(of({ HF_HOME: root }).token()).toBe("hf_file");
    expect(of({ HF_HOME: root, HF_TOKEN: "hf_env" }).token()).toBe("hf_env");
    expect(of({ HF_HOME: join(root, "none") }).token()).toBeUndefined();
  });
});

describe("listModels", () => {
  it("lists the embedded, the user's and the cached GGUF files, split models once", async () => {
    const models = await listModels(settings);
    expect(models.map(({ name, bytes, source, revision }) => [name, bytes, source, revision])).toEqual([
      ["embedded-drafter.Q8_0", 2, "embedded", undefined],
      ["embedded-target.Q8_0", 3, "embedded", undefined],
      ["deeper", 8, "folder", undefined],
      ["own.Q8_0", 7, "folder", undefined],
      ["second", 9, "folder", undefined],
      ["org/m:m-Q4_0.gguf", 10, "cache", A],
      ["org/m:m-Q4_0.gguf", 10, "cache", "main"],
      ["org/m:q8/m-Q8_0-00001-of-00002.gguf", 50, "cache", "main"],
    ]);
    for (const { path } of models) expect(existsSync(path)).toBe(true);
  });

  it("is empty where nothing is, and skips dead links", async () => {
    expect(await listModels(storeSettings({}, { HF_HOME: join(root, "nothing") }))).toEqual([]);
    await rm(cache("blobs", "e1"));
    const names = (await listModels(settings)).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith("org/"))).toEqual(["org/m:q8/m-Q8_0-00001-of-00002.gguf"]);
  });
});

describe("resolveModel", () => {
  it("finds every name that listModels gives, and short forms", async () => {
    for (const { name, path, revision } of await listModels(settings)) {
      if (revision !== A) expect(await resolveModel(name, settings)).toBe(path);
    }
    expect(await resolveModel("embedded", settings)).toBe(join(root, "embedded", "embedded-target.Q8_0.gguf"));
    expect(await resolveModel("own.Q8_0.gguf", settings)).toBe(join(root, "mine", "own.Q8_0.gguf"));
    expect(await resolveModel("org/m:Q4_0", settings)).toBe(cache("snapshots", B, "m-Q4_0.gguf"));
    expect(await resolveModel(`org/m:Q4_0@${A}`, settings)).toBe(cache("snapshots", A, "m-Q4_0.gguf"));
    const path = join(root, "more", "second.gguf");
    expect(await resolveModel(relative(process.cwd(), path), settings)).toBe(path);
  });

  it("says what comes near and how to get what is missing", async () => {
    const message = async (name: string) => {
      const error = await resolveModel(name, settings).catch((caught) => caught);
      expect(error).toMatchObject({ code: "model-not-found" });
      return (error as Error).message;
    };
    expect(await message("secnd")).toMatch(/Did you mean: second\?/);
    expect(await message("m-q8_0")).toMatch(/Did you mean: org\/m:q8\/m-Q8_0-00001/);
    expect(await message("org/other:Q4_0")).toMatch(/draftwright models pull org\/other:Q4_0$/);
    expect(await message("org/m:Q5_0")).toMatch(/Did you mean: org\/m:m-Q4_0.gguf.*pull org\/m:Q5_0/);
    expect(await message("no/such.gguf")).toMatch(/Give a path/);
    expect(await message("../x")).toMatch(/Give a path/);
  });
});

describe("removeModel", () => {
  it("removes one file everywhere, and its content once nothing uses it", async () => {
    expect(await removeModel(`org/m:Q4_0@${A}`, settings)).toEqual({ files: ["org/m:m-Q4_0.gguf"], freedBytes: 0 });
    expect(await removeModel("org/m:Q4_0", settings)).toEqual({ files: ["org/m:m-Q4_0.gguf"], freedBytes: 10 });
    expect(await removeModel("org/m:Q8_0", settings)).toMatchObject({ freedBytes: 50 });
    expect(await readdir(cache("blobs"))).toEqual(["e4"]);
    await expect(removeModel("org/m:Q8_0", settings)).rejects.toMatchObject({ code: "model-not-found" });
  });

  it("removes a whole repository, unfinished downloads too, and keeps those otherwise", async () => {
    await write(cache("blobs", "e9.incomplete"), 100);
    await removeModel("org/m:Q8_0", settings);
    expect(await readdir(cache("blobs"))).toContain("e9.incomplete");
    expect(await removeModel("org/m", settings)).toMatchObject({ freedBytes: 115 });
    expect(existsSync(cache())).toBe(false);
    expect(existsSync(join(root, "hub", "datasets--x--y"))).toBe(true);
  });

  it("leaves alone whatever a link leads to outside of the cache", async () => {
    const outside = join(root, "outside");
    await write(join(outside, "precious.gguf"), 4);
    await write(join(outside, A, "precious.gguf"), 4);
    await symlink(join(outside, "precious.gguf"), cache("snapshots", B, "linked.gguf"));
    await symlink(outside, cache("snapshots", B, "folder"));
    await symlink(outside, cache("snapshots", "c".repeat(40)));
    await removeModel("org/m", settings);
    expect(await readFile(join(outside, "precious.gguf"))).toHaveLength(4);

    await symlink(outside, join(root, "hub", "models--org--link"));
    await expect(removeModel("org/link", settings)).rejects.toThrow(/is a link/);
    await mkdir(join(root, "hub", "models--org--inner"));
    await symlink(outside, join(root, "hub", "models--org--inner", "snapshots"));
    await symlink(outside, join(root, "hub", "models--org--inner", "blobs"));
    await removeModel("org/inner", settings);
    expect(await readFile(join(outside, "precious.gguf"))).toHaveLength(4);
    expect(await readFile(join(outside, A, "precious.gguf"))).toHaveLength(4);
  });

  it.each(["../x", "org/../..", "org/m:../../x", "/etc"])("refuses %s", async (name) => {
    await expect(removeModel(name, settings)).rejects.toMatchObject({ code: "bad-argument" });
  });

  it("does not know files outside of the cache", async () => {
    await expect(removeModel("org/absent", settings)).rejects.toMatchObject({ code: "model-not-found" });
  });
});
