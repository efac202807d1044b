import { type Paint, paint, printable, type Style } from "./terminal.ts";

const paints: readonly Paint[] = ["green", "cyan", "magenta", "yellow", "blue"];

/** Gives every drafter a colour of its own, in the order of their appearance. The target's own tokens have none. */
export class SourcePalette {
  readonly #paints = new Map<string, Paint>();
  readonly #style: Style;

  constructor(style: Style, sources: readonly string[] = []) {
    this.#style = style;
    for (const source of sources) this.#paintOf(source);
  }

  token(text: string, source: string): string {
    const clean = printable(text);
    return source === "target" ? clean : paint(clean, this.#paintOf(source), this.#style);
  }

  /** One line that names the colours; empty when nothing was painted. */
  legend(): string {
    if (this.#paints.size === 0 || !this.#style.color) return "";
    const names = [...this.#paints].map(([source, how]) => paint(source, how, this.#style));
    return `painted: drafted by ${names.join(", ")} and accepted; plain: the model's own\n`;
  }

  #paintOf(source: string): Paint {
    let found = this.#paints.get(source);
    if (!found) {
      found = paints[this.#paints.size % paints.length];
      this.#paints.set(source, found);
    }
    return found;
  }
}
