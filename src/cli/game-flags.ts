import type { Command } from "commander";
import { DraftwrightError } from "../errors.ts";
import {
  type Agent,
  checkedMenu,
  fanPanel,
  greedyAgent,
  heuristicAgent,
  type MenuSpec,
  type NetworkPlayer,
  networkPlayer,
  randomAgent,
  type SearchOptions,
  searchAgent,
  type TileName,
  tileFan,
  tileNames,
} from "../games/index.ts";
import { integer } from "./flags.ts";
import { isNetworkFile, readNetwork, shippedNetwork } from "./game-networks.ts";

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

/** What an agent is made for: the menu as the user named it or as tiles, and the table. */
interface Table {
  readonly menu: MenuSpec;
  readonly players: number;
}

export const agentNames =
  "dqn, search, heuristic, greedy, random, lover:TILE, hater:TILE, a file.sgn or search:file.sgn";

/** See `agentNames`. `dqn` is the network shipped for the menu, `search` searches with it. Throws bad-argument. */
export function agentNamed(name: string, table: Table): Agent {
  const simple = [randomAgent, greedyAgent, heuristicAgent].find((agent) => agent.name === name);
  if (simple) return simple;
  if (isNetworkFile(name)) return name.startsWith("search:") ? searchWith(name.slice(7), table) : playerOf(name, table);
  if (name === "dqn") return playerOf(name, table);
  if (name === "search") return shippedNetwork(table.menu, table.players) ? searchWith("dqn", table) : searchAgent();
  const [, kind, tile] = /^(lover|hater):(.+)$/.exec(name) ?? [];
  if (kind && (tileNames as readonly string[]).includes(tile))
    return tileFan(tile as TileName, kind as "lover" | "hater");
  throw new DraftwrightError(
    "bad-argument",
    `There is no agent "${name}". Use ${agentNames}; tiles: ${tileNames.join(", ")}.`,
  );
}

function playerOf(name: string, { menu, players }: Table): NetworkPlayer {
  const checkpoint = name === "dqn" ? shippedNetwork(menu, players) : readNetwork(name);
  if (checkpoint) return networkPlayer(checkpoint, name);
  throw new DraftwrightError(
    "bad-argument",
    `No network is shipped for this menu. Train one: draftwright game sushi train --menu ${[menu].flat().join(",")} --players ${players} --out mine.sgn; then name it: mine.sgn.`,
  );
}

const searchWith = (name: string, table: Table): Agent =>
  searchAgent(networkSearch(playerOf(name, table)), name === "dqn" ? "search" : `search:${name}`);

/** Who proposes, plays rollouts and judges: the shipped network where there is one, `heuristic`, `dqn` or a file. */
export function adviserNamed(name: string | undefined, table: Table): SearchOptions {
  if (name === "heuristic" || (name === undefined && !shippedNetwork(table.menu, table.players))) return {};
  if (name !== undefined && name !== "dqn" && !isNetworkFile(name)) {
    throw new DraftwrightError("bad-argument", `"${name}" cannot advise. Use dqn, heuristic or a file.sgn.`);
  }
  return networkSearch(playerOf(name ?? "dqn", table));
}

/** The network proposes, plays the rollouts and judges where they end. */
const networkSearch = (player: NetworkPlayer): SearchOptions => ({
  proposer: player,
  rollout: player,
  value: player.value,
});

/** Agents by name; `panel` is a lover and a hater of each tile of the menu. */
export function agentsNamed(names: readonly string[], { menu, players }: GameFlags): Agent[] {
  return names.flatMap((name) =>
    name === "panel" ? fanPanel(checkedMenu(menu, players)) : [agentNamed(name, { menu, players })],
  );
}
