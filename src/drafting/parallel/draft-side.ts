import type { LanguageModel } from "../../lm/model.ts";
import { DraftAhead } from "./draft-ahead.ts";
import type { FromDraftSide, ToDraftSide } from "./messages.ts";

/** The drafter's side of all texts of one target, which get a forward in turn. Runs on the thread of the draft model. */
export class DraftSide {
  readonly #model: LanguageModel;
  readonly #send: (message: FromDraftSide) => void;
  readonly #clock: () => number;
  /** Insertion order is turn order. */
  readonly #sessions = new Map<number, DraftAhead>();
  /** Sessions whose text arrived damaged: it was asked for again. */
  readonly #lost = new Set<number>();

  constructor(
    model: LanguageModel,
    send: (message: FromDraftSide) => void,
    clock: () => number = () => performance.now(),
  ) {
    this.#model = model;
    this.#send = send;
    this.#clock = clock;
  }

  handle(message: ToDraftSide): void {
    if (message.kind === "end") {
      for (const session of [...this.#sessions.keys()]) this.#close(session);
      return;
    }
    this.#guarded(message.session, () => {
      if (message.kind === "open") this.#sessions.set(message.session, new DraftAhead(this.#model, message.rows));
      const ahead = this.#sessions.get(message.session);
      if (!ahead) return;
      if (message.kind === "plan") ahead.plan(message);
      if (message.kind === "text") this.#write(message.session, ahead, message);
      if (message.kind === "close") this.#close(message.session);
    });
  }

  /** One forward for one text; false when all texts wait for news. */
  step(): boolean {
    for (const [session, ahead] of this.#sessions) {
      if (this.#lost.has(session)) continue;
      const found = this.#guarded(session, () => this.#stepOf(session, ahead));
      if (!found) continue;
      if (this.#sessions.delete(session)) this.#sessions.set(session, ahead);
      return true;
    }
    return false;
  }

  #stepOf(session: number, ahead: DraftAhead): boolean {
    const start = this.#clock();
    const step = ahead.step();
    if (!step) return false;
    const { text } = ahead;
    const microseconds = Math.round(1000 * (this.#clock() - start));
    this.#send({ kind: "draft", session, ...step, length: text.length, hash: text.hash(), microseconds });
    return true;
  }

  #write(session: number, ahead: DraftAhead, { from, tokens, hash }: Extract<ToDraftSide, { kind: "text" }>): void {
    if (from === 0) this.#lost.delete(session);
    if (this.#lost.has(session)) return;
    ahead.text.write(from, tokens);
    ahead.changed(from);
    if (hash === undefined || ahead.text.hash() === hash) return;
    this.#lost.add(session);
    this.#send({ kind: "lost", session });
  }

  /** A text that cannot be drafted for must not end the others. */
  #guarded(session: number, work: () => unknown): boolean {
    try {
      return work() === true;
    } catch {
      this.#close(session);
      this.#send({ kind: "failed", session });
      return false;
    }
  }

  #close(session: number): void {
    this.#sessions.get(session)?.close();
    this.#sessions.delete(session);
    this.#lost.delete(session);
  }
}
