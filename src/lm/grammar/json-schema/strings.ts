import { patternToGbnf } from "./pattern.ts";
import { inClass, literal, type Rules } from "./rules.ts";
import { refuse } from "./schema.ts";

export interface StringLimits {
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
}

const month = '("0" [1-9] | "1" [0-2])';
/** Days that every month has; the 29th to 31st only where they always exist. */
const date = `[0-9]{4} "-" (${month} "-" ("0" [1-9] | "1" [0-9] | "2" [0-8]) | ("0" [13-9] | "1" [0-2]) "-" ("29" | "30") | ("0" [13578] | "1" [02]) "-31")`;
const clock = '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]';
const time = `${clock} ":" [0-5] [0-9] ("." [0-9]{1,9})? ("Z" | [+-] ${clock})`;
const octet = '("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9]{2} | [1-9] [0-9] | [0-9])';
const label = "[a-zA-Z0-9] ([a-zA-Z0-9-]{0,30} [a-zA-Z0-9])?";

const formats: Readonly<Record<string, string>> = {
  date,
  time,
  "date-time": `${date} "T" ${time}`,
  uuid: '[0-9a-f]{8} "-" [0-9a-f]{4} "-" [1-8] [0-9a-f]{3} "-" [89ab] [0-9a-f]{3} "-" [0-9a-f]{12}',
  email: `[a-zA-Z0-9] ([a-zA-Z0-9_+-]{0,30} [a-zA-Z0-9])? ("." [a-zA-Z0-9]{1,30}){0,4} "@" (${label} "."){1,4} [a-zA-Z]{2,10}`,
  ipv4: `${octet} ("." ${octet}){3}`,
};

/** One character of a JSON string; surrogates come in pairs only, so that lengths count characters. */
export function characterRule(rules: Rules): string {
  const hex = rules.add("hex", "[0-9a-fA-F]");
  const unit = `([0-9a-cefA-CEF] ${hex}{3} | [dD] ([0-7] ${hex}{2} | [89abAB] ${hex}{2} "\\\\u" [dD] [c-fC-F] ${hex}{2}))`;
  return rules.add("char", `[^"\\\\\\x00-\\x1f] | "\\\\" (["\\\\/bfnrt] | "u" ${unit})`);
}

/** Strings within limits, as GBNF. Throws "bad-argument" where no grammar can say them. */
export function stringRule(rules: Rules, { minLength = 0, maxLength, pattern, format }: StringLimits): string {
  const char = characterRule(rules);
  if (pattern !== undefined || format !== undefined) {
    if (minLength > 0 || maxLength !== undefined) {
      refuse("minLength and maxLength beside a pattern or format are not supported: put the lengths into the pattern");
    }
    // Where a pattern says what the text is, the format is a remark.
    if (pattern !== undefined) return rules.add("pattern", `"\\"" (${patternToGbnf(pattern, char)}) "\\""`);
    const known = Object.hasOwn(formats, format as string) ? formats[format as string] : undefined;
    if (known === undefined) {
      refuse(`the format "${format}" is not supported, only ${Object.keys(formats).join(", ")}: use a pattern`);
    }
    return rules.add(format as string, `"\\"" ${known} "\\""`);
  }
  if (minLength === 0 && maxLength === undefined) return rules.add("string", `"\\"" ${char}* "\\""`);
  if (maxLength !== undefined && maxLength < minLength)
    refuse(`maxLength ${maxLength} is less than minLength ${minLength}`);
  return rules.add("string", `"\\"" ${char}{${minLength},${maxLength ?? ""}} "\\""`);
}

/**
 * Strings other than these, as GBNF: for the keys of additional properties. Only letters that need no escape are written, so
 * that no key is hidden behind one.
 */
export function otherStrings(rules: Rules, excluded: readonly string[]): string {
  const plain = rules.add("plain-char", '[^"\\\\\\x00-\\x1f]');
  const after = (texts: readonly string[][]): string => {
    const byLetter = new Map<string, string[][]>();
    for (const [letter, ...rest] of texts) {
      if (letter !== undefined) byLetter.set(letter, [...(byLetter.get(letter) ?? []), rest]);
    }
    const letters = [...byLetter.keys()].map((letter) => inClass(letter.codePointAt(0) as number));
    const parts = [`[^"\\\\\\x00-\\x1f${letters.join("")}] ${plain}*`];
    for (const [letter, rests] of byLetter) {
      // What JSON escapes is not written by these rules at all.
      if (!/["\\]/.test(letter) && letter >= " ") parts.push(`${literal(letter)} (${after(rests)})`);
    }
    const endsHere = texts.some((text) => text.length === 0);
    return endsHere ? parts.join(" | ") : [...parts, '""'].join(" | ");
  };
  return rules.add("other-key", `"\\"" (${after(excluded.map((text) => [...text]))}) "\\""`);
}
