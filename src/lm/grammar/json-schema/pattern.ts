import { DraftwrightError } from "../../../errors.ts";
import { inClass } from "./rules.ts";

/** Code points from low to high. */
type Range = readonly [number, number];

const last = 0x10ffff;
const digit: Range[] = [[0x30, 0x39]];
const word: Range[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const space: Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const lineEnds: Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const classes: Readonly<Record<string, readonly Range[]>> = {
  d: digit,
  w: word,
  s: space,
  D: complement(digit),
  W: complement(word),
  S: complement(space),
};
const escapes: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, "0": 0 };
/** How JSON writes characters that must not stand in a string as they are. */
const written: Readonly<Record<number, string>> = { 8: "b", 9: "t", 10: "n", 12: "f", 13: "r", 34: '\\"', 92: "\\\\" };

/**
 * GBNF of the JSON strings, without their quotes, that a regular expression (ECMAScript's, as JSON schemas have it) matches.
 * `any`: rule of any character. Throws "bad-argument" for what no context-free grammar of this kind can say: look-around, back
 * references, word boundaries, and properties of characters.
 */
export function patternToGbnf(pattern: string, any: string): string {
  return new Reader(pattern, any).whole();
}

class Reader {
  readonly #text: string;
  readonly #any: string;
  #at = 0;
  #depth = 0;

  constructor(text: string, any: string) {
    this.#text = text;
    this.#any = any;
  }

  /** Without anchors a pattern may match in the middle. */
  whole(): string {
    const parts = [this.#anchored()];
    while (this.#take("|")) parts.push(this.#anchored());
    if (this.#at < this.#text.length) this.#fail(`"${this.#text[this.#at]}" has no partner`);
    return parts.join(" | ");
  }

  #anchored(): string {
    const before = this.#take("^") ? "" : `${this.#any}* `;
    const body = this.#sequence();
    return `${before}${body}${this.#take("$") ? "" : ` ${this.#any}*`}`;
  }

  #choice(): string {
    if (++this.#depth > 50) this.#fail("groups are nested deeper than 50");
    const parts = [this.#sequence()];
    while (this.#take("|")) parts.push(this.#sequence());
    this.#depth--;
    return parts.join(" | ");
  }

  #sequence(): string {
    const items: string[] = [];
    while (this.#at < this.#text.length && !"|)".includes(this.#text[this.#at])) {
      if (this.#text[this.#at] === "$") {
        const rest = this.#text[this.#at + 1];
        if (this.#depth === 0 && (rest === undefined || rest === "|")) break;
        this.#fail('"$" stands inside the pattern');
      }
      items.push(this.#item() + this.#quantifier());
    }
    return items.length === 0 ? '""' : items.join(" ");
  }

  #item(): string {
    const point = this.#text.codePointAt(this.#at) as number;
    const letter = String.fromCodePoint(point);
    this.#at += letter.length;
    switch (letter) {
      case "(":
        return this.#group();
      case "[":
        return toGbnf(this.#class());
      case ".":
        return toGbnf(complement(lineEnds));
      case "\\":
        return toGbnf(this.#escape());
      case "^":
        return this.#fail('"^" stands inside the pattern');
      case "*":
      case "+":
      case "?":
      case "{":
        return this.#fail(`"${letter}" repeats nothing`);
      default:
        return toGbnf([[point, point]]);
    }
  }

  #group(): string {
    if (this.#take("?")) {
      const isNamed = /^<[\w$]+>/.exec(this.#text.slice(this.#at));
      if (isNamed) this.#at += isNamed[0].length;
      else if (!this.#take(":")) this.#fail("look-around is not supported");
    }
    const body = this.#choice();
    if (!this.#take(")")) this.#fail("a group is not closed");
    return `(${body})`;
  }

  #quantifier(): string {
    const found = /^(?:[*+?]|\{\d+(?:,\d*)?\})/.exec(this.#text.slice(this.#at, this.#at + 40));
    if (!found) return "";
    this.#at += found[0].length;
    // Lazy or not, the same texts match.
    this.#take("?");
    return found[0];
  }

  #class(): Range[] {
    const negated = this.#take("^");
    const ranges: Range[] = [];
    while (!this.#take("]")) {
      if (this.#at >= this.#text.length) this.#fail("a class is not closed");
      const low = this.#classItem();
      if (
        this.#text[this.#at] !== "-" ||
        this.#text[this.#at + 1] === "]" ||
        low.length !== 1 ||
        low[0][0] !== low[0][1]
      ) {
        ranges.push(...low);
        continue;
      }
      this.#at++;
      const high = this.#classItem();
      if (high.length !== 1 || high[0][0] !== high[0][1] || high[0][0] < low[0][0])
        this.#fail("a range of a class is wrong");
      ranges.push([low[0][0], high[0][0]]);
    }
    return negated ? complement(ranges) : ranges;
  }

  #classItem(): readonly Range[] {
    if (this.#take("\\")) return this.#take("b") ? [[8, 8]] : this.#escape();
    const point = this.#text.codePointAt(this.#at) as number;
    this.#at += point > 0xffff ? 2 : 1;
    return [[point, point]];
  }

  #escape(): readonly Range[] {
    const letter = this.#text[this.#at++] ?? this.#fail("it ends with a backslash");
    if (Object.hasOwn(classes, letter)) return classes[letter];
    if (letter === "u" || letter === "x") {
      const hex = /^(?:\{([\da-f]{1,6})\}|([\da-f]{4})|([\da-f]{2}))/i.exec(this.#text.slice(this.#at));
      const text = letter === "x" ? hex?.[0].slice(0, 2) : (hex?.[1] ?? hex?.[2]);
      if (text === undefined || (letter === "x" && hex?.[1] !== undefined))
        this.#fail(`"\\${letter}" names no character`);
      this.#at += letter === "u" && hex?.[1] !== undefined ? hex[0].length : text.length;
      const point = Number.parseInt(text, 16);
      if (point > last) this.#fail(`"\\u{${text}}" names no character`);
      return [[point, point]];
    }
    if (Object.hasOwn(escapes, letter) && !/^\d/.test(this.#text.slice(this.#at)))
      return [[escapes[letter], escapes[letter]]];
    if (/[A-Za-z0-9]/.test(letter)) this.#fail(`"\\${letter}" is not supported`);
    const point = letter.charCodeAt(0);
    return [[point, point]];
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #fail(what: string): never {
    throw new DraftwrightError(
      "bad-argument",
      `The JSON schema's pattern ${JSON.stringify(this.#text)} cannot be a grammar: ${what}. Write it otherwise, or leave it out.`,
    );
  }
}

/** A class of characters as a JSON string writes them. */
function toGbnf(ranges: readonly Range[]): string {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const has = (point: number) => sorted.some(([low, high]) => point >= low && point <= high);
  const plain = minus(sorted, [
    [0, 0x1f],
    [0x22, 0x22],
    [0x5c, 0x5c],
    [0xd800, 0xdfff],
  ]);
  const parts =
    plain.length > 0
      ? [`[${plain.map(([low, high]) => (low === high ? inClass(low) : `${inClass(low)}-${inClass(high)}`)).join("")}]`]
      : [];
  for (const [point, letter] of Object.entries(written)) if (has(Number(point))) parts.push(`"\\\\${letter}"`);
  if (parts.length === 0) parts.push("[^\\x00-\\U0010ffff]");
  return parts.length === 1 ? parts[0] : `(${parts.join(" | ")})`;
}

function complement(ranges: readonly Range[]): Range[] {
  return minus([[0, last]], ranges);
}

function minus(from: readonly Range[], cut: readonly Range[]): Range[] {
  let left = [...from];
  for (const [low, high] of cut) {
    left = left.flatMap(([a, b]): Range[] => [
      ...(a < low ? [[a, Math.min(b, low - 1)] as const] : []),
      ...(b > high ? [[Math.max(a, high + 1), b] as const] : []),
    ]);
  }
  return left;
}
