import type { DownloadProgress } from "./download.ts";

/**
 * One line of progress to write to stderr: redrawn in place with a bar on a terminal; elsewhere "" except a plain last
 * line, so that logs stay short. `color` false under NO_COLOR. `columns`: width of the terminal.
 */
export function progressLine(
  progress: DownloadProgress,
  { isTTY, columns = 80, color }: { isTTY: boolean; columns?: number; color: boolean },
): string {
  const { file, receivedBytes, totalBytes, bytesPerSecond } = progress;
  const share = totalBytes > 0 ? Math.min(1, receivedBytes / totalBytes) : 1;
  const done = receivedBytes >= totalBytes;
  if (!isTTY) return done ? `${file} ${size(totalBytes)}\n` : "";
  const left = bytesPerSecond > 0 ? duration((totalBytes - receivedBytes) / bytesPerSecond) : "--:--";
  const numbers = `${String(Math.floor(share * 100)).padStart(3)}% ${size(receivedBytes)}/${size(totalBytes)} ${size(bytesPerSecond)}/s ${left}`;
  const width = Math.max(0, Math.min(30, columns - numbers.length - 24));
  const filled = Math.round(share * width);
  const bar = "#".repeat(filled) + "-".repeat(width - filled);
  const room = Math.max(8, columns - numbers.length - width - 5);
  const name = file.length > room ? `..${file.slice(file.length - room + 2)}` : file;
  const painted = color ? `\u001b[32m${bar.slice(0, filled)}\u001b[0m${bar.slice(filled)}` : bar;
  return `\r\u001b[K${name} [${painted}] ${numbers}${done ? "\n" : ""}`;
}

function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function duration(seconds: number): string {
  const whole = Math.min(359_999, Math.ceil(seconds));
  const clock = [Math.floor(whole / 60) % 60, whole % 60].map((n) => String(n).padStart(2, "0"));
  return (whole >= 3600 ? [String(Math.floor(whole / 3600)), ...clock] : clock).join(":");
}
