import { Worker } from "node:worker_threads";
import { DraftwrightError } from "../errors.ts";
import type { FromHost, FromWorker, HostOptions, ToHost, ToWorker } from "./protocol.ts";

/** The caller's end of the way to a host. Tests connect a host in the same thread. */
export interface Connection {
  post(message: ToHost): void;
  /** One receiver. Messages in order; `lost` once when the other end is gone, asked for or not. */
  receive(onMessage: (message: FromHost) => void, lost: (error: DraftwrightError) => void): void;
  /** While true, an open connection keeps the process alive. */
  keepAlive(busy: boolean): void;
}

/**
 * Threads that have closed their models and wait for others. A thread that ends leaves some 50 kB behind (koffi's, per
 * thread), so a program that loads and disposes for days must not start a thread each time.
 */
const idle: Worker[] = [];
const mostIdle = 4;

/** Connects to a host on a thread of its own. */
export function connectWorker(options: HostOptions): Connection {
  const worker = idle.pop() ?? startWorker();
  const post = (message: ToWorker) => worker.postMessage(message);
  worker.ref();
  post({ type: "open", options });
  return {
    post,
    receive(onMessage, lost) {
      const release = () => {
        worker.off("message", onAny).off("error", onError).off("exit", onExit);
        // A thread that was bound to some cores stays bound to them.
        const bound = options.load.cores !== undefined || options.drafting.parallel !== undefined;
        if (bound || idle.length >= mostIdle) return void worker.terminate();
        worker.unref();
        idle.push(worker);
      };
      const onAny = (message: FromWorker) => {
        if (message.type === "closed" || message.type === "failed") release();
        if (message.type === "closed") onExit();
        else onMessage(message);
      };
      const onError = (cause: Error) => {
        const message = `The model's thread broke: ${cause.message}. Load the model again.`;
        lost(new DraftwrightError("internal", message, { cause }));
      };
      const onExit = () => lost(new DraftwrightError("disposed", "The model is disposed. Load it again."));
      worker.on("message", onAny).on("error", onError).on("exit", onExit);
    },
    keepAlive: (busy) => (busy ? worker.ref() : worker.unref()),
  };
}

function startWorker(): Worker {
  // The compiled file: Node 20 starts no TypeScript. Flags of the process (--input-type, loaders) are not for this thread.
  const worker = new Worker(new URL("./worker.js", import.meta.url), { execArgv: [] });
  worker.on("exit", () => {
    const at = idle.indexOf(worker);
    if (at >= 0) idle.splice(at, 1);
  });
  return worker;
}
