// The thread of one loaded model. Rounds run synchronously; between two of them the port is asked for news, so that an
// abort or a new request never waits longer than one round.
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { loadLanguageModel } from "../lm/load.ts";
import { Host } from "./host.ts";
import type { FromHost, HostOptions, ToHost } from "./protocol.ts";
import { toWire } from "./wire-error.ts";

if (!parentPort) throw new Error("worker.js runs as a worker thread only.");
const port = parentPort;
const send = (message: FromHost) => port.postMessage(message);

try {
  const host = new Host(workerData as HostOptions, loadLanguageModel, send);
  const handle = (message: ToHost) => {
    host.handle(message);
    if (message.type === "close") port.close();
  };
  port.on("message", (first: ToHost) => {
    handle(first);
    while (!host.idle) {
      host.tick();
      for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) handle(next.message);
    }
  });
} catch (error) {
  send({ type: "failed", error: toWire(error) });
}
