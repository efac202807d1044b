import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve as listen } from "@hono/node-server";
import { DraftwrightError } from "../errors.ts";
import { createApp } from "./app.ts";
import type { ServerOptions } from "./options.ts";
import { Service } from "./service.ts";

export interface RunningServer {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  /**
   * Takes no more requests, lets running ones finish for `graceSeconds` (default 30), then ends them. The model stays
   * loaded.
   */
  close(graceSeconds?: number): Promise<void>;
}

/** Starts a server; resolves when it listens. Throws `bad-argument` (options, a port in use). */
export async function serve(options: ServerOptions): Promise<RunningServer> {
  const service = new Service(options);
  const { host, port, limits } = service.settings;
  const receiveMs = limits.receiveSeconds * 1000;
  const server = await new Promise<Server>((resolve, reject) => {
    const starting = listen(
      {
        fetch: createApp(service).fetch,
        hostname: host,
        port,
        serverOptions: {
          headersTimeout: receiveMs,
          requestTimeout: receiveMs,
          // Longer than proxies keep idle connections (nginx, AWS: 60 s): a request must not meet one that is being closed.
          keepAliveTimeout: 65_000,
          connectionsCheckingInterval: Math.min(1000, receiveMs),
          maxHeaderSize: 16 * 1024,
        },
      },
      () => resolve(starting),
    ) as Server;
    starting.maxConnections = limits.connections;
    starting.once("error", (cause: NodeJS.ErrnoException) => reject(cannotListen(host, port, cause)));
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    port: bound,
    async close(graceSeconds = 30) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const left = service.admission.close();
      const timer = setTimeout(() => service.abortAll(), graceSeconds * 1000);
      await left;
      clearTimeout(timer);
      // The last bytes are still on their way; a client that does not take them must not hold the process.
      const sweep = setInterval(() => server.closeIdleConnections(), 20);
      const force = setTimeout(() => server.closeAllConnections(), 1000);
      await closed;
      clearInterval(sweep);
      clearTimeout(force);
      await service.models.close();
    },
  };
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): DraftwrightError {
  const why = cause.code === "EADDRINUSE" ? "another program listens there; choose another port" : cause.message;
  return new DraftwrightError("bad-argument", `Cannot listen on ${host}:${port}: ${why}.`, { cause });
}
