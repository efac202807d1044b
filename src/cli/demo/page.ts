import type { ModelInfo } from "../../engine/index.ts";
import { SourcePalette } from "../sources.ts";
import { paint, percent, type Style } from "../terminal.ts";
import { beside, spansToLines } from "./columns.ts";
import type { Outcome } from "./measure.ts";

// The page that `npm start` prints, part by part, each ending with an empty line.

export function opening(info: ModelInfo, style: Style): string {
  const names = info.drafters.join(" and ");
  return [
    `${paint("draftwright", "bold", style)}: draft first, verify always`,
    "",
    "A cheap drafter guesses the next words. The model checks all guesses in one",
    "pass and keeps those it would have written itself: same text, fewer passes.",
    "",
    `model     ${info.name || info.path}`,
    `drafters  ${names}`,
    `here      ${info.device}, ${info.threads} ${info.threads === 1 ? "thread" : "threads"}, numerics ${info.numerics}`,
    "",
    "",
  ].join("\n");
}

export function scenePage(outcome: Outcome, number: number, info: ModelInfo, style: Style): string {
  const { scene } = outcome;
  const palette = new SourcePalette(style, info.drafters);
  const title = `${number}  ${scene.title}`;
  const quote = spansToLines([{ text: scene.prompt.trimEnd(), source: "target" }], style.columns - 6, palette, style);
  return [
    paint(title, "bold", style),
    `   ${scene.why}`,
    "",
    ...quote.map((line) => `   ${paint(`> ${line}`, "dim", style)}`),
    "",
    texts(outcome, palette, style),
    numbers(outcome, style),
    "",
  ].join("\n");
}

function texts({ plain, draftedTokens }: Outcome, palette: SourcePalette, style: Style): string {
  const legend = style.color ? palette.legend() : "[..]: drafted and accepted; the rest: the model's own\n";
  const plainSpans = [{ text: plain.text.trimStart(), source: "target" }];
  const draftedSpans = withoutLeadingSpace(draftedTokens);
  const isWide = style.columns >= 72;
  const width = isWide ? Math.min(60, (style.columns - 3) >> 1) : style.columns;
  const left = spansToLines(plainSpans, width, palette, style);
  const right = spansToLines(draftedSpans, width, palette, style);
  if (!isWide) return `-- plain\n${left.join("\n")}\n\n-- drafted\n${right.join("\n")}\n\n${legend}`;
  const head = `${"plain".padEnd(width)} | drafted\n${"-".repeat(width + 1)}+${"-".repeat(width + 1)}\n`;
  return `${head}${beside(left, right, width)}\n${legend}`;
}

function numbers({ plain, drafted, plainSpeed, draftedSpeed, repeats, same }: Outcome, style: Style): string {
  const { rounds, proposed, accepted, bySource, meanEmitted } = drafted.drafting;
  const ratio = draftedSpeed / plainSpeed;
  const row = (name: string, speed: number, passes: number, each: number) =>
    `${name.padEnd(8)} ${speed.toFixed(1).padStart(8)} tokens/s ${String(passes).padStart(5)} passes, ${each.toFixed(2)} tokens each`;
  const shares = Object.entries(bySource)
    .filter(([, source]) => source.accepted > 0)
    .map(([name, source]) => `${name} ${source.accepted}`);
  const kept =
    proposed > 0
      ? `${accepted} of ${proposed} kept (${percent(accepted / proposed)})`
      : "nothing: no draft promised to pay";
  return [
    row("plain", plainSpeed, plain.drafting.rounds, plain.drafting.meanEmitted),
    `${row("drafted", draftedSpeed, rounds, meanEmitted)}   ${paint(`${ratio.toFixed(2)}x`, "bold", style)}`,
    `guesses  ${kept}${shares.length > 0 ? `: ${shares.join(", ")}` : ""}`,
    `same output: ${same ? paint("yes", "green", style) : paint("NO", "red", style)}   (${repeats > 1 ? `speeds: fastest of ${repeats} runs each, in turns` : "one run each"})`,
    "",
  ].join("\n");
}

/** The space that joins a continuation to its prompt would indent the first line. */
function withoutLeadingSpace<T extends { readonly text: string }>(spans: readonly T[]): T[] {
  const first = spans.findIndex(({ text }) => text.trim() !== "");
  return spans.slice(Math.max(0, first)).map((span, i) => (i === 0 ? { ...span, text: span.text.trimStart() } : span));
}

export function closing(style: Style): string {
  return [
    paint("Try next", "bold", style),
    '  npx draftwright generate "The term of this Agreement shall" --color --stats',
    '  npx draftwright generate "1. DEFINITIONS." --temperature 0.8 --seed 7 --trace',
    "  npx draftwright profile        what a pass costs here, and why drafting pays",
    "  npx draftwright verify --help  check the same output on your own prompts",
    "  npx draftwright models pull bartowski/SmolLM2-135M-Instruct-GGUF:Q8_0",
    "",
  ].join("\n");
}
