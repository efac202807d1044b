// Rewrites a trace of `bench --trace-out` as if every pass of a drafting head cost a given share of a plain forward:
//   node tools/embedded-heads/price-passes.mjs TRACE SHARE OUT
// For replays of what heads would give beside targets of the papers' size: next to the embedded target, whose forward takes
// half a millisecond, no head is cheap. Only prices change, of heads only.
import { readFileSync, writeFileSync } from "node:fs";

const [input, share, out] = process.argv.slice(2);
if (!out) throw new Error("Which trace, which share, where to? node tools/embedded-heads/price-passes.mjs TRACE 0.05 OUT");

/** Passes that the first node of a bid takes. */
const first = { medusa: 1, amphista: 1, falcon: 1, eagle: 2 };
const lines = readFileSync(input, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
const { ms } = lines.find(({ type }) => type === "trace").curve;
const plainMs = ms[0][0];
for (const { record } of lines) {
  for (const offer of record?.offers ?? record?.bids ?? []) {
    const passes = first[offer.drafter];
    if (passes === undefined || offer.draftMs.length === 0) continue;
    const [unit] = offer.draftMs;
    offer.draftMs = offer.draftMs.map((price) => (price / unit) * passes * Number(share) * plainMs);
  }
}
writeFileSync(out, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
