// How a network trained on some menus plays others, by the number of tiles in which they differ.
import type { Interval } from "../../intervals.ts";
import { Random } from "../../random.ts";
import { type Agent, randomAgent } from "../agents/agent.ts";
import { greedyAgent, heuristicAgent } from "../agents/scripted.ts";
import type { TileName } from "../cards.ts";
import { evaluate } from "../evaluate.ts";
import type { Checkpoint } from "../learning/checkpoint.ts";
import { networkPlayer } from "../learning/player.ts";
import { legalMenus } from "../menus.ts";
import { bootstrapOf, spearman } from "./statistics.ts";

/** Tiles of a that b lacks, 0..7; nigiri is on every menu. */
export const menuDistance = (a: readonly TileName[], b: readonly TileName[]): number =>
  a.filter((name) => !b.includes(name)).length;

export interface MenuResult {
  readonly menu: readonly TileName[];
  /** To the nearest menu that was trained on. */
  readonly distance: number;
  /** Win rates in one seat against copies of greedy, heuristic and random in turn. */
  readonly network: number;
  readonly random: number;
  readonly heuristic: number;
  /** (network - random) / (heuristic - random): 0 plays like random, 1 like the heuristic. */
  readonly score: number;
}

export interface Generalisation {
  readonly menus: readonly MenuResult[];
  readonly byDistance: readonly {
    readonly distance: number;
    readonly menus: number;
    readonly network: number;
    readonly score: number;
    readonly interval: Interval;
  }[];
  /** Spearman's rho of distance with the win rate and with the score; intervals resample menus. */
  readonly rho: {
    readonly winRate: number;
    readonly winRateInterval: Interval;
    readonly score: number;
    readonly scoreInterval: Interval;
  };
}

export interface GeneralisationOptions {
  readonly trainedOn: readonly (readonly TileName[])[];
  readonly menusPerDistance: number;
  /** Games of each agent on each menu. */
  readonly games: number;
  readonly seed: number;
  readonly progress?: (done: number, of: number) => void;
}

export function generalise(checkpoint: Checkpoint, options: GeneralisationOptions): Generalisation {
  const { players } = checkpoint.features;
  const { games, seed } = options;
  const network = networkPlayer(checkpoint);
  const chosen = sampleMenus(players, options);
  const menus = chosen.map(({ menu, distance }, i): MenuResult => {
    const rate = (agent: Agent) =>
      evaluate({
        agent,
        opponents: [greedyAgent, heuristicAgent, randomAgent],
        players,
        menu,
        games,
        seed: seed + 10_000 * i,
      }).winRate;
    const [own, random, heuristic] = [rate(network), rate(randomAgent), rate(heuristicAgent)];
    options.progress?.(i + 1, chosen.length);
    // Where the heuristic is no better than random there is no scale; such menus are rare and say so with a gap of 0.05.
    const score = (own - random) / Math.max(0.05, heuristic - random);
    return { menu, distance, network: own, random, heuristic, score };
  });
  const mean = (list: readonly MenuResult[], key: "network" | "score") =>
    list.reduce((sum, result) => sum + result[key], 0) / list.length;
  const rho = (key: "network" | "score") => (sample: readonly MenuResult[]) =>
    spearman(
      sample.map(({ distance }) => distance),
      sample.map((result) => result[key]),
    );
  const distances = [...new Set(menus.map(({ distance }) => distance))].sort((a, b) => a - b);
  return {
    menus,
    byDistance: distances.map((distance) => {
      const group = menus.filter((result) => result.distance === distance);
      return {
        distance,
        menus: group.length,
        network: mean(group, "network"),
        score: mean(group, "score"),
        interval: bootstrapOf(group, (sample) => mean(sample, "score"), seed),
      };
    }),
    rho: {
      winRate: rho("network")(menus),
      winRateInterval: bootstrapOf(menus, rho("network"), seed),
      score: rho("score")(menus),
      scoreInterval: bootstrapOf(menus, rho("score"), seed),
    },
  };
}

/** The menus trained on (distance 0), and so many others of each distance to the nearest of them as there are. */
function sampleMenus(players: number, { trainedOn, menusPerDistance, seed }: GeneralisationOptions) {
  const random = new Random(seed, 501);
  const distanceTo = (menu: readonly TileName[]) => Math.min(...trainedOn.map((known) => menuDistance(menu, known)));
  const all = legalMenus(players).map((menu) => ({ menu: menu as readonly TileName[], distance: distanceTo(menu) }));
  return Array.from({ length: 8 }, (_, distance) => {
    const group = all.filter((entry) => entry.distance === distance);
    const count = Math.min(group.length, distance === 0 ? trainedOn.length : menusPerDistance);
    return Array.from({ length: count }, () => group.splice(random.below(group.length), 1)[0]);
  }).flat();
}
