// The thread of a draft model that runs beside the target. It reads its mailbox between two forwards, and sleeps when
// there is nothing to draft.
import { parentPort } from "node:worker_threads";
import { DraftSide, decodeToDraftSide, encodeFromDraftSide, Mailbox } from "../../drafting/parallel/index.ts";
import { type LoadedModel, loadLanguageModel } from "../../lm/load.ts";
import { toWire } from "../wire-error.ts";
import { type DraftAnswer, type OpenDraft, State } from "./draft-thread.ts";

if (!parentPort) throw new Error("draft-worker.js runs as a worker thread only.");

/** A target that reads nothing for so long is gone. */
const fullMs = 1;

parentPort.on("message", ({ path, load, answers, ...shared }: OpenDraft) => {
  const state = new Int32Array(shared.state);
  const tell = (value: number) => {
    Atomics.store(state, 0, value);
    Atomics.notify(state, 0);
  };
  const answer = (message: DraftAnswer) => {
    answers.postMessage(message);
    tell(State.answered);
  };
  try {
    using loaded = loadLanguageModel(path, load);
    answer({ vocabSize: loaded.model.vocabSize, threads: loaded.threads, device: loaded.device });
    serve(loaded, new Mailbox(shared.toDrafter), new Mailbox(shared.fromDrafter));
  } catch (error) {
    answer({ error: toWire(error) });
  }
  answers.close();
  tell(State.closed);
});

function serve({ model }: LoadedModel, inbox: Mailbox, outbox: Mailbox): void {
  const unsent: number[][] = [];
  const side = new DraftSide(model, (message) => unsent.push(encodeFromDraftSide(message)));
  for (;;) {
    for (let words = inbox.take(); words; words = inbox.take()) {
      const message = decodeToDraftSide(words);
      side.handle(message);
      if (message.kind === "end") return;
    }
    while (unsent.length > 0 && outbox.post(unsent[0])) unsent.shift();
    if (unsent.length > 0) inbox.wait(fullMs);
    else if (!side.step()) inbox.wait();
  }
}
