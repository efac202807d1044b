import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { DraftwrightError } from "../errors.ts";
import { adviseDraft, type DraftAdvice, type DraftState, loadDraftRec } from "../games/index.ts";
import { integer, readInput } from "./flags.ts";
import { wrap } from "./game-advise.ts";
import { paint, printable, type Style, styleOf } from "./terminal.ts";

/** Heroes of Dota 2, from professional matches. */
const defaultCheckpoint = fileURLToPath(new URL("../../models/draftrec/dota2.gguf", import.meta.url));

interface Flags {
  state: string;
  checkpoint: string;
  topK: number;
  json?: boolean;
}

export function mobaAdviseCommand(): Command {
  return new Command("advise")
    .description("Ranks the next pick of a draft: how likely it is, what it does to the chance of winning, and why.")
    .requiredOption("--state <file>", "the draft as JSON (docs/moba.md); - reads standard input")
    .option("--checkpoint <file>", "of `game moba train --out`; default: Dota 2", defaultCheckpoint)
    .option("--top-k <n>", "picks to show, 20 at most", integer(1), 5)
    .option("--json", "print one JSON object")
    .action(({ state, checkpoint, topK, json }: Flags) => {
      const draft = parseDraft(readInput(state));
      const opened = loadDraftRec(checkpoint);
      using _ = opened.model;
      const advice = adviseDraft(opened, draft, { topK });
      process.stdout.write(json ? `${JSON.stringify(advice)}\n` : adviceText(advice, styleOf(process.stdout)));
    });
}

function parseDraft(text: string): DraftState {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as DraftState;
  } catch (cause) {
    throw new DraftwrightError(
      "bad-argument",
      `The draft is no JSON: ${(cause as Error).message}. docs/moba.md shows one.`,
      { cause },
    );
  }
  throw new DraftwrightError("bad-argument", "The draft is no JSON object. docs/moba.md shows one.");
}

const percent = (x: number) => `${(100 * x).toFixed(1)} %`;
/** Times in seconds as days: how old the fashion is that the network knows. */
const inDates = (text: string) =>
  text.replace(/\b\d{10}\b/g, (seconds) => new Date(1000 * Number(seconds)).toISOString().slice(0, 10));
const signed = (x: number) => `${x < 0 ? "-" : "+"}${Math.abs(x).toFixed(0)}`;

function adviceText(advice: DraftAdvice, style: Style): string {
  const lines = [
    `blue wins with ${percent(advice.winProbability.blue)}, red with ${percent(advice.winProbability.red)}`,
  ];
  for (const { team, champion, points, margin } of advice.standing) {
    lines.push(
      `  ${team.padEnd(4)} ${printable(champion).padEnd(20)} ${signed(points).padStart(5)} ±${margin.toFixed(0)} Elo`,
    );
  }
  if (!advice.next) return `${[...lines, "the draft is finished"].join("\n")}\n`;
  lines.push(`${advice.next.team}, seat ${advice.next.seat}, picks next:`);
  if (advice.picks.length === 0) return `${[...lines, "all of the pool is picked or banned"].join("\n")}\n`;
  const width = Math.max(...advice.picks.map(({ champion }) => champion.length), 0);
  advice.picks.forEach((pick, i) => {
    const name = paint(printable(pick.champion).padEnd(width), i === 0 ? "green" : "bold", style);
    const change = `${pick.change < 0 ? "" : "+"}${(100 * pick.change).toFixed(1)}`;
    lines.push(
      `${String(i + 1).padStart(2)}  ${name}  likely ${percent(pick.share).padStart(6)}  wins ${percent(pick.winProbability)} (${change})  ${signed(pick.breakdown.total)} ±${pick.breakdown.margin.toFixed(0)} Elo`,
    );
    for (const line of wrap(pick.reasons.join("; "), style.columns - 6)) if (line) lines.push(`      ${line}`);
  });
  const notes = [
    "likely: network's policy; wins: network's value; Elo: counted in matches",
    ...wrap(`trained on ${inDates(advice.trainedOn)}`, style.columns),
  ];
  lines.push(paint(notes.join("\n"), "dim", style));
  return `${lines.join("\n")}\n`;
}
