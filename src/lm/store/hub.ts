import { DraftwrightError } from "../../errors.ts";
import { COMMIT } from "./layout.ts";
import { checkRelativePath } from "./reference.ts";
import { Transient } from "./retry.ts";
import type { StoreSettings } from "./settings.ts";

/** What the hub says about one file of one commit. */
export interface RemoteFile {
  readonly path: string;
  readonly commit: string;
  /** Name of the blob: SHA-256 for large files, git's SHA-1 for small ones. */
  readonly etag: string;
  /** Bytes. */
  readonly size: number;
}

/** The content of a file is not what `statFile` saw any more: ask again. */
export class ChangedOnServer extends Error {}

/** Paths of all files of a repository at a revision, and the commit it stands for. */
export async function listRepo(
  settings: StoreSettings,
  repo: string,
  revision: string,
  signal?: AbortSignal,
): Promise<{ commit: string; paths: string[] }> {
  const url = `${settings.endpoint}/api/models/${repo}/revision/${encodeURIComponent(revision)}`;
  const response = await hubFetch(settings, url, { signal });
  await refuseFailure(settings, response, repo, revision);
  let answer: { sha?: unknown; siblings?: unknown };
  try {
    answer = (await response.json()) as typeof answer;
  } catch (cause) {
    throw new Transient(`${settings.endpoint} did not send a whole answer about ${repo}.`, { cause });
  }
  const { sha, siblings } = answer ?? {};
  if (typeof sha !== "string" || !COMMIT.test(sha) || !Array.isArray(siblings)) throw notAHub(settings);
  const paths = siblings
    .map((file: { rfilename?: unknown }) => file?.rfilename)
    .filter((path) => typeof path === "string");
  for (const path of paths) checkRelativePath(path, "file name sent by the server");
  return { commit: sha, paths };
}

/** Name, size and content hash of a file, from the headers of the first answer (large files redirect to storage). */
export async function statFile(
  settings: StoreSettings,
  repo: string,
  commit: string,
  path: string,
  signal?: AbortSignal,
): Promise<RemoteFile> {
  const described = ({ headers }: Response) => headers.has("x-linked-etag") || headers.has("x-repo-commit");
  const init = { method: "HEAD", signal, stopAt: described };
  const response = await hubFetch(settings, fileUrl(settings, repo, commit, path), init);
  if (response.status >= 400) await refuseFailure(settings, response, repo, commit, path);
  const etag = etagOf(response);
  const size = Number(response.headers.get("x-linked-size") ?? response.headers.get("content-length") ?? NaN);
  if (!etag || !Number.isSafeInteger(size) || size < 0) throw notAHub(settings);
  return { path, commit, etag, size };
}

/** The body of a file from `offset` on. 206, 200 (the server ignores ranges) and 416 are for the caller to tell apart. */
export async function openFile(
  settings: StoreSettings,
  repo: string,
  file: RemoteFile,
  offset: number,
  signal?: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
  // The hub's first answer tells: for large files on its redirect, for small ones with the content.
  const onFirst = (response: Response) => {
    const { status } = response;
    const etag = status < 300 || response.headers.has("x-linked-etag") ? etagOf(response) : undefined;
    if (etag && etag !== file.etag) throw new ChangedOnServer(`${file.path} changed on the server.`);
  };
  const url = fileUrl(settings, repo, file.commit, file.path);
  const response = await hubFetch(settings, url, { headers, signal, onFirst });
  if (response.status === 416) return response;
  await refuseFailure(settings, response, repo, file.commit, file.path);
  return response;
}

function fileUrl({ endpoint }: StoreSettings, repo: string, commit: string, path: string): string {
  return `${endpoint}/${repo}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

function etagOf({ headers }: Response): string | undefined {
  const etag = headers.get("x-linked-etag") ?? headers.get("etag");
  return etag?.replace(/^W\//, "").replace(/^"(.*)"$/, "$1");
}

interface HubRequest {
  method?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** A redirect with these headers is itself the answer. */
  stopAt?: (response: Response) => boolean;
  /** Sees the first answer, before any redirect is followed. */
  onFirst?: (response: Response) => void;
}

/**
 * fetch that follows redirects itself: the token goes to the hub only and never again once another host was asked, and
 * https never becomes http. Throws Transient when the connection fails.
 */
async function hubFetch(settings: StoreSettings, url: string, request: HubRequest): Promise<Response> {
  const hub = new URL(settings.endpoint).origin;
  let current = new URL(url);
  let onHub = true;
  for (let hop = 0; hop < 8; hop++) {
    onHub &&= current.origin === hub;
    // Without identity a server may compress, and lengths and ranges would be those of the compressed bytes.
    const headers: Record<string, string> = { ...request.headers, "accept-encoding": "identity" };
    const token = onHub ? settings.token() : undefined;
    if (token) headers.authorization = `Bearer ${token}`;
    let response: Response;
    try {
      const { method = "GET", signal } = request;
      response = await fetch(current, { method, headers, signal, redirect: "manual" });
    } catch (cause) {
      throw new Transient(`no connection to ${current.host} (${reasonOf(cause)}).`, { cause });
    }
    try {
      if (hop === 0) request.onFirst?.(response);
    } catch (error) {
      await response.body?.cancel();
      throw error;
    }
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || !location || request.stopAt?.(response)) return response;
    await response.body?.cancel();
    const next = new URL(location, current);
    if (current.protocol === "https:" && next.protocol !== "https:") {
      throw new DraftwrightError("download-failed", `${current.host} redirects to an unencrypted address; refused.`);
    }
    current = next;
  }
  throw new DraftwrightError("download-failed", `${settings.endpoint} redirects in circles; check HF_ENDPOINT.`);
}

/** The innermost message: fetch hides "ECONNREFUSED" in a cause. */
export function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inner instanceof Error ? inner.message || inner.name : String(inner);
}

async function refuseFailure(
  settings: StoreSettings,
  response: Response,
  repo: string,
  revision: string,
  path?: string,
): Promise<void> {
  const { status } = response;
  if (status < 300) return;
  await response.body?.cancel();
  if (status === 408 || status === 429 || status >= 500) {
    throw new Transient(`${settings.endpoint} answers ${status}.`, { retryAfterMs: retryAfter(response) });
  }
  const page = `${settings.endpoint}/${repo}`;
  if (status === 401) {
    const hint = settings.token()
      ? "the token in HF_TOKEN is not accepted; make a new one with read access"
      : "it is private, gated or misspelt: check the name, and set HF_TOKEN to a token that may read it";
    throw new DraftwrightError("download-failed", `${repo} is refused (401): ${hint}.`);
  }
  if (status === 403) {
    throw new DraftwrightError(
      "download-failed",
      `${repo} is refused (403): accept its licence at ${page}, and set HF_TOKEN to a token of that account.`,
    );
  }
  if (status === 404) {
    const missing = path ?? (revision === "main" ? repo : `${repo} at revision ${revision}`);
    throw new DraftwrightError("model-not-found", `${page} has no such thing (404): ${missing}. Check the name.`);
  }
  throw new DraftwrightError("download-failed", `${page} answers ${status}; check HF_ENDPOINT and the name.`);
}

/** Milliseconds of a Retry-After header, given in seconds or as a date. */
function retryAfter(response: Response): number | undefined {
  const value = response.headers.get("retry-after");
  if (!value) return undefined;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return milliseconds >= 0 ? milliseconds : undefined;
}

function notAHub({ endpoint }: StoreSettings): DraftwrightError {
  return new DraftwrightError(
    "download-failed",
    `${endpoint} does not answer like a Hugging Face hub; check HF_ENDPOINT and your proxy.`,
  );
}
