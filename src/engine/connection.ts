import { Worker } from "node:worker_threads";
import { DraftwrightError } from "../errors.ts";
import type { FromHost, HostOptions, ToHost } from "./protocol.ts";

/** The caller's end of the way to a host. Tests connect a host in the same thread. */
export interface Connection {
  post(message: ToHost): void;
  /** One receiver. Messages in order; `lost` once when the other end is gone, asked for or not. */
  receive(onMessage: (message: FromHost) => void, lost: (error: DraftwrightError) => void): void;
  /** While true, an open connection keeps the process alive. */
  keepAlive(busy: boolean): void;
}

export type Connect = (options: HostOptions) => Connection;

export const connectWorker: Connect = (options) => {
  // The compiled file: Node 20 starts no TypeScript. Flags of the process (--input-type, loaders) are not for this thread.
  const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: options, execArgv: [] });
  return {
    post: (message) => worker.postMessage(message),
    receive(onMessage, lost) {
      worker.on("message", onMessage);
      worker.on("error", (cause) => {
        lost(
          new DraftwrightError("internal", `The model's thread broke: ${cause.message}. Load the model again.`, {
            cause,
          }),
        );
      });
      worker.on("exit", () => lost(new DraftwrightError("disposed", "The model is disposed. Load it again.")));
    },
    keepAlive: (busy) => (busy ? worker.ref() : worker.unref()),
  };
};
