// What a training run shows: a line that follows it on a terminal, lines at each evaluation elsewhere, and JSON lines in a
// file.
import { appendFileSync } from "node:fs";
import type { TrainingEvent } from "./loop.ts";

const short = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(4));

export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const [m, s] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  return m >= 60 ? `${Math.floor(m / 60)}:${String(m % 60).padStart(2, "0")} h` : `${m}:${String(s).padStart(2, "0")}`;
}

export const bar = (share: number, width: number): string => "=".repeat(Math.round(share * width)).padEnd(width, ".");

/** Writes a line that replaces the one before it on a terminal, until one is the `end`; elsewhere only those. */
export function lineWriter(stream: NodeJS.WriteStream): (text: string, end: boolean) => void {
  return (text, end) => {
    if (stream.isTTY) stream.write(`\r\u001b[K${text}${end ? "\n" : ""}`);
    else if (end) stream.write(`${text}\n`);
  };
}

/** Returns a listener for `train`. `jsonLog`: steps (at most one a second), evaluations and the rest, one object a line. */
export function reporter(stream: NodeJS.WriteStream, jsonLog?: string): (event: TrainingEvent) => void {
  let [loss, speed, logged, drawn] = [Number.NaN, 0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let started = { share: 0, seconds: 0 };
  let held = "";
  const line = lineWriter(stream);
  return (event) => {
    if (jsonLog !== undefined && (event.event !== "step" || event.seconds - logged >= 1)) {
      if (event.event === "step") logged = event.seconds;
      appendFileSync(jsonLog, `${JSON.stringify(event)}\n`);
    }
    if (event.event === "start") {
      started = { share: -1, seconds: event.seconds };
      const from = event.resumed ? `, going on at step ${event.steps}` : "";
      line(`${event.parameters.toLocaleString("en")} parameters to train${from}`, true);
    } else if (event.event === "step") {
      loss = Number.isNaN(loss) ? event.loss : 0.95 * loss + 0.05 * event.loss;
      speed = speed === 0 ? event.tokensPerSecond : 0.9 * speed + 0.1 * event.tokensPerSecond;
      if (started.share < 0) started = { share: event.share, seconds: event.seconds };
      if (event.seconds - drawn < 0.2) return;
      drawn = event.seconds;
      const pace = (event.seconds - started.seconds) / Math.max(1e-9, event.share - started.share);
      const eta = event.share > started.share ? clock((1 - event.share) * pace) : "?";
      const tokens = `${Math.round(speed).toLocaleString("en")} tok/s`;
      line(`[${bar(event.share, 20)}] step ${event.steps}  loss ${short(loss)}  ${tokens}  ETA ${eta}${held}`, false);
    } else if (event.event === "evaluation") {
      const measures = Object.entries(event.measures).map(([name, value]) => `${name} ${short(value)}`);
      held = `  ${measures[0]}`;
      line(`${clock(event.seconds)}  step ${event.steps}  ${measures.join("  ")}${event.best ? "  (best)" : ""}`, true);
    } else if (event.event === "end") {
      line(
        `${event.reason}: ${event.steps} steps, ${event.tokens.toLocaleString("en")} tokens, best ${short(event.best)}`,
        true,
      );
    }
  };
}
