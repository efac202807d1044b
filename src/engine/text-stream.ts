import { DraftwrightError } from "../errors.ts";

/**
 * Turns the bytes of tokens into text as they come. Held back: bytes of a character that is not complete, and text that
 * may turn out to be the beginning of a stop string. All returned pieces together are the text of all the bytes, cut
 * before the first stop string.
 */
export class TextStream {
  readonly #stops: readonly string[];
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #held = "";
  #stop: string | undefined;

  constructor(stops: readonly string[]) {
    if (stops.includes("")) {
      throw new DraftwrightError("bad-argument", "A stop string is empty; it would end every text before it begins.");
    }
    this.#stops = stops;
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
  push(bytes: Uint8Array): string {
    return this.#advance(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The rest, when no more bytes will come. Incomplete characters become U+FFFD. */
  flush(): string {
    const text = this.#advance(this.#decoder.decode()) + this.#held;
    this.#held = "";
    return text;
  }

  #advance(text: string): string {
    if (this.stopped) return "";
    const all = this.#held + text;
    const found = firstStop(all, this.#stops);
    if (found) {
      this.#stop = found.stop;
      this.#held = "";
      return all.slice(0, found.at);
    }
    const keep = longestStopPrefix(all, this.#stops);
    this.#held = all.slice(all.length - keep);
    return all.slice(0, all.length - keep);
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

/** Length of the longest end of `text` that begins a stop string. */
function longestStopPrefix(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(stop.slice(0, length))) longest = length;
    }
  }
  return longest;
}
