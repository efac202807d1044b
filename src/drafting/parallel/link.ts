import type { Mailbox } from "./mailbox.ts";
import { decodeFromDraftSide, encodeToDraftSide, type FromDraftSide, type ToDraftSide } from "./messages.ts";

/** The target's end of the way to the drafter's side. Nothing here throws or blocks for long, whatever happens there. */
export interface DraftLink {
  send(message: ToDraftSide): void;
  receive(): FromDraftSide | undefined;
  /** Blocks until there may be something to receive, at most `milliseconds`. */
  wait(milliseconds: number): void;
}

/** Integers of text in one message. */
const chunk = 4096;

/** A link through shared memory. What finds no room waits here, so a drafter that reads nothing cannot hold up anyone. */
export class MailboxLink implements DraftLink {
  readonly #outgoing: Mailbox;
  readonly #incoming: Mailbox;
  #unsent: number[][] = [];

  constructor(outgoing: Mailbox, incoming: Mailbox) {
    this.#outgoing = outgoing;
    this.#incoming = incoming;
  }

  send(message: ToDraftSide): void {
    for (const part of parts(message)) this.#unsent.push(encodeToDraftSide(part));
    this.#flush();
  }

  receive(): FromDraftSide | undefined {
    this.#flush();
    const words = this.#incoming.take();
    return words && decodeFromDraftSide(words);
  }

  wait(milliseconds: number): void {
    this.#flush();
    this.#incoming.wait(milliseconds);
  }

  #flush(): void {
    while (this.#unsent.length > 0 && this.#outgoing.post(this.#unsent[0])) this.#unsent.shift();
  }
}

function parts(message: ToDraftSide): ToDraftSide[] {
  if (message.kind !== "text" || message.tokens.length <= chunk) return [message];
  const { tokens, from, session, kind, hash } = message;
  const list: ToDraftSide[] = [];
  for (let at = 0; at < tokens.length; at += chunk) {
    const part = Array.from(tokens).slice(at, at + chunk);
    list.push({ kind, session, from: from + at, tokens: part, ...(at + chunk >= tokens.length && { hash }) });
  }
  return list;
}
