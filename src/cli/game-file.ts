// Files of games: saved ones, and tables written by people as JSON or as lines `hand: squid, 2x tempura`.
import { DraftwrightError } from "../errors.ts";
import { replaceFile } from "../files.ts";
import { splitCards, type Table, type Transcript } from "../games/index.ts";

export interface SavedGame extends Transcript {
  readonly game: "sushi-go-party";
  /** Agents in the seats 1.. ; you have seat 0. */
  readonly opponents: readonly string[];
}

export function saveGame(path: string, saved: SavedGame): void {
  replaceFile(path, `${JSON.stringify(saved)}\n`);
}

export const isSavedGame = (value: object): value is SavedGame => "game" in value && "moves" in value;

/** Throws bad-argument for text that is neither. */
export function parseState(text: string): SavedGame | Table {
  if (!text.trimStart().startsWith("{")) return parseLines(text);
  let value: SavedGame | Table;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `The state is no JSON: ${(cause as Error).message}.`, { cause });
  }
  if (isSavedGame(value)) {
    if (value.game === "sushi-go-party" && Array.isArray(value.moves)) return value;
    throw new DraftwrightError("bad-argument", "This is no saved game of Sushi Go Party!.");
  }
  return value;
}

const example =
  "menu: my-first-meal\nplayers: 2\nhand: squid, 2x tempura, tea\ntray: wasabi\ntray: sashimi\nknown: egg, 3x miso";

/** Lines `tray`, `known` and `fridge` may come once a seat, yours first (`known`: the left neighbour's first). */
function parseLines(text: string): Table {
  const table: { [key: string]: unknown } = { players: 2, trays: [], known: [], fridges: [] };
  const seats: { [key: string]: string } = { tray: "trays", known: "known", fridge: "fridges" };
  for (const line of text.split("\n")) {
    const [, key, value] = /^\s*([A-Za-z]+)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
    if (line.trim() === "" || line.trim().startsWith("#")) continue;
    if (key === undefined) {
      throw new DraftwrightError("bad-argument", `"${line.trim()}" is no line of a table. An example:\n${example}`);
    }
    if (seats[key]) {
      const hidden = key === "known" && /^(\?|unknown)?$/.test(value);
      (table[seats[key]] as unknown[]).push(hidden ? null : splitCards(value));
    } else if (key === "hand" || key === "discard") table[key] = splitCards(value);
    else if (key === "scores") table[key] = value.split(",").map(Number);
    else if (key === "menu") table[key] = value;
    else {
      table[key] = Number(value);
      if (Number.isNaN(table[key])) throw new DraftwrightError("bad-argument", `"${line.trim()}" needs a number.`);
    }
  }
  if (table.menu === undefined || table.hand === undefined) {
    throw new DraftwrightError("bad-argument", `A table needs the lines menu and hand. An example:\n${example}`);
  }
  return table as unknown as Table;
}
