// The toy models behind the engine's runtime, and a host in the caller's own thread: tests of the whole way from
// `generate` to rounds and back, without native code and without a worker.
import { DraftwrightError } from "../../errors.ts";
import type { LanguageModel } from "../../lm/model.ts";
import { toyModel } from "../../lm/toy/index.ts";
import type { Connection } from "../connection.ts";
import { Host } from "../host.ts";
import { Model } from "../model.ts";
import type { FromHost, HostOptions, ToHost } from "../protocol.ts";
import type { EngineModel, LoadModelFile } from "../runtime.ts";

/** Tokens are bytes; 256 begins a text, 257 ends it. */
export const vocabSize = 258;

export function toyEngineModel(path: string, model: LanguageModel): EngineModel & { disposed: boolean } {
  return {
    path,
    model,
    tokenizer: {
      hash: "bytes",
      vocabSize,
      addsBos: true,
      isEndOfGeneration: (token) => token === 257,
      bos: 256,
      eos: 257,
      endOfGeneration: [257],
      controlTexts: new Map([
        [256, "<s>"],
        [257, "</s>"],
      ]),
      encode: (text, { addSpecial = false } = {}) =>
        Int32Array.from([...(addSpecial ? [256] : []), ...new TextEncoder().encode(text)]),
      pieceBytes: (token) => Uint8Array.from(token < 256 ? [token] : []),
      decode: (tokens) => new TextDecoder().decode(Uint8Array.from(Array.from(tokens).filter((token) => token < 256))),
    },
    config: { architecture: "llama", name: "toy" },
    hash: `toy ${path}`,
    chatTemplate: undefined,
    threads: 1,
    device: "none",
    disposed: false,
    [Symbol.dispose]() {
      this.disposed = true;
      model[Symbol.dispose]();
    },
  };
}

/** Equal paths give equal weights. */
export const loadToy: LoadModelFile = (path, { contextLength = 256, kvRows = contextLength }) =>
  toyEngineModel(path, toyModel({ vocabSize, contextLength, maxRows: kvRows, seed: path.length }));

export const toyOptions: HostOptions = { path: "target", draftPaths: [], drafting: {}, load: {}, profiles: null };

/** Like the worker, but in this thread: a round, then whatever was posted meanwhile. */
export function connectHost(options: HostOptions, load: LoadModelFile = loadToy): Connection {
  const inbox: ToHost[] = [];
  let receiver: (message: FromHost) => void = () => {};
  let turning = false;
  let host: Host | undefined;
  let lost: Parameters<Connection["receive"]>[1] = () => {};
  const turn = () => {
    for (let message = inbox.shift(); message; message = inbox.shift()) {
      host?.handle(message);
      if (message.type === "close") return lost(new DraftwrightError("disposed", "The model is disposed."));
    }
    host?.tick();
    turning = inbox.length > 0 || host?.idle === false;
    if (turning) setImmediate(turn);
  };
  return {
    post(message) {
      inbox.push(structuredClone(message));
      if (!turning) setImmediate(turn);
      turning = true;
    },
    receive(onMessage, onLost) {
      receiver = onMessage;
      lost = onLost;
      host = new Host(options, load, (message) => receiver(structuredClone(message)));
    },
    keepAlive() {},
  };
}

export function openToy(options: Partial<HostOptions> = {}, load?: LoadModelFile): Promise<Model> {
  return Model.open(connectHost({ ...toyOptions, ...options }, load));
}
