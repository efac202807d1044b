import { DraftwrightError } from "../../errors.ts";

/** Code points from `low` to `high`, both included. */
export type CharRange = readonly [low: number, high: number];

/** What a rule may match. */
export type Expression =
  | { readonly kind: "chars"; readonly ranges: readonly CharRange[] }
  | { readonly kind: "rule"; readonly name: string }
  | { readonly kind: "sequence"; readonly items: readonly Expression[] }
  | { readonly kind: "choice"; readonly items: readonly Expression[] }
  | { readonly kind: "repeat"; readonly item: Expression; readonly least: number; readonly most: number };

/** Rules by name; the text begins with `root`. */
export type GrammarRules = ReadonlyMap<string, Expression>;

export const lastCodePoint = 0x10ffff;

const limits = { characters: 1 << 18, depth: 100, repetitions: 10_000 };

/**
 * Reads a grammar in GBNF, llama.cpp's dialect of BNF: rules `name ::= ..`, strings, `[classes]`, `.`, groups, `|`,
 * `* + ? {m} {m,} {m,n}` and `#` comments. Throws "bad-argument" with the line that is wrong. References to single tokens
 * (`<think>`) are refused.
 */
export function parseGbnf(text: string): GrammarRules {
  if (text.length > limits.characters) {
    throw new DraftwrightError(
      "bad-argument",
      `The grammar has ${text.length} characters; ${limits.characters} are the most. Use a shorter one.`,
    );
  }
  return new Parser(text).rules();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  rules(): GrammarRules {
    const rules = new Map<string, Expression>();
    this.#space(true);
    while (this.#at < this.#text.length) {
      const name = this.#name();
      this.#space(false);
      if (!this.#take("::=")) this.#fail(`"::=" must follow the rule name "${name}"`);
      if (rules.has(name)) this.#fail(`the rule "${name}" is defined twice`);
      this.#space(true);
      rules.set(name, this.#choice(false));
      if (this.#at < this.#text.length && !/[\r\n]/.test(this.#text[this.#at])) this.#fail("a rule ends here");
      this.#space(true);
    }
    if (!rules.has("root")) this.#fail('there is no rule "root", with which the text begins');
    for (const name of [...rules.values()].flatMap(namesIn)) {
      if (!rules.has(name)) this.#fail(`the rule "${name}" is used and not defined`);
    }
    return rules;
  }

  /** `nested`: inside a group, where lines may end anywhere. */
  #choice(nested: boolean): Expression {
    if (++this.#depth > limits.depth) this.#fail(`groups are nested deeper than ${limits.depth}`);
    const items = [this.#sequence(nested)];
    for (;;) {
      const before = this.#at;
      this.#space(true);
      if (!this.#take("|")) {
        if (!nested) this.#at = before;
        break;
      }
      this.#space(true);
      items.push(this.#sequence(nested));
    }
    this.#depth--;
    return items.length === 1 ? items[0] : { kind: "choice", items };
  }

  #sequence(nested: boolean): Expression {
    const items: Expression[] = [];
    for (;;) {
      this.#space(nested);
      const item = this.#item();
      if (!item) return items.length === 1 ? items[0] : { kind: "sequence", items };
      items.push(this.#repeated(item));
    }
  }

  #item(): Expression | undefined {
    const letter = this.#text[this.#at] ?? "";
    if (letter === '"') return this.#literal();
    if (letter === "[") return this.#class();
    if (letter === "<" || letter === "!") this.#fail("references to single tokens are not supported: write their text");
    if (this.#take(".")) return { kind: "chars", ranges: [[0, lastCodePoint]] };
    if (this.#take("(")) {
      this.#space(true);
      const inner = this.#choice(true);
      if (!this.#take(")")) this.#fail('a group is not closed with ")"');
      return inner;
    }
    if (!isNameCharacter(letter)) return undefined;
    const before = this.#at;
    const name = this.#name();
    // The next rule begins where a name has "::=" after it.
    const end = this.#at;
    this.#space(false);
    if (this.#text.startsWith("::=", this.#at)) {
      this.#at = before;
      return undefined;
    }
    this.#at = end;
    return { kind: "rule", name };
  }

  #repeated(item: Expression): Expression {
    this.#space(false);
    if (this.#take("*")) return { kind: "repeat", item, least: 0, most: Number.POSITIVE_INFINITY };
    if (this.#take("+")) return { kind: "repeat", item, least: 1, most: Number.POSITIVE_INFINITY };
    if (this.#take("?")) return { kind: "repeat", item, least: 0, most: 1 };
    if (this.#text[this.#at] !== "{") return item;
    const found = /^\{\s*(\d+)\s*(?:(,)\s*(\d*)\s*)?\}/.exec(this.#text.slice(this.#at, this.#at + 64));
    if (!found) this.#fail('a repetition must be "{m}", "{m,}" or "{m,n}"');
    const least = Number(found[1]);
    const most = found[3] ? Number(found[3]) : found[2] ? Number.POSITIVE_INFINITY : least;
    if (most < least) this.#fail(`the repetition {${least},${most}} has its limits the wrong way round`);
    if (Math.max(least, Number.isFinite(most) ? most : 0) > limits.repetitions) {
      this.#fail(`${limits.repetitions} repetitions are the most`);
    }
    this.#at += found[0].length;
    return { kind: "repeat", item, least, most };
  }

  #literal(): Expression {
    this.#at++;
    const items: Expression[] = [];
    while (!this.#take('"')) {
      const point = this.#character("a string");
      items.push({ kind: "chars", ranges: [[point, point]] });
    }
    return items.length === 1 ? items[0] : { kind: "sequence", items };
  }

  #class(): Expression {
    this.#at++;
    const negated = this.#take("^");
    const ranges: CharRange[] = [];
    while (!this.#take("]")) {
      const low = this.#character("a class");
      let high = low;
      if (this.#text[this.#at] === "-" && this.#text[this.#at + 1] !== "]") {
        this.#at++;
        high = this.#character("a class");
        if (high < low) this.#fail("a range of a class has its ends the wrong way round");
      }
      ranges.push([low, high]);
    }
    return { kind: "chars", ranges: negated ? complement(ranges) : ranges };
  }

  /** One character of a string or class, escapes read. */
  #character(where: string): number {
    const point = this.#text.codePointAt(this.#at);
    if (point === undefined || point === 0x0a) return this.#fail(`${where} is not closed`);
    this.#at += point > 0xffff ? 2 : 1;
    if (point !== 0x5c) return point;
    const letter = this.#text[this.#at++] ?? "";
    const digits = { x: 2, u: 4, U: 8 }[letter];
    if (digits !== undefined) {
      const hex = this.#text.slice(this.#at, this.#at + digits);
      this.#at += digits;
      const value = /^[\da-f]+$/i.test(hex) && hex.length === digits ? Number.parseInt(hex, 16) : -1;
      if (value < 0 || value > lastCodePoint) this.#fail(`"\\${letter}${hex}" names no character`);
      return value;
    }
    const plain: Readonly<Record<string, string>> = {
      t: "\t",
      r: "\r",
      n: "\n",
      "\\": "\\",
      '"': '"',
      "[": "[",
      "]": "]",
    };
    const known = Object.hasOwn(plain, letter) ? plain[letter] : this.#fail(`"\\${letter}" is no escape`);
    return known.charCodeAt(0);
  }

  #name(): string {
    const start = this.#at;
    while (isNameCharacter(this.#text[this.#at])) this.#at++;
    if (this.#at === start) this.#fail("a rule name must begin here (letters, digits and -)");
    return this.#text.slice(start, this.#at);
  }

  #space(newlines: boolean): void {
    for (;;) {
      const letter = this.#text[this.#at];
      if (letter === " " || letter === "\t" || (newlines && (letter === "\n" || letter === "\r"))) this.#at++;
      else if (letter === "#") while (this.#at < this.#text.length && !/[\r\n]/.test(this.#text[this.#at])) this.#at++;
      else return;
    }
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #fail(what: string): never {
    const line = this.#text.slice(0, this.#at).split("\n").length;
    throw new DraftwrightError("bad-argument", `The grammar is wrong in line ${line}: ${what}.`);
  }
}

function isNameCharacter(letter: string | undefined): boolean {
  return letter !== undefined && /^[\w-]$/.test(letter) && letter !== "_";
}

function namesIn(expression: Expression): string[] {
  switch (expression.kind) {
    case "chars":
      return [];
    case "rule":
      return [expression.name];
    case "repeat":
      return namesIn(expression.item);
    default:
      return expression.items.flatMap(namesIn);
  }
}

function complement(ranges: readonly CharRange[]): CharRange[] {
  const left: CharRange[] = [];
  let from = 0;
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (low > from) left.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  if (from <= lastCodePoint) left.push([from, lastCodePoint]);
  return left;
}
