import { Command } from "commander";
import { DraftwrightError } from "../errors.ts";
import { type Advice, advise, adviseTable, countText, faceNames, replay } from "../games/index.ts";
import { integer, readInput } from "./flags.ts";
import { isSavedGame, parseState } from "./game-file.ts";
import { adviserNamed } from "./game-flags.ts";
import { paint, printable, type Style, styleOf } from "./terminal.ts";

interface Flags {
  state: string;
  agent?: string;
  topK: number;
  worlds: number;
  budgetMs?: number;
  verify: boolean;
  seed: number;
  json?: boolean;
}

export function sushiAdviseCommand(): Command {
  return new Command("advise")
    .description("Ranks your picks at a table: likely margins, reasons, and what others are known to hold.")
    .requiredOption("--state <file>", "a table as JSON or as lines, or a game saved by play; - reads standard input")
    .option(
      "--agent <name>",
      "who proposes and plays the rollouts: dqn (default where one is shipped), heuristic, file.sgn",
    )
    .option("--top-k <n>", "picks to verify and to show", integer(1), 5)
    .option("--worlds <n>", "samples of the hidden cards", integer(2), 64)
    .option("--budget-ms <ms>", "stop verifying after so long", integer(1))
    .option("--no-verify", "the ranking of the proposals only")
    .option("--seed <n>", "equal seeds give equal advice", integer(0), 1)
    .option("--json", "print one JSON object")
    .action(({ state, agent, json, ...flags }: Flags) => {
      const found = parseState(readInput(state));
      const table = isSavedGame(found) ? found : asTable(found);
      const options = { ...flags, ...adviserNamed(agent, table) };
      const advice = isSavedGame(found) ? advise(replay(found), 0, options) : adviseTable(asTable(found), options);
      process.stdout.write(json ? `${JSON.stringify(advice)}\n` : adviceText(advice, styleOf(process.stdout)));
    });
}

function asTable<T extends object>(value: T): T {
  for (const field of ["menu", "players", "hand"]) {
    if (!(field in value))
      throw new DraftwrightError("bad-argument", `The state lacks "${field}". docs/games.md shows one.`);
  }
  return value;
}

export function adviceText(advice: Advice, style: Style): string {
  const width = Math.max(...advice.picks.map(({ action }) => action.length));
  const lines = advice.picks.map(({ action, pDraft, value, ci, reasons }, i) => {
    const margin = value === null ? "" : `${value >= 0 ? "+" : ""}${value.toFixed(1)} ±${(ci ?? 0).toFixed(1)}`;
    const name = paint(action.padEnd(width), i === 0 ? "green" : "bold", style);
    const head = `${i + 1}  ${name}  ${margin.padEnd(12)} ${`${Math.round(100 * pDraft)} %`.padStart(5)}  `;
    const room = style.columns - width - 26;
    return `${head}${wrap(reasons.join("; "), Math.max(20, room)).join(`\n${" ".repeat(width + 25)}`)}`;
  });
  const known = advice.knownHands.map((hand, i) => {
    const counts = faceNames.map((name) => hand?.filter((card) => card === name).length ?? 0);
    const text = hand === null ? "not seen yet" : countText(counts);
    return `   ${i + 1} to the left: ${printable(text)}`;
  });
  const how = advice.verifier
    ? `margin at the end of the ${advice.horizon} (${advice.worlds} samples, ${advice.verifier}); share: ${advice.drafter}`
    : `no margins: ranked by share, which is the ${advice.drafter}'s`;
  return `${lines.join("\n")}\n${paint(how, "dim", style)}\nhands known:\n${known.join("\n")}\n`;
}

export function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== "" && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}
