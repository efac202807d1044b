import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isLaterPart, modelName } from "./choose.ts";
import { type FoundFile, filesBelow } from "./files.ts";
import { readRef, repoDir, repoOfDir } from "./layout.ts";
import type { StoreSettings } from "./settings.ts";

export interface ListedModel {
  /** What resolveModel understands: a file stem for the embedded and the user's files, `org/name:file` for the cache. */
  readonly name: string;
  /** Absolute; the first part of a split model. */
  readonly path: string;
  /** Bytes of all parts. */
  readonly bytes: number;
  readonly source: "embedded" | "folder" | "cache";
  /** Cache only: the branch or tag, else the commit. */
  readonly revision?: string;
}

/** Every GGUF file at hand: the embedded ones, those of DRAFTWRIGHT_MODELS, and the hub cache. */
export async function listModels(settings: StoreSettings): Promise<ListedModel[]> {
  const models: ListedModel[] = [];
  const own = async (dir: string, source: "embedded" | "folder", depth: number) => {
    for (const { path, bytes } of modelsOf(await filesBelow(dir, depth))) {
      models.push({ name: stem(path), path: join(dir, path), bytes, source });
    }
  };
  // The folders below the embedded language models hold the networks of the games.
  if (settings.embeddedDir !== undefined) await own(settings.embeddedDir, "embedded", 0);
  for (const dir of settings.modelDirs) await own(dir, "folder", 2);
  for (const folder of (await readdir(settings.cacheDir).catch(() => [])).sort()) {
    const repo = repoOfDir(folder);
    if (repo !== undefined) models.push(...(await cached(settings, repo)));
  }
  return models;
}

async function cached(settings: StoreSettings, repo: string): Promise<ListedModel[]> {
  const root = repoDir(settings.cacheDir, repo);
  const refs = new Map<string, string>();
  for (const { path } of await filesBelow(join(root, "refs"))) {
    const commit = await readRef(root, path);
    if (commit !== undefined) refs.set(commit, path);
  }
  const models: ListedModel[] = [];
  for (const commit of (await readdir(join(root, "snapshots")).catch(() => [])).sort()) {
    const dir = join(root, "snapshots", commit);
    for (const { path, bytes } of modelsOf(await filesBelow(dir))) {
      const revision = refs.get(commit) ?? commit;
      models.push({ name: `${repo}:${path}`, path: join(dir, path), bytes, source: "cache", revision });
    }
  }
  return models;
}

/** GGUF files, a split model once with the bytes of all its parts. */
function modelsOf(files: readonly FoundFile[]): FoundFile[] {
  const gguf = files.filter(({ path }) => /\.gguf$/i.test(path));
  const bytes = new Map<string, number>();
  for (const file of gguf) bytes.set(modelName(file.path), (bytes.get(modelName(file.path)) ?? 0) + file.bytes);
  return gguf
    .filter(({ path }) => !isLaterPart(path))
    .map(({ path }) => ({ path, bytes: bytes.get(modelName(path)) ?? 0 }));
}

/** File name without folder, part number and .gguf. */
export function stem(path: string): string {
  return modelName(path)
    .replace(/^.*\//, "")
    .replace(/\.gguf$/i, "");
}
