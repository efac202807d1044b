import type { GenerateResult } from "../engine/index.ts";
import { milliseconds, percent } from "./terminal.ts";

/** What a generation took and what drafting gave, for people. */
export function statsText({ tokens, promptTokens, finishReason, timings, drafting }: GenerateResult): string {
  const { rounds, proposed, accepted, meanEmitted, bySource, numerics } = drafting;
  const lines = [
    ["prompt", `${promptTokens} tokens in ${milliseconds(timings.prefillMs)}`],
    [
      "output",
      `${tokens} tokens in ${milliseconds(timings.decodeMs)}, ${timings.tokensPerSecond.toFixed(1)} tokens/s (${finishReason})`,
    ],
    ["rounds", `${rounds}, ${meanEmitted.toFixed(2)} tokens each`],
    [
      "drafted",
      proposed === 0
        ? "nothing: no draft promised to pay"
        : `${proposed}, accepted ${accepted} (${percent(accepted / proposed)})`,
    ],
    ...Object.entries(bySource)
      .filter(([, source]) => source.proposed > 0)
      .map(([name, source]) => [
        `  ${name}`,
        `${source.proposed}, accepted ${source.accepted} (${percent(source.accepted / source.proposed)})`,
      ]),
    ["numerics", numerics],
  ];
  return lines.map(([name, value]) => `${name.padEnd(10)} ${value}\n`).join("");
}
