import type { LanguageModel } from "../../../lm/model.ts";
import { seededRandom } from "../../../lm/toy/index.ts";
import { DraftSide } from "../draft-side.ts";
import type { DraftLink } from "../link.ts";
import {
  decodeFromDraftSide,
  decodeToDraftSide,
  encodeFromDraftSide,
  encodeToDraftSide,
  type FromDraftSide,
  type ToDraftSide,
} from "../messages.ts";

export interface SteppedLinkOptions {
  readonly seed?: number;
  /** Forwards of the drafter between two looks of the target, at most. Default 6. */
  readonly pace?: number;
  /** Chance that a message is lost, that a token or a hash of it is changed, that it comes twice. */
  readonly faults?: number;
  /** Messages after which the drafter's side does nothing any more. */
  readonly diesAfter?: number;
}

/**
 * The drafter's side in the same thread, which gets on by random steps whenever the target looks: all orders of events that
 * two threads could have, again and again the same ones.
 */
export function steppedLink(model: LanguageModel, options: SteppedLinkOptions = {}): DraftLink {
  const { seed = 1, pace = 6, faults = 0, diesAfter = Number.POSITIVE_INFINITY } = options;
  const random = seededRandom(seed);
  const inbox: Int32Array[] = [];
  const outbox: Int32Array[] = [];
  let count = 0;
  const pass = (queue: Int32Array[], words: number[]) => {
    const message = Int32Array.from(words);
    const fault = random() < faults ? Math.floor(random() * 3) : -1;
    if (fault === 0) return;
    if (fault === 1 && message.length > 3) message[message.length - 1] ^= 1;
    queue.push(message);
    if (fault === 2) queue.push(message);
  };
  const side = new DraftSide(model, (message: FromDraftSide) => {
    if (message.kind === "failed" && faults === 0) throw new Error("The drafter's side failed.");
    pass(outbox, encodeFromDraftSide(message));
  });
  const work = (least: number) => {
    let steps = Math.max(least, Math.floor(random() * (pace + 1)));
    while (count < diesAfter) {
      // Between two forwards the drafter reads what is there; some of it may still be under way.
      for (let read = Math.ceil(random() * inbox.length); read > 0; read--) {
        count++;
        side.handle(decodeToDraftSide(inbox.shift() as Int32Array));
      }
      if (steps-- <= 0 || !side.step()) return;
    }
  };
  return {
    send(message: ToDraftSide) {
      // Tests share a model: whatever went wrong, its rows are given back.
      if (message.kind === "close") side.handle({ kind: "end" });
      else pass(inbox, encodeToDraftSide(message));
    },
    receive() {
      if (outbox.length === 0) work(0);
      const words = outbox.shift();
      return words && decodeFromDraftSide(words);
    },
    wait: () => work(1),
  };
}
