import { longestBeginning, thoughtTags } from "../lm/grammar/index.ts";

/** How an output begins: inside thoughts that the prompt has opened, or with thoughts if the model wants to. */
export type Thinking = "begun" | "possible";

/** What a prompt by this chat template leaves to think. Undefined: nothing, or the model knows no thoughts. */
export function thinkingOf(template: string | undefined, prompt: string): Thinking | undefined {
  const { open, close } = thoughtTags;
  if (!template?.includes(close)) return undefined;
  const written = prompt.trimEnd();
  if (written.endsWith(open)) return "begun";
  return written.endsWith(close) ? undefined : "possible";
}

/** Text that is certain. `thinking`: of the thoughts; undefined where they are over, "" where they only went on. */
export interface Piece {
  readonly text: string;
  readonly thinking?: string;
}

/** Parts the thoughts at the beginning of an output from what it says; tags and the white space around are left out. */
export class Thoughts {
  #state: "before" | "within" | "behind" | "over";
  #held = "";
  #isBlank = true;

  constructor(thinking: Thinking | undefined) {
    this.#state = thinking === undefined ? "over" : thinking === "begun" ? "within" : "before";
  }

  /** `isEnd`: nothing comes after it. */
  push(text: string, isEnd = false): Piece {
    if (this.#state === "over") return { text };
    let rest = this.#held + text;
    this.#held = "";
    if (this.#state === "before") {
      const begun = rest.trimStart();
      if (!isEnd && begun !== thoughtTags.open && thoughtTags.open.startsWith(begun)) {
        this.#held = rest;
        return { text: "" };
      }
      if (!begun.startsWith(thoughtTags.open)) {
        this.#state = "over";
        return { text: rest };
      }
      this.#state = "within";
      rest = begun.slice(thoughtTags.open.length);
    }
    let thinking: string | undefined;
    if (this.#state === "within") {
      const end = rest.indexOf(thoughtTags.close);
      thinking = this.#thought(rest.slice(0, end < 0 ? undefined : end), end >= 0 || isEnd);
      if (end < 0) return { text: "", thinking };
      this.#state = "behind";
      rest = rest.slice(end + thoughtTags.close.length);
    }
    rest = rest.trimStart();
    if (rest !== "") this.#state = "over";
    else thinking ??= "";
    return { text: rest, ...(thinking !== undefined && { thinking }) };
  }

  /** White space at the end waits for more, as does what may be the closing tag. */
  #thought(all: string, isWhole: boolean): string {
    const tag = isWhole ? 0 : longestBeginning(all, thoughtTags.close.slice(0, -1));
    const certain = all.slice(0, all.length - tag).trimEnd();
    if (!isWhole) this.#held = all.slice(certain.length);
    const thought = this.#isBlank ? certain.trimStart() : certain;
    if (thought !== "") this.#isBlank = false;
    return thought;
  }
}
