import { lstat, readdir, readlink, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DraftwrightError } from "../../errors.ts";
import { chooseFiles, modelName } from "./choose.ts";
import { filesBelow } from "./files.ts";
import { readRef, repoDir } from "./layout.ts";
import { parseReference } from "./reference.ts";
import type { StoreSettings } from "./settings.ts";

export interface RemovedModel {
  /** Files taken out of the snapshots, as `org/name:file`. */
  readonly files: readonly string[];
  /** Bytes given back to the disk: those of contents that no snapshot uses any more. */
  readonly freedBytes: number;
}

/**
 * Deletes a model from the hub cache: all of `org/name` (with its unfinished downloads), or `org/name:file` in every
 * snapshot (of `@revision` only, if given). Other files of the user are never touched, nor anything a link leads to
 * outside of the cache. Throws "model-not-found" or "bad-argument".
 */
export async function removeModel(reference: string, settings: StoreSettings): Promise<RemovedModel> {
  const { repo, file, revision } = parseReference(reference);
  const folder = repoDir(settings.cacheDir, repo);
  const info = await lstat(folder).catch(() => undefined);
  if (info === undefined) throw notCached(reference);
  if (!info.isDirectory()) {
    throw new DraftwrightError("bad-argument", `${folder} is a link, so it is not deleted; remove it yourself.`);
  }
  const snapshots = join(folder, "snapshots");
  const only = revision === undefined ? undefined : await readRef(folder, revision);
  if (revision !== undefined && only === undefined) throw notCached(reference);

  const removed: string[] = [];
  for (const commit of await foldersIn(snapshots)) {
    if (only !== undefined && commit !== only) continue;
    const dir = join(snapshots, commit);
    const paths = (await filesBelow(dir)).map(({ path }) => path);
    for (const path of file === undefined ? paths : chosenOf(repo, paths, file)) {
      await rm(join(dir, path)); // of a symlink, rm removes the link
      removed.push(`${repo}:${path}`);
    }
  }
  if (file !== undefined && removed.length === 0) throw notCached(reference);
  const freedBytes = await dropUnused(folder, file === undefined && revision === undefined);
  const rest = [...(await filesBelow(snapshots)), ...(await filesBelow(join(folder, "blobs")))];
  if (rest.length === 0) await rm(folder, { recursive: true });
  return { files: [...new Set(removed)], freedBytes };
}

/** Names of real folders; none when `dir` is missing or itself a link, which could lead out of the cache. */
async function foldersIn(dir: string): Promise<string[]> {
  if (!(await lstat(dir).catch(() => undefined))?.isDirectory()) return [];
  const entries = await readdir(dir, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** The chosen model's parts among the files of one snapshot; none when this snapshot lacks it. */
function chosenOf(repo: string, paths: readonly string[], file: string): string[] {
  const gguf = paths.filter((path) => path.endsWith(".gguf"));
  const named = gguf.filter((path) => modelName(path) === modelName(file));
  if (named.length > 0 || gguf.length === 0) return named; // exact, and parts may be missing
  try {
    return chooseFiles(repo, gguf, file);
  } catch {
    return [];
  }
}

/** Deletes blobs that no snapshot links to; unfinished ones only when everything goes, for another pull may be at work. */
async function dropUnused(folder: string, unfinishedToo: boolean): Promise<number> {
  const used = new Set<string>();
  const walk = async (dir: string): Promise<void> => {
    for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) await walk(path);
      else if (entry.isSymbolicLink()) used.add(resolve(dirname(path), await readlink(path)));
    }
  };
  await walk(join(folder, "snapshots"));
  const blobs = join(folder, "blobs");
  if (!(await lstat(blobs).catch(() => undefined))?.isDirectory()) return 0;
  let freed = 0;
  for (const name of await readdir(blobs)) {
    const path = join(blobs, name);
    const unfinished = name.endsWith(".incomplete");
    if (used.has(path) || (unfinished && !unfinishedToo)) continue;
    const { size } = await lstat(path);
    await rm(path);
    freed += size;
  }
  return freed;
}

function notCached(reference: string): DraftwrightError {
  return new DraftwrightError(
    "model-not-found",
    `${reference} is not in the cache; see: draftwright models list. Files elsewhere are not deleted by this command.`,
  );
}
