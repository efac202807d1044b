import type { WriteStream } from "node:tty";

/** What a stream can show: colours unless NO_COLOR says no, FORCE_COLOR or a terminal says yes. */
export interface Style {
  readonly isTTY: boolean;
  readonly color: boolean;
  readonly columns: number;
}

export function styleOf(stream: NodeJS.WriteStream | WriteStream, forced = false): Style {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const isTTY = stream.isTTY === true;
  const wanted = forced || (FORCE_COLOR !== undefined && FORCE_COLOR !== "0") || (isTTY && TERM !== "dumb");
  return { isTTY, color: wanted && !NO_COLOR, columns: Math.max(40, stream.columns ?? 80) };
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;
export type Paint = keyof typeof codes;

export function paint(text: string, how: Paint, { color }: Pick<Style, "color">): string {
  return color && text !== "" ? `\u001b[${codes[how]}m${text}\u001b[0m` : text;
}

/** Text from a model, made safe for a terminal: it must not move the cursor or change colours. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}

export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export const milliseconds = (ms: number) => (ms < 100 ? `${ms.toFixed(ms < 10 ? 2 : 1)} ms` : `${Math.round(ms)} ms`);
export const percent = (share: number) => `${Math.round(share * 100)} %`;
