// What crosses between the target's side and the drafter's. Integers only: they travel through shared memory.

/** A token that the drafter guesses. Parents are sent before their children, siblings by falling probability. */
export interface SentGuess {
  /** Counts up in a session. */
  readonly id: number;
  /** -1: the guess follows the text itself. */
  readonly parent: number;
  readonly token: number;
  readonly probability: number;
}

export type ToDraftSide =
  /** `rows`: tokens that the text may come to hold. */
  | { readonly kind: "open"; readonly session: number; readonly rows: number }
  /** The committed text from index `from` on. `hash`: of all of it; absent while `more` of it follows. */
  | {
      readonly kind: "text";
      readonly session: number;
      readonly from: number;
      readonly tokens: ArrayLike<number>;
      readonly hash?: number;
    }
  /**
   * What is happening to the guesses after a text of `length` tokens: the first `depth` of the likeliest ones are being
   * verified. `ahead` tokens after these are wanted, in at most `sequences` sequences.
   */
  | {
      readonly kind: "plan";
      readonly session: number;
      readonly length: number;
      readonly depth: number;
      readonly ahead: number;
      readonly sequences: number;
    }
  | { readonly kind: "close"; readonly session: number }
  /** The last message. */
  | { readonly kind: "end" };

export type FromDraftSide =
  /**
   * New guesses. They continue those of the same `epoch`; a new one starts after a text of `base` tokens, because the text
   * went another way. `length`, `hash`: the text that the drafter knows. `width` rows took `microseconds`.
   */
  | {
      readonly kind: "draft";
      readonly session: number;
      readonly epoch: number;
      readonly base: number;
      readonly length: number;
      readonly hash: number;
      readonly microseconds: number;
      readonly width: number;
      readonly sequences: number;
      readonly guesses: readonly SentGuess[];
    }
  /** The text and its hash disagree: all of it is needed again. */
  | { readonly kind: "lost"; readonly session: number }
  /** Nothing will be drafted in this session. */
  | { readonly kind: "failed"; readonly session: number };

const toKinds = ["open", "text", "plan", "close", "end"] as const;
const fromKinds = ["draft", "lost", "failed"] as const;
/** Probabilities travel as multiples of this. */
const unit = 2 ** -24;

export function encodeToDraftSide(message: ToDraftSide): number[] {
  const kind = toKinds.indexOf(message.kind);
  switch (message.kind) {
    case "open":
      return [kind, message.session, message.rows];
    case "text": {
      const { session, from, hash, tokens } = message;
      return [kind, session, from, hash === undefined ? 1 : 0, hash ?? 0, ...Array.from(tokens)];
    }
    case "plan":
      return [kind, message.session, message.length, message.depth, message.ahead, message.sequences];
    case "close":
      return [kind, message.session];
    case "end":
      return [kind];
  }
}

export function decodeToDraftSide(words: Int32Array): ToDraftSide {
  const kind = toKinds[words[0]];
  const session = words[1];
  switch (kind) {
    case "open":
      return { kind, session, rows: words[2] };
    case "text":
      return { kind, session, from: words[2], tokens: words.subarray(5), ...(words[3] === 0 && { hash: words[4] }) };
    case "plan":
      return { kind, session, length: words[2], depth: words[3], ahead: words[4], sequences: words[5] };
    case "close":
      return { kind, session };
    case "end":
      return { kind };
  }
}

export function encodeFromDraftSide(message: FromDraftSide): number[] {
  const words = [fromKinds.indexOf(message.kind), message.session];
  if (message.kind !== "draft") return words;
  const { epoch, base, length, hash, microseconds, width, sequences, guesses } = message;
  words.push(epoch, base, length, hash, microseconds, width, sequences);
  for (const { id, parent, token, probability } of guesses) {
    words.push(id, parent, token, Math.round(probability / unit));
  }
  return words;
}

export function decodeFromDraftSide(words: Int32Array): FromDraftSide {
  const kind = fromKinds[words[0]];
  const session = words[1];
  if (kind !== "draft") return { kind, session };
  const [epoch, base, length, hash, microseconds, width, sequences] = words.subarray(2, 9);
  const guesses: SentGuess[] = [];
  for (let i = 9; i < words.length; i += 4) {
    guesses.push({ id: words[i], parent: words[i + 1], token: words[i + 2], probability: words[i + 3] * unit });
  }
  return { kind, session, epoch, base, length, hash, microseconds, width, sequences, guesses };
}
