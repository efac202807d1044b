import { rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { DraftwrightError } from "../../errors.ts";
import { chooseFiles } from "./choose.ts";
import { type DownloadOptions, downloadBlob } from "./download.ts";
import { filesBelow } from "./files.ts";
import { ChangedOnServer, listRepo, reasonOf, statFile } from "./hub.ts";
import { blobPath, linkSnapshot, readRef, repoDir, snapshotPath, writeRef } from "./layout.ts";
import { withLock } from "./lock.ts";
import { parseReference } from "./reference.ts";
import { Transient, withRetries } from "./retry.ts";
import type { StoreSettings } from "./settings.ts";

/** All optional: a signal (keeps what has arrived), a progress callback, and the seams that tests use. */
export type PullOptions = DownloadOptions;

export interface PulledModel {
  /** `org/name:file`, a name that resolveModel understands. */
  readonly name: string;
  /** Absolute path of the file, or of the first part of a split model. */
  readonly path: string;
  readonly commit: string;
  /** Bytes of all parts. */
  readonly bytes: number;
}

/**
 * Brings a model into the cache: `org/name[:file][@revision]`, file being a quantisation name or a file name. What is
 * there already is not fetched again. Offline, only what is there already is found.
 * Throws "model-not-found", "download-failed", "offline", "aborted", "bad-argument".
 */
export async function pullModel(
  reference: string,
  settings: StoreSettings,
  options: PullOptions = {},
): Promise<PulledModel> {
  const { repo, file, revision = "main" } = parseReference(reference);
  const folder = repoDir(settings.cacheDir, repo);
  if (settings.offline) return findOffline(reference, folder, repo, file, revision);
  try {
    return await fetchModel(repo, file, revision, settings, options);
  } catch (cause) {
    if (cause instanceof DraftwrightError) throw cause;
    throw new DraftwrightError(
      "download-failed",
      `Cannot write to the cache ${settings.cacheDir}: ${reasonOf(cause)}. Check its permissions, or set HF_HUB_CACHE to another folder.`,
      { cause },
    );
  }
}

async function fetchModel(
  repo: string,
  file: string | undefined,
  revision: string,
  settings: StoreSettings,
  options: PullOptions,
): Promise<PulledModel> {
  const folder = repoDir(settings.cacheDir, repo);

  const { commit, paths } = await withRetries(`Asking ${settings.endpoint} for ${repo}`, options, () =>
    listRepo(settings, repo, revision, options.signal),
  );
  const chosen = chooseFiles(repo, paths, file);
  let bytes = 0;
  for (const path of chosen) bytes += await pullFile(settings, repo, commit, path, options);
  await writeRef(folder, revision, commit);
  return { name: `${repo}:${chosen[0]}`, path: snapshotPath(folder, commit, chosen[0]), commit, bytes };
}

/** Returns the bytes of the file. */
async function pullFile(
  settings: StoreSettings,
  repo: string,
  commit: string,
  path: string,
  options: PullOptions,
): Promise<number> {
  const folder = repoDir(settings.cacheDir, repo);
  return withRetries(`Asking ${settings.endpoint} for ${repo}:${path}`, options, async () => {
    const remote = await statFile(settings, repo, commit, path, options.signal);
    const blob = blobPath(folder, remote.etag);
    const lock = join(settings.cacheDir, ".locks", basename(folder), `${remote.etag}.draftwright`);
    return withLock(lock, options, async () => {
      try {
        const present = await stat(blob).catch(() => undefined);
        if (present?.size !== remote.size) await downloadBlob(settings, repo, remote, blob, options);
      } catch (error) {
        if (!(error instanceof ChangedOnServer)) throw error;
        await rm(`${blob}.incomplete`, { force: true });
        throw new Transient(error.message);
      }
      await linkSnapshot(blob, snapshotPath(folder, commit, path));
      return remote.size;
    });
  });
}

async function findOffline(
  reference: string,
  folder: string,
  repo: string,
  file: string | undefined,
  revision: string,
): Promise<PulledModel> {
  const commit = await readRef(folder, revision);
  if (commit === undefined) throw offline(reference);
  const present = await filesBelow(join(folder, "snapshots", commit));
  let chosen: string[];
  try {
    chosen = chooseFiles(
      repo,
      present.map(({ path }) => path),
      file,
    );
  } catch (cause) {
    throw offline(reference, cause);
  }
  const bytes = present.filter(({ path }) => chosen.includes(path)).reduce((sum, each) => sum + each.bytes, 0);
  return { name: `${repo}:${chosen[0]}`, path: snapshotPath(folder, commit, chosen[0]), commit, bytes };
}

function offline(reference: string, cause?: unknown): DraftwrightError {
  return new DraftwrightError(
    "offline",
    `${reference} is not in the cache and downloads are off. Leave out --offline (or unset HF_HUB_OFFLINE) and run: draftwright models pull ${reference}`,
    { cause },
  );
}
