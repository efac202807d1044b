// A table as lines of text, the way a person writes it down.
import { DraftwrightError } from "../../errors.ts";
import { splitCards } from "./names.ts";
import type { Table } from "./table.ts";

const lists: { readonly [key: string]: string } = { tray: "trays", known: "known", fridge: "fridges" };
const single = ["menu", "players", "round", "hand", "scores", "discard", "uramakiPlaces"] as const;
const keys = [...single, ...Object.keys(lists)];

/** Lines such as `hand: squid, 2x tempura`; `tray`, `known` and `fridge` may come once a seat, yours first (`known`: the left neighbour's first). Throws bad-argument. */
export function tableOfText(text: string): Table {
  const table: { [key: string]: unknown } = {};
  for (const line of text.split("\n").map((part) => part.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const [, word, value] = /^([A-Za-z]+)\s*:\s*(.*)$/.exec(line) ?? [];
    const key = keys.find((name) => name.toLowerCase() === word?.toLowerCase());
    if (key === undefined) {
      throw refusal(`"${line}" is no line of a table. Lines begin with ${keys.join(", ")} and a colon. ${seeDocs}`);
    }
    const list = lists[key];
    if (list !== undefined) {
      const hidden = key === "known" && /^(\?|unknown)?$/.test(value);
      table[list] = [...((table[list] as unknown[]) ?? []), hidden ? null : splitCards(value)];
    } else if (key in table) throw refusal(`There are two lines "${key}". Leave one.`);
    else table[key] = valueIn(key, value, line);
  }
  if (table.menu === undefined || table.hand === undefined) {
    throw refusal(`A table needs the lines menu and hand, such as "hand: squid, 2x tempura, tea". ${seeDocs}`);
  }
  return { players: 2, ...table } as unknown as Table;
}

function valueIn(key: string, value: string, line: string): unknown {
  if (key === "hand" || key === "discard") return splitCards(value);
  if (key === "menu") return value;
  const numbers = value.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (numbers.some(Number.isNaN))
    throw refusal(`"${line}" needs a number${key === "scores" ? " for each player" : ""}.`);
  return key === "scores" ? numbers : numbers[0];
}

const refusal = (message: string) => new DraftwrightError("bad-argument", message);
const seeDocs = 'docs/games.md shows one under "Tables for advice".';
