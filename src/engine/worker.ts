// A thread for one loaded model at a time. Rounds run synchronously; between two of them the port is asked for news, so
// that an abort or a new request never waits longer than one round.
import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import { loadLanguageModel } from "../lm/load.ts";
import { Host } from "./host.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import { toWire } from "./wire-error.ts";

if (!parentPort) throw new Error("worker.js runs as a worker thread only.");
const port = parentPort;
const send = (message: FromWorker) => port.postMessage(message);
let host: Host | undefined;

function handle(message: ToWorker): void {
  if (message.type === "open") {
    try {
      host = new Host(message.options, loadLanguageModel, send);
    } catch (error) {
      send({ type: "failed", error: toWire(error) });
    }
    return;
  }
  host?.handle(message);
  if (message.type === "close") {
    host = undefined;
    send({ type: "closed" });
  }
}

port.on("message", (first: ToWorker) => {
  handle(first);
  while (host && !host.idle) {
    host.tick();
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) handle(next.message);
  }
});
