import { isIP } from "node:net";
import { hostname } from "node:os";
import type { MiddlewareHandler } from "hono";
import { ApiError } from "../http/api-error.ts";
import type { Settings } from "../options.ts";

/**
 * Refuses what another page's script sends. Browsers say where a request comes from; what says nothing is no browser. A name
 * that someone else's DNS points at this machine is refused too, where no key protects it.
 */
export function sameOrigin({ apiKeys, host }: Pick<Settings, "apiKeys" | "host">): MiddlewareHandler {
  const names = new Set(["localhost", host, hostname().toLowerCase()]);
  return async (c, next) => {
    const asked = c.req.header("host") ?? "";
    const name = asked
      .replace(/:\d+$/, "")
      .replace(/^\[(.*)\]$/, "$1")
      .toLowerCase();
    if (apiKeys.length === 0 && isIP(name) === 0 && !names.has(name)) {
      throw refused(`Without API keys this page is served as localhost or by address, not as '${name}'.`);
    }
    const site = c.req.header("sec-fetch-site");
    const origin = c.req.header("origin");
    const foreign =
      site !== undefined ? site !== "same-origin" && site !== "none" : origin !== undefined && hostOf(origin) !== asked;
    if (foreign || origin === "null") throw refused("This endpoint answers its own page only.");
    await next();
  };
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function refused(message: string): ApiError {
  return new ApiError(403, message, { type: "permission_error", code: "cross_origin" });
}
