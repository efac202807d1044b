// Control tokens in a conversation are the template's to write: what its messages and tools hold is text, whatever it says.

/** Part of a rendered prompt; `special`: control tokens in it are read as such. */
export interface PromptSegment {
  readonly text: string;
  readonly special: boolean;
}

/**
 * Marks the names of control tokens inside a conversation, so that they are found again after the template has put it into a
 * prompt. A conversation without any stays as it is, and so do its tokens.
 */
export class ControlMarks {
  readonly #names: RegExp | undefined;
  readonly #open: string = "";
  readonly #close: string = "";

  /** `conversation`: all that the template will see; `names`: texts of the control tokens. */
  constructor(conversation: unknown, names: Iterable<string>) {
    const text = JSON.stringify(conversation) ?? "";
    // JSON shows characters as they are, but for quotes, backslashes and line ends.
    const found = [...names].filter((name) => name !== "" && text.includes(JSON.stringify(name).slice(1, -1)));
    if (found.length === 0) return;
    const sorted = found.sort((a, b) => b.length - a.length);
    this.#names = new RegExp(sorted.map(escaped).join("|"), "g");
    // Private characters that the conversation does not have.
    let point = 0xe000;
    const unused = () => {
      while (text.includes(String.fromCharCode(point))) point++;
      return String.fromCharCode(point++);
    };
    this.#open = unused();
    this.#close = unused();
  }

  /** The same value with the names in all its texts marked. */
  mark<T>(value: T): T {
    const names = this.#names;
    if (!names) return value;
    const marked = (text: string) => text.replace(names, (name) => this.#open + name + this.#close);
    const walk = (one: unknown): unknown => {
      if (typeof one === "string") return marked(one);
      if (Array.isArray(one)) return one.map(walk);
      if (typeof one !== "object" || one === null) return one;
      return Object.fromEntries(Object.entries(one).map(([key, inner]) => [marked(key), walk(inner)]));
    };
    return walk(value) as T;
  }

  /** A rendered prompt in parts. Marks that the template tore apart mark nothing. */
  split(prompt: string): PromptSegment[] {
    if (!this.#names) return [{ text: prompt, special: true }];
    const [open, close] = [this.#open, this.#close];
    const marked = new RegExp(`${open}(${this.#names.source})${close}`);
    const segments = prompt.split(marked).map((text, i) => ({
      text: text.replaceAll(open, "").replaceAll(close, ""),
      special: i % 2 === 0,
    }));
    return segments.filter(({ text }) => text !== "");
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
