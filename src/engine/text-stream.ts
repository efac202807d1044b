import { DraftwrightError } from "../errors.ts";
import { longestBeginning } from "../lm/grammar/index.ts";
import { type Piece, type Thinking, Thoughts } from "./thoughts.ts";

/**
 * Turns the bytes of tokens into text as they come. Held back: bytes of a character that is not complete, and text that
 * may turn out to be the beginning of a stop string. All returned pieces together are the text of all the bytes, cut
 * before the first stop string. Thoughts come apart, and nothing in them is a stop string.
 */
export class TextStream {
  readonly #stops: readonly string[];
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #thoughts: Thoughts;
  #held = "";
  #stop: string | undefined;

  constructor(stops: readonly string[], thinking?: Thinking) {
    if (stops.includes("")) {
      throw new DraftwrightError("bad-argument", "A stop string is empty; it would end every text before it begins.");
    }
    this.#stops = stops;
    this.#thoughts = new Thoughts(thinking);
  }

  /** True once a stop string is complete: nothing more will come. */
  get stopped(): boolean {
    return this.#stop !== undefined;
  }

  /** The one that is complete. */
  get stop(): string | undefined {
    return this.#stop;
  }

  /** Text that is certain after these bytes. */
  push(bytes: Uint8Array): Piece {
    return this.#advance(this.#thoughts.push(this.#decoder.decode(bytes, { stream: true })));
  }

  /** The rest, when no more bytes will come. Incomplete characters become U+FFFD. */
  flush(): Piece {
    const { text, ...more } = this.#advance(this.#thoughts.push(this.#decoder.decode(), true));
    const held = this.#held;
    this.#held = "";
    return { text: text + held, ...more };
  }

  #advance({ text, ...more }: Piece): Piece {
    if (this.stopped) return { text: "" };
    const all = this.#held + text;
    const found = firstStop(all, this.#stops);
    if (found) {
      this.#stop = found.stop;
      this.#held = "";
      return { text: all.slice(0, found.at), ...more };
    }
    // No whole one is left.
    const keep = Math.max(0, ...this.#stops.map((stop) => longestBeginning(all, stop.slice(0, -1))));
    this.#held = all.slice(all.length - keep);
    return { text: all.slice(0, all.length - keep), ...more };
  }
}

/** The stop string that is complete first, and where it begins. */
function firstStop(text: string, stops: readonly string[]): { readonly stop: string; readonly at: number } | undefined {
  let first: { readonly stop: string; readonly at: number } | undefined;
  let end = Number.POSITIVE_INFINITY;
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at < 0 || at + stop.length > end || (first && at + stop.length === end && at >= first.at)) continue;
    first = { stop, at };
    end = at + stop.length;
  }
  return first;
}
