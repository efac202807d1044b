import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Context } from "hono";

interface File {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Nothing but this server's own files, and requests to nowhere else. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const headers = {
  "content-security-policy": policy,
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "x-frame-options": "DENY",
};

/** The built page. Both src/server/studio and dist/server/studio lie three folders below the package. */
const folder = fileURLToPath(new URL("../../../dist/studio", import.meta.url));
let files: ReadonlyMap<string, File> | undefined;

/** GET / and /studio: the page; GET /studio/assets/..: what belongs to it. Only names that the build made exist. */
export function page(c: Context): Response | Promise<Response> {
  files ??= readFiles();
  const isPage = !c.req.path.startsWith("/studio/");
  const file = files.get(isPage ? "index.html" : c.req.path.slice("/studio/".length));
  if (!file) {
    if (!isPage) return c.notFound();
    return c.text("Studio is not part of this installation: run `npm run build` in the checkout.\n", 503);
  }
  const { bytes, type, etag } = file;
  // The names of the other files change with their content.
  const caching = isPage ? "no-cache" : "public, max-age=31536000, immutable";
  const all = { ...headers, "cache-control": caching, etag };
  if (c.req.header("if-none-match") === etag) return c.body(null, 304, all);
  return c.body(bytes, 200, { ...all, "content-type": type });
}

function readFiles(): ReadonlyMap<string, File> {
  const found = new Map<string, File>();
  if (!existsSync(folder)) return found;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = types[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = new Uint8Array(readFileSync(path));
    const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
    found.set(path.slice(folder.length + 1).replaceAll("\\", "/"), { bytes, type, etag });
  }
  return found;
}
