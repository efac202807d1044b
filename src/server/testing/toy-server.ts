// A server on a free port over the toy model, in this process: the whole way from socket to rounds and back.

import type { Model } from "../../engine/index.ts";
import { openToy } from "../../engine/testing/toy-runtime.ts";
import { type RunningServer, type ServerOptions, serve } from "../index.ts";

export interface ToyServer extends RunningServer {
  readonly model: Model;
  /** Fetches a path; an object is sent as JSON. */
  ask(path: string, body?: unknown, init?: RequestInit): Promise<Response>;
  /** `ask`, with the answer parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire, looked at by assertions
  json(path: string, body?: unknown, init?: RequestInit): Promise<{ readonly status: number; readonly body: any }>;
  stop(): Promise<void>;
}

export async function toyServer(options: Partial<ServerOptions> = {}): Promise<ToyServer> {
  const model = options.model ?? (await openToy({ load: { contextLength: 512, kvRows: 16 * 512 } }));
  const server = await serve({ port: 0, log: { level: "silent" }, ...options, model });
  const ask: ToyServer["ask"] = (path, body, init = {}) => {
    const headers = { ...(body !== undefined && { "content-type": "application/json" }), ...init.headers };
    const text = body === undefined || typeof body === "string" ? (body as string | undefined) : JSON.stringify(body);
    return fetch(`${server.url}${path}`, { method: body === undefined ? "GET" : "POST", body: text, ...init, headers });
  };
  return {
    ...server,
    model,
    ask,
    async json(path, body, init) {
      const response = await ask(path, body, init);
      return { status: response.status, body: await response.json() };
    },
    async stop() {
      await server.close(1);
      await model.dispose();
    },
  };
}
