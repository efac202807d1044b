import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { type RetryOptions, throwIfAborted, waitFor } from "./retry.ts";

type WaitOptions = Pick<RetryOptions, "signal" | "delay">;

const HEARTBEAT_MS = 10_000;
/** A holder that has not touched its lock for so long is dead, or on a machine that is. */
const STALE_MS = 120_000;
const POLL_MS = 500;

const inThisProcess = new Map<string, Promise<unknown>>();

/**
 * Runs `work` while no other pull, of this process or another one, holds the lock file. A lock whose process is gone is
 * taken over. Throws "aborted" when the signal fires while waiting.
 */
export async function withLock<T>(path: string, options: WaitOptions, work: () => Promise<T>): Promise<T> {
  const earlier = inThisProcess.get(path) ?? Promise.resolve();
  const mine = earlier.catch(() => {}).then(() => withFileLock(path, options, work));
  const settled = mine.catch(() => {});
  inThisProcess.set(path, settled);
  try {
    return await mine;
  } finally {
    if (inThisProcess.get(path) === settled) inThisProcess.delete(path);
  }
}

async function withFileLock<T>(path: string, options: WaitOptions, work: () => Promise<T>): Promise<T> {
  const owner = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
  await mkdir(dirname(path), { recursive: true });
  while (!(await tryCreate(path, owner))) {
    throwIfAborted(options.signal, "Waiting for another download of the same file");
    if (await breakStale(path)) continue;
    await (options.delay ?? waitFor)(POLL_MS, options.signal).catch(() => {});
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    // Not ours any more if somebody judged us dead.
    if ((await readFile(path, "utf8").catch(() => "")) === owner) await rm(path, { force: true });
  }
}

async function tryCreate(path: string, owner: string): Promise<boolean> {
  // Written beside and linked into place, so that nobody ever reads a lock without an owner.
  const temporary = `${path}.${randomUUID()}`;
  const handle = await open(temporary, "wx");
  try {
    await handle.writeFile(owner);
    await link(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await handle.close();
    await rm(temporary, { force: true });
  }
}

/** Removes the lock when its holder is gone. True when it is worth trying again at once. */
async function breakStale(path: string): Promise<boolean> {
  const owner = await readFile(path, "utf8").catch(() => undefined);
  const info = await stat(path).catch(() => undefined);
  if (owner === undefined || info === undefined) return true;
  if (!isGone(owner) && Date.now() - info.mtimeMs < STALE_MS) return false;
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
    // Between reading and renaming another waiter may have broken it and taken the lock: then it goes back.
    if ((await readFile(aside, "utf8")) !== owner) await link(aside, path).catch(() => {});
  } catch {
    return true;
  } finally {
    await rm(aside, { force: true });
  }
  return true;
}

function isGone(owner: string): boolean {
  try {
    const { pid, host } = JSON.parse(owner) as { pid: number; host: string };
    if (host !== hostname()) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH" || error instanceof SyntaxError;
  }
}
