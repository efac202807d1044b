import type { Command } from "commander";
import { DraftwrightError } from "../errors.ts";
import {
  type Agent,
  checkedMenu,
  fanPanel,
  greedyAgent,
  heuristicAgent,
  randomAgent,
  searchAgent,
  type TileName,
  tileFan,
  tileNames,
} from "../games/index.ts";
import { integer } from "./flags.ts";

export interface GameFlags {
  menu: string;
  players: number;
  seed: number;
}

export function withGameFlags(command: Command, players: number): Command {
  return command
    .option("--menu <name>", "a stock menu such as my-first-meal, or seven tiles with commas between", "my-first-meal")
    .option("--players <n>", "2 to 8", integer(2), players)
    .option("--seed <n>", "equal seeds give equal deals", integer(0), 1);
}

/** random, greedy, heuristic, search, lover:TILE, hater:TILE. */
export function agentNamed(name: string): Agent {
  const simple = [randomAgent, greedyAgent, heuristicAgent].find((agent) => agent.name === name);
  if (simple) return simple;
  if (name === "search") return searchAgent();
  const [, kind, tile] = /^(lover|hater):(.+)$/.exec(name) ?? [];
  if (kind && (tileNames as readonly string[]).includes(tile))
    return tileFan(tile as TileName, kind as "lover" | "hater");
  throw new DraftwrightError(
    "bad-argument",
    `There is no agent "${name}". Use random, greedy, heuristic, search, lover:TILE or hater:TILE; tiles: ${tileNames.join(", ")}.`,
  );
}

/** Agents by name; `panel` is a lover and a hater of each tile of the menu. */
export function agentsNamed(names: readonly string[], { menu, players }: GameFlags): Agent[] {
  return names.flatMap((name) => (name === "panel" ? fanPanel(checkedMenu(menu, players)) : [agentNamed(name)]));
}
