import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { routePath } from "hono/route";
import { anthropicError } from "./anthropic/error.ts";
import { messages } from "./anthropic/messages.ts";
import { ApiError, toApiError } from "./http/api-error.ts";
import { ApiKeys, keyOf } from "./http/api-keys.ts";
import { chatCompletions } from "./openai/chat.ts";
import { completions } from "./openai/completions.ts";
import { embeddings } from "./openai/embeddings.ts";
import { responses } from "./openai/responses.ts";
import { props } from "./props.ts";
import type { Service, Variables } from "./service.ts";
import { studioEndpoints, studioPages } from "./studio/index.ts";

/** Routes that need no key: whether the server lives is no secret. */
const open = new Set(["/health"]);

/** The HTTP interface, without a socket. */
export function createApp(service: Service): Hono<{ Variables: Variables }> {
  const app = new Hono<{ Variables: Variables }>();
  const keys = new ApiKeys(service.settings.apiKeys);

  app.use(async (c, next) => {
    const started = performance.now();
    const asked = c.req.header("x-request-id");
    const requestId = asked !== undefined && /^[\w.-]{1,128}$/.test(asked) ? asked : randomUUID();
    c.set("requestId", requestId);
    await next();
    c.res.headers.set("x-request-id", requestId);
    c.res.headers.set("x-content-type-options", "nosniff");
    const { status } = c.res;
    service.metrics.answered(status === 404 ? "none" : routePath(c, -1), status);
    const ms = performance.now() - started;
    service.log.answered({ requestId, method: c.req.method, path: c.req.path, status, ms, scope: c.get("scope") });
  });
  const origins = service.settings.cors;
  if (origins.length > 0) {
    // The default answers a preflight with the headers it asks for, so that x-stainless-* pass.
    app.use(
      cors({ origin: origins.includes("*") ? "*" : [...origins], exposeHeaders: ["x-request-id", "retry-after"] }),
    );
  }
  if (service.settings.studio) studioPages(app);
  app.use(async (c, next) => {
    if (keys.required && !open.has(c.req.path)) {
      const scope = keys.identify(keyOf((name) => c.req.header(name)));
      if (scope === undefined) {
        throw new ApiError(401, "Send one of this server's API keys as `Authorization: Bearer <key>`.", {
          code: "invalid_api_key",
          headers: { "www-authenticate": "Bearer" },
        });
      }
      c.set("scope", scope);
    }
    await next();
  });

  app.get("/health", (c) =>
    service.admission.closing ? c.json({ status: "shutting down" }, 503) : c.json({ status: "ok" }),
  );
  app.get("/metrics", async (c) =>
    c.body(await service.metrics.text(), 200, { "content-type": service.metrics.contentType }),
  );
  app.get("/props", (c) => c.json(props(service)));
  app.get("/v1/models", (c) => c.json({ object: "list", data: service.models.list() }));
  app.get("/v1/models/:id{.+}", (c) => c.json(service.models.describe(c.req.param("id"))));
  app.post("/v1/chat/completions", (c) => chatCompletions(c, service));
  app.post("/v1/completions", (c) => completions(c, service));
  app.post("/v1/embeddings", (c) => embeddings(c, service));
  app.post("/v1/responses", (c) => responses(c, service));
  app.get("/v1/responses/:id", (c) => c.json(service.responses.get(c.get("scope"), c.req.param("id"))));
  app.delete("/v1/responses/:id", (c) => {
    const id = c.req.param("id");
    service.responses.delete(c.get("scope"), id);
    return c.json({ id, object: "response", deleted: true });
  });
  app.post("/v1/messages", (c) => messages(c, service));
  if (service.settings.studio) studioEndpoints(app, service);

  app.notFound((c) => {
    const known = app.routes.filter(({ path, method }) => path === c.req.path && method !== "ALL");
    if (known.length > 0) {
      const allow = known.map(({ method }) => method).join(", ");
      return answer(
        c,
        new ApiError(405, `${c.req.path} takes ${allow}.`, { code: "method_not_allowed", headers: { allow } }),
      );
    }
    return answer(c, new ApiError(404, `There is no ${c.req.method} ${c.req.path} here.`, { code: "unknown_url" }));
  });
  app.onError((error, c) => {
    const apiError = toApiError(error);
    if (apiError.status >= 500) service.log.failed(error, c.get("requestId"));
    return answer(c, apiError);
  });
  return app;
}

function answer(c: Context, error: ApiError): Response {
  const body = c.req.path.startsWith("/v1/messages") ? anthropicError(error) : error.toOpenAi();
  return Response.json(body, { status: error.status, headers: error.headers });
}
