/** Rules of a grammar in the making. Bodies are GBNF; equal bodies share a rule. */
export class Rules {
  readonly #bodies = new Map<string, string>();
  readonly #names = new Map<string, string>();

  /** Name of a rule with this body. */
  add(hint: string, body: string): string {
    const known = this.#names.get(body);
    if (known !== undefined) return known;
    const name = this.reserve(hint);
    this.define(name, body);
    return name;
  }

  /** A name whose body comes later: for rules that call themselves. */
  reserve(hint: string): string {
    const base = hint.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "") || "rule";
    let name = base;
    for (let i = 2; this.#bodies.has(name) || name === "root"; i++) name = `${base}-${i}`;
    this.#bodies.set(name, "");
    return name;
  }

  define(name: string, body: string): void {
    this.#bodies.set(name, body);
    this.#names.set(body, name);
  }

  /** The grammar; `root`: what its text is. */
  toGbnf(root: string): string {
    const lines = [...this.#bodies].map(([name, body]) => `${name} ::= ${body}\n`);
    return `root ::= ${root}\n${lines.join("")}`;
  }
}

/** A GBNF string that matches exactly this text. */
export function literal(text: string): string {
  return `"${[...text].map((letter) => escaped(letter, '"\\')).join("")}"`;
}

/** One character in a GBNF class. */
export function inClass(point: number): string {
  const letter = String.fromCodePoint(point);
  if (letter === "-" || letter === "^") return `\\x${point.toString(16)}`;
  return escaped(letter, "[]\\");
}

function escaped(letter: string, special: string): string {
  const point = letter.codePointAt(0) as number;
  if (special.includes(letter)) return `\\${letter}`;
  if (point >= 0x20 && point !== 0x7f && (point < 0xd800 || point > 0xf8ff)) return letter;
  return point > 0xff ? `\\U${point.toString(16).padStart(8, "0")}` : `\\x${point.toString(16).padStart(2, "0")}`;
}
