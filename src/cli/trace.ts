import type { RoundReport } from "../drafting/index.ts";
import { milliseconds, paint, type Style } from "./terminal.ts";

/** Words for `RoundTrace.decision`, as short as a column. */
const decisions: Record<RoundReport["trace"]["decision"], string> = {
  off: "plain: drafting is off",
  "last-token": "plain: one token left",
  unasked: "plain: nothing has paid for long",
  "no-offer": "plain: no drafter has an idea",
  forced: "forced",
  survey: "surveyed",
  bought: "bought",
  probe: "tried once, to learn",
  declined: "plain: no offer pays",
  "draft-discarded": "plain: drafted, but too unsure to verify",
  "slower-than-plain": "plain: drafting did not pay lately",
  "plain-baseline": "plain: to measure the plain speed",
};

/** Makes one line per round: the decision, nodes bought of those offered, expected and real gain. */
export function traceLine(style: Style): (report: RoundReport) => string {
  let round = 0;
  return ({ emitted, trace }) => {
    round++;
    const bids = Object.entries(trace.offered).map(
      ([name, offered]) => `${name} ${trace.proposed[name] ?? 0}/${offered}`,
    );
    const expected = trace.width > 1 ? ` of ${trace.expectedTokens.toFixed(1)} expected` : "";
    const accepted = trace.accepted > 0 ? `, ${trace.accepted} drafted` : "";
    const drafting = trace.draftMs > 0.05 ? ` + ${milliseconds(trace.draftMs)} drafting` : "";
    const forecast = trace.expectedMs > 0 ? ` (${milliseconds(trace.expectedMs)} expected)` : "";
    const parts = [
      `round ${String(round).padStart(3)}`,
      ...bids,
      paint(decisions[trace.decision], trace.width > 1 ? "green" : "dim", style),
      `width ${trace.width}`,
      `emitted ${emitted.length}${expected}${accepted}`,
      `${milliseconds(trace.verifyMs)}${forecast}${drafting}`,
    ];
    return `${parts.join("  ")}\n`;
  };
}
