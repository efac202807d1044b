// Specialists on each other's menus: a table of networks trained on one menu each against all of the menus.
import type { Interval } from "../../intervals.ts";
import { type Agent, randomAgent } from "../agents/agent.ts";
import { greedyAgent, heuristicAgent } from "../agents/scripted.ts";
import type { TileName } from "../cards.ts";
import { evaluate } from "../evaluate.ts";
import type { Checkpoint } from "../learning/checkpoint.ts";
import { networkPlayer } from "../learning/player.ts";
import { menuDistance } from "./generalisation.ts";
import { bootstrapOf, spearman } from "./statistics.ts";

export interface Specialist {
  readonly name: string;
  /** What it was trained on; its network needs inputs for all menus of the table. */
  readonly menu: readonly TileName[];
  readonly checkpoint: Checkpoint;
}

/** Row i: the network trained on menu i. Column j: played on menu j, the same deals for every row. */
export interface Transfer {
  readonly menus: readonly string[];
  readonly distance: readonly (readonly number[])[];
  /** In one seat against copies of greedy, heuristic and random in turn. */
  readonly winRate: readonly (readonly number[])[];
  readonly random: readonly number[];
  /** (network - random) / (specialist of the column - random): 0 plays like random, 1 like the specialist. */
  readonly score: readonly (readonly number[])[];
  /** Win rate that is lost for not having trained on the menu, mean over the cells off the diagonal. */
  readonly regret: number;
  /** Spearman's rho of distance and score off the diagonal; the interval resamples networks. */
  readonly rho: number;
  readonly rhoInterval: Interval;
}

export interface TransferOptions {
  readonly games: number;
  readonly seed: number;
  readonly progress?: (done: number, of: number) => void;
}

export function transfer(specialists: readonly Specialist[], { games, seed, progress }: TransferOptions): Transfer {
  const { players } = specialists[0].checkpoint.features;
  const opponents = [greedyAgent, heuristicAgent, randomAgent];
  const rate = (agent: Agent, j: number) =>
    evaluate({ agent, opponents, players, menu: specialists[j].menu, games, seed: seed + 10_000 * j }).winRate;
  const columns = specialists.map((_, j) => j);
  const winRate = specialists.map(({ checkpoint }, i) => {
    const network = networkPlayer(checkpoint);
    progress?.(i + 1, specialists.length);
    return columns.map((j) => rate(network, j));
  });
  const random = columns.map((j) => rate(randomAgent, j));
  // A specialist that is no better than random makes no scale: the gap is then taken as 0.05.
  const score = winRate.map((row) =>
    row.map((own, j) => (own - random[j]) / Math.max(0.05, winRate[j][j] - random[j])),
  );
  const distance = specialists.map(({ menu }) => specialists.map((other) => menuDistance(menu, other.menu)));
  const away = (i: number) =>
    columns
      .filter((j) => j !== i)
      .map((j) => ({ distance: distance[i][j], score: score[i][j], regret: winRate[j][j] - winRate[i][j] }));
  const rows = columns.map(away);
  const rho = (sample: readonly (typeof rows)[number][]) => {
    const cells = sample.flat();
    return spearman(
      cells.map((cell) => cell.distance),
      cells.map((cell) => cell.score),
    );
  };
  const cells = rows.flat();
  return {
    menus: specialists.map(({ name }) => name),
    distance,
    winRate,
    random,
    score,
    regret: cells.reduce((sum, { regret }) => sum + regret, 0) / cells.length,
    rho: rho(rows),
    rhoInterval: bootstrapOf(rows, rho, seed),
  };
}
