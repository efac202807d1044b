import { appendFileSync } from "node:fs";
import { bar, clock, lineWriter } from "../report.ts";
import type { TokenizerEvent } from "./train-tokenizer.ts";

/** Returns a listener for `trainTokenizer`. `jsonLog`: progress at most once a second, and the rest, one object a line. */
export function tokenizerReporter(stream: NodeJS.WriteStream, jsonLog?: string): (event: TokenizerEvent) => void {
  const line = lineWriter(stream);
  const count = (value: number) => value.toLocaleString("en");
  let logged = Number.NEGATIVE_INFINITY;
  return (event) => {
    const { seconds } = event;
    const isProgress = event.event === "read" || event.event === "merge";
    if (jsonLog !== undefined && (!isProgress || seconds - logged >= 1)) {
      if (isProgress) logged = seconds;
      appendFileSync(jsonLog, `${JSON.stringify(event)}\n`);
    }
    if (event.event === "start") line(`${(event.bytes / 1e6).toFixed(1)} MB to read`, true);
    else if (event.event === "read") line(`[${bar(event.share, 20)}] ${count(event.differentWords)} words`, false);
    else if (event.event === "merge") line(`[${bar(event.share, 20)}] ${count(event.tokens)} tokens`, false);
    else if (event.event === "counted") {
      const lost = event.forgotten > 0 ? `; ${count(event.forgotten)} rare ones forgotten` : "";
      line(`${clock(seconds)}  ${count(event.words)} words, ${count(event.differentWords)} different${lost}`, true);
    } else {
      line(`${clock(seconds)}  ${count(event.tokens)} tokens, ${event.bytesPerToken.toFixed(3)} bytes a token`, true);
    }
  };
}
