// What the hands that were held before are worth: agents that see them against agents that do not, and how much of them can
// be read off an agent's last layer (linear probe, after Alain and Bengio 2016).
import type { Interval } from "../../intervals.ts";
import { Random } from "../../random.ts";
import { phase } from "../actions.ts";
import { heuristicAgent } from "../agents/scripted.ts";
import { faceOfKind, kindCount, type TileName } from "../cards.ts";
import { start } from "../deal.ts";
import { evaluate } from "../evaluate.ts";
import { type Checkpoint, networkOf } from "../learning/checkpoint.ts";
import { makeFeatures } from "../learning/features.ts";
import type { Algorithm } from "../learning/learner.ts";
import { networkPlayer, Seer } from "../learning/player.ts";
import { isHandKnown } from "../observe.ts";
import { play } from "../play.ts";
import { makeSetup } from "../setup.ts";
import { actingMask, phaseOf, SushiState } from "../state.ts";
import { explained, nestedBootstrap, ridge } from "./statistics.ts";

export interface MemoryTask {
  readonly name: string;
  readonly menu: readonly TileName[];
  readonly players: number;
}

export interface MemoryRow {
  readonly menu: string;
  readonly players: number;
  readonly algorithm: Algorithm;
  /** Seats of one agent that sees known hands against copies of the one that does not: share of wins above the fair share. */
  readonly gain: number;
  readonly interval: Interval;
  readonly gains: readonly number[];
  /** Win rates against heuristics in the other seats, mean over seeds. */
  readonly againstHeuristic: { readonly with: number; readonly without: number };
  /** R2 of the probe by seats to the left, mean over seeds. */
  readonly probe: { readonly [network: string]: readonly number[] };
}

/** `pairs` are networks with and without known hands, one pair a seed. */
export function compareMemory(
  { name, menu, players }: MemoryTask,
  pairs: readonly { readonly with: Checkpoint; readonly without: Checkpoint }[],
  { games, seed }: { readonly games: number; readonly seed: number },
): MemoryRow {
  const table = { menu, players, games };
  const results = pairs.map((pair, i) => {
    const agents = { with: networkPlayer(pair.with, "with"), without: networkPlayer(pair.without, "without") };
    const deals = { ...table, seed: seed + 100_000 * i };
    const against = (agent: typeof agents.with) => evaluate({ ...deals, agent, opponents: [heuristicAgent] }).winRate;
    const duel = evaluate({ ...deals, agent: agents.with, opponents: [agents.without] });
    return {
      perDeal: duel.perDeal.map((share) => share - 1 / players),
      with: against(agents.with),
      without: against(agents.without),
      probe: probeAll(pair, menu, players, deals.seed),
    };
  });
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const gains = results.map(({ perDeal }) => mean(perDeal));
  const networks = Object.keys(results[0].probe);
  return {
    menu: name,
    players,
    algorithm: pairs[0].with.algorithm,
    gain: mean(gains),
    interval: nestedBootstrap(
      results.map(({ perDeal }) => perDeal),
      seed,
    ),
    gains,
    againstHeuristic: {
      with: mean(results.map((result) => result.with)),
      without: mean(results.map(({ without }) => without)),
    },
    probe: Object.fromEntries(
      networks.map((network) => [
        network,
        Array.from({ length: players - 1 }, (_, q) => mean(results.map(({ probe }) => probe[network][q]))),
      ]),
    ),
  };
}

function probeAll(
  pair: { with: Checkpoint; without: Checkpoint },
  menu: readonly TileName[],
  players: number,
  seed: number,
) {
  const untrained = (checkpoint: Checkpoint): Checkpoint => ({ ...checkpoint, weights: new Float32Array() });
  const networks: { [name: string]: Checkpoint } = {
    "with, trained": pair.with,
    "without, trained": pair.without,
    "with, untrained": untrained(pair.with),
    "without, untrained": untrained(pair.without),
  };
  return Object.fromEntries(
    Object.entries(networks).map(([name, checkpoint]) => [name, probe(checkpoint, menu, players, seed)]),
  );
}

const probeGames = 60;

/** R2 on held-out games of the hands q = 1.. to the left, from the last hidden layer; games are the heuristic's. */
export function probe(checkpoint: Checkpoint, menu: readonly TileName[], players: number, seed: number): number[] {
  const network = networkOf(checkpoint);
  const seer = new Seer(makeFeatures(checkpoint.features));
  const s = new SushiState(makeSetup({ menu, players }));
  const { kinds } = s.setup;
  const sets = Array.from({ length: players - 1 }, () => ({
    train: { rows: [] as Float32Array[], targets: [] as number[][] },
    test: { rows: [] as Float32Array[], targets: [] as number[][] },
  }));
  for (let game = 0; game < probeGames; game++) {
    const random = new Random(seed, 401, game);
    start(s, seed + game);
    while (!s.over) {
      const acting = actingMask(s);
      const p = game % players;
      if (acting & (1 << p) && phaseOf(s, p) === phase.pick && isHandKnown(s, 1)) {
        seer.look(s, p);
        network.run(seer.input);
        const row = Float32Array.from(network.features);
        for (let q = 1; q < players && isHandKnown(s, q); q++) {
          const set = game % 3 === 0 ? sets[q - 1].test : sets[q - 1].train;
          set.rows.push(row);
          set.targets.push(handCounts(s, (p + q) % players, kinds));
        }
      }
      for (let q = 0; q < players; q++) if (acting & (1 << q)) play(s, q, heuristicAgent.choose(s, q, random));
    }
  }
  return sets.map(({ train, test }) => explained(ridge(train.rows, train.targets, 1), test.rows, test.targets));
}

function handCounts(s: SushiState, p: number, kinds: Uint8Array): number[] {
  const base = s.slot(p) * kindCount;
  const counts = new Map<number, number>();
  for (const kind of kinds) counts.set(faceOfKind[kind], (counts.get(faceOfKind[kind]) ?? 0) + s.hands[base + kind]);
  return [...counts.values()];
}
