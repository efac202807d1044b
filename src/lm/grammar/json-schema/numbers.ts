import { DraftwrightError } from "../../../errors.ts";

/** Most digits before and after the point: numbers that every reader takes as they are. */
const digits = 15;
const fraction = `("." [0-9]{1,${digits}})?`;

export const anyInteger = `"-"? ("0" | [1-9] [0-9]{0,${digits - 1}})`;
/** Exponents stay small: 1e999 is valid JSON that nobody can read. */
export const anyNumber = `${anyInteger} ${fraction} ([eE] [-+]? [0-9]{1,2})?`;

/** A limit of a number; `open`: the limit itself is left out. */
export interface Bound {
  readonly value: number;
  readonly open: boolean;
}

/** Integers from `low` to `high`. Throws "bad-argument" when there are none. */
export function integerBetween(low: Bound | undefined, high: Bound | undefined): string {
  if (!low && !high) return anyInteger;
  const least = low && BigInt(low.open ? Math.floor(low.value) + 1 : Math.ceil(low.value));
  const most = high && BigInt(high.open ? Math.ceil(high.value) - 1 : Math.floor(high.value));
  const far = 10n ** BigInt(digits) - 1n;
  const from = least ?? (most !== undefined && most < -far ? most - far : -far);
  const to = most ?? (least !== undefined && least > far ? least + far : far);
  if (from > to) refuse(low, high);
  return signed(from, to, (a, b) => naturals(a, b));
}

/** Numbers from `low` to `high`, without exponent. Throws "bad-argument" when there are none. */
export function numberBetween(low: Bound | undefined, high: Bound | undefined): string {
  if (!low && !high) return anyNumber;
  if (low && high && (low.value > high.value || (low.value === high.value && (low.open || high.open)))) {
    refuse(low, high);
  }
  const far = 10 ** (digits - 1);
  const from = low ?? { value: Math.min(-far, (high?.value ?? 0) * 10 - far), open: false };
  const to = high ?? { value: Math.max(far, (low?.value ?? 0) * 10 + far), open: false };
  const parts: string[] = [];
  const flip = ({ value, open }: Bound): Bound => ({ value: -value, open });
  if (from.value < 0) {
    const nearest = to.value < 0 ? flip(to) : { value: 0, open: true };
    parts.push(`"-" (${decimals(nearest, flip(from))})`);
  }
  if (to.value > 0 || (to.value === 0 && !to.open)) {
    parts.push(decimals(from.value >= 0 ? from : { value: 0, open: false }, to));
  }
  return parts.map((part) => `(${part})`).join(" | ");
}

/** Decimals of a range that does not reach below 0. */
function decimals(low: Bound, high: Bound): string {
  const [lowWhole, lowRest] = split(low.value);
  const [highWhole, highRest] = split(high.value);
  if (lowWhole === highWhole) {
    if (lowRest === highRest) return `"${lowWhole}${lowRest === "" ? "" : `.${lowRest}`}"`;
    const isWhole = lowRest === "" && !low.open ? ` | "${lowWhole}"` : "";
    return `"${lowWhole}." (${within(lowRest, low.open, highRest, high.open, true)})${isWhole}`;
  }
  const above = `"." (${atLeast(lowRest, low.open, true)})`;
  const parts = [`"${lowWhole}" ${lowRest === "" && !low.open ? `(${above})?` : above}`];
  if (highWhole - lowWhole > 1n) parts.push(`(${naturals(lowWhole + 1n, highWhole - 1n)}) ${fraction}`);
  const below = atMost(highRest, high.open, true);
  if (highRest !== "" || !high.open) parts.push(`"${highWhole}"${below === undefined ? "" : ` ("." (${below}))?`}`);
  return parts.join(" | ");
}

// Fractions as the digits after the point. `first`: there must be a digit.

const more = `[0-9]{0,${digits}}`;

/** At least 0.`rest`, or more than that. */
function atLeast(rest: string, open: boolean, first: boolean): string {
  if (rest === "") return open ? `"0"{0,${digits}} [1-9] ${more}` : `[0-9]{${first ? 1 : 0},${digits}}`;
  const next = Number(rest[0]);
  const same = `"${next}" (${atLeast(rest.slice(1), open, false)})`;
  return next < 9 ? `${digit(next + 1, 9)} ${more} | ${same}` : same;
}

/** At most 0.`rest`, or less than that; undefined where there is none. `rest` has no zeros at its end. */
function atMost(rest: string, open: boolean, first: boolean): string | undefined {
  if (rest === "") return open ? undefined : `"0"{${first ? 1 : 0},${digits}}`;
  const next = Number(rest[0]);
  const parts = first ? [] : ['""'];
  if (next > 0) parts.push(`${digit(0, next - 1)} ${more}`);
  const same = atMost(rest.slice(1), open, false);
  if (same !== undefined) parts.push(`"${next}" (${same})`);
  return parts.length === 0 ? undefined : parts.join(" | ");
}

/** From 0.`low` to 0.`high`, which are not the same. */
function within(low: string, lowOpen: boolean, high: string, highOpen: boolean, first: boolean): string {
  const [a, b] = [Number(low[0] ?? 0), Number(high[0])];
  const parts = !first && low === "" && !lowOpen ? ['""'] : [];
  if (a === b) {
    parts.push(`"${a}" (${within(low.slice(1), lowOpen, high.slice(1), highOpen, false)})`);
    return parts.join(" | ");
  }
  if (b - a > 1) parts.push(`${digit(a + 1, b - 1)} ${more}`);
  parts.push(`"${a}" (${atLeast(low.slice(1), lowOpen, false)})`);
  const same = atMost(high.slice(1), highOpen, false);
  if (same !== undefined) parts.push(`"${b}" (${same})`);
  return parts.join(" | ");
}

/** Whole part, and digits after the point without zeros at the end, of a number that is not negative. */
function split(value: number): [bigint, string] {
  const [mantissa, exponent = "0"] = String(value).split("e");
  const [whole, rest = ""] = mantissa.split(".");
  const shift = Number(exponent);
  const all = whole + rest;
  const point = whole.length + shift;
  const before = point <= 0 ? "0" : all.slice(0, point).padEnd(point, "0");
  const after = point <= 0 ? "0".repeat(-point) + all : all.slice(point);
  return [BigInt(before), after.replace(/0+$/, "")];
}

function signed(from: bigint, to: bigint, between: (from: bigint, to: bigint) => string): string {
  const parts: string[] = [];
  if (from < 0n) parts.push(`"-" (${between(to < 0n ? -to : 1n, -from)})`);
  if (to >= 0n) parts.push(between(from > 0n ? from : 0n, to));
  return parts.join(" | ");
}

/** Natural numbers of a range, without leading zeros. */
function naturals(from: bigint, to: bigint): string {
  const parts: string[] = [];
  for (let length = String(from).length; length <= String(to).length; length++) {
    const least = length === 1 ? 0n : 10n ** BigInt(length - 1);
    const most = 10n ** BigInt(length) - 1n;
    parts.push(sameLength(String(from > least ? from : least), String(to < most ? to : most)));
  }
  return parts.join(" | ");
}

/** Digits that lie between two texts of one length. */
function sameLength(from: string, to: string): string {
  if (from === "") return '""';
  if (/^0*$/.test(from) && /^9*$/.test(to)) return `[0-9]{${from.length}}`;
  const [a, b] = [Number(from[0]), Number(to[0])];
  if (from.length === 1) return digit(a, b);
  const rest = from.length - 1;
  const [first, last] = [from.slice(1), to.slice(1)];
  if (a === b) return `"${a}" (${sameLength(first, last)})`;
  // Whole decades join the middle part.
  const lowWhole = /^0*$/.test(first);
  const highWhole = /^9*$/.test(last);
  const parts = lowWhole ? [] : [`"${a}" (${sameLength(first, "9".repeat(rest))})`];
  const [low, high] = [lowWhole ? a : a + 1, highWhole ? b : b - 1];
  if (low <= high) parts.push(`${digit(low, high)} [0-9]{${rest}}`);
  if (!highWhole) parts.push(`"${b}" (${sameLength("0".repeat(rest), last)})`);
  return parts.join(" | ");
}

function digit(low: number, high: number): string {
  return low === high ? `"${low}"` : `[${low}-${high}]`;
}

function refuse(low: Bound | undefined, high: Bound | undefined): never {
  throw new DraftwrightError(
    "bad-argument",
    `The JSON schema asks for a number from ${low?.value} to ${high?.value}: there is none.`,
  );
}
