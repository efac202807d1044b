import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { type DraftLink, Mailbox, MailboxLink } from "../../drafting/parallel/index.ts";
import { DraftwrightError } from "../../errors.ts";
import type { LoadOptions } from "../../lm/load.ts";
import { fromWire, type WireError } from "../wire-error.ts";

/** What a thread is told to open. `state` is one word: see `State`. */
export interface OpenDraft {
  readonly path: string;
  readonly load: LoadOptions;
  readonly toDrafter: SharedArrayBuffer;
  readonly fromDrafter: SharedArrayBuffer;
  readonly state: SharedArrayBuffer;
  readonly answers: MessagePort;
}

export const State = { opening: 0, answered: 1, closed: 2 } as const;

export interface DraftReady {
  readonly vocabSize: number;
  readonly threads: number;
  readonly device: string;
}
export type DraftAnswer = DraftReady | { readonly error: WireError };

/** Threads that have closed their model: one that ends leaves memory behind (see connection.ts). */
const idle: Worker[] = [];
const openMs = 120_000;
const closeMs = 2000;

/**
 * A draft model on a thread of its own. Opening goes on while the caller does something else; nothing here needs the event
 * loop of the caller, who decodes synchronously.
 */
export class DraftThread {
  readonly link: DraftLink;
  readonly #worker: Worker;
  readonly #state = new Int32Array(new SharedArrayBuffer(4));
  readonly #answers: MessagePort;

  constructor(path: string, load: LoadOptions) {
    const toDrafter = Mailbox.allocate();
    const fromDrafter = Mailbox.allocate();
    const { port1, port2 } = new MessageChannel();
    this.#answers = port1;
    this.#worker = idle.pop() ?? new Worker(new URL("./draft-worker.js", import.meta.url), { execArgv: [] });
    this.#worker.unref();
    // A thread that breaks is noticed by its silence; without a listener its error would end the process.
    this.#worker.removeAllListeners("error").on("error", () => {});
    const state = this.#state.buffer as SharedArrayBuffer;
    const open: OpenDraft = { path, load, toDrafter, fromDrafter, state, answers: port2 };
    this.#worker.postMessage(open, [port2]);
    this.link = new MailboxLink(new Mailbox(toDrafter), new Mailbox(fromDrafter));
  }

  /** Blocks until the model is open. Throws what opening it threw; the thread is free again then. */
  ready(): DraftReady {
    Atomics.wait(this.#state, 0, State.opening, openMs);
    const answer = receiveMessageOnPort(this.#answers)?.message as DraftAnswer | undefined;
    if (!answer) {
      this[Symbol.dispose]();
      throw new DraftwrightError("internal", "The drafter's thread did not open its model. Load the model again.");
    }
    if (!("error" in answer)) return answer;
    this[Symbol.dispose]();
    throw fromWire(answer.error);
  }

  /** Frees the model. A thread that does not answer is ended. */
  [Symbol.dispose](): void {
    this.link.send({ kind: "end" });
    for (let state = Atomics.load(this.#state, 0); state !== State.closed; state = Atomics.load(this.#state, 0)) {
      if (Atomics.wait(this.#state, 0, state, closeMs) === "timed-out") break;
    }
    this.#answers.close();
    if (Atomics.load(this.#state, 0) === State.closed) idle.push(this.#worker);
    else void this.#worker.terminate();
  }
}
