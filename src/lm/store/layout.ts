import { copyFile, link, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { DraftwrightError } from "../../errors.ts";

// The hub cache: models--org--name/{blobs/<etag>, snapshots/<commit>/<file> -> blob, refs/<revision> = commit}.

export const COMMIT = /^[0-9a-f]{40}$/;

export function repoDir(cacheDir: string, repo: string): string {
  return join(cacheDir, `models--${repo.replace("/", "--")}`);
}

/** `org/name` of a cache folder, or undefined for folders of other kinds (datasets--, .locks). */
export function repoOfDir(folder: string): string | undefined {
  const parts = folder.split("--");
  return parts[0] === "models" && parts.length === 3 ? `${parts[1]}/${parts[2]}` : undefined;
}

export function blobPath(repo: string, etag: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(etag)) {
    throw new DraftwrightError(
      "download-failed",
      `The server names a file's content "${etag}", which is no valid name.`,
    );
  }
  return join(repo, "blobs", etag);
}

export function snapshotPath(repo: string, commit: string, file: string): string {
  return join(repo, "snapshots", commit, file);
}

/** Commit that a revision pointed to when it was last pulled. */
export async function readRef(repo: string, revision: string): Promise<string | undefined> {
  if (COMMIT.test(revision)) return revision;
  const commit = await readFile(join(repo, "refs", revision), "utf8").catch(() => "");
  return COMMIT.test(commit.trim()) ? commit.trim() : undefined;
}

export async function writeRef(repo: string, revision: string, commit: string): Promise<void> {
  if (COMMIT.test(revision)) return;
  await place(join(repo, "refs", revision), (temporary) => writeFile(temporary, commit));
}

/** Makes the file of a snapshot point to a finished blob: a relative symlink, or a hard link or copy where none may be made. */
export async function linkSnapshot(blob: string, target: string): Promise<void> {
  await place(target, async (temporary) => {
    try {
      await symlink(relative(dirname(target), blob), temporary, "file");
    } catch {
      // Windows without developer mode refuses symlinks.
      await link(blob, temporary).catch(() => copyFile(blob, temporary));
    }
  });
}

/** Writes beside the target and renames, so that the target is never half there. */
async function place(target: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${target}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`;
  await mkdir(dirname(target), { recursive: true });
  try {
    await write(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
