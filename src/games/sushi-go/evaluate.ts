// Agents against each other: every deal is played in all rotations of the seats, so that neither luck nor seat decides.
import { DraftwrightError } from "../../errors.ts";
import { bootstrap, type Interval, wilson } from "../intervals.ts";
import { Random } from "../random.ts";
import type { Agent } from "./agents/agent.ts";
import { start } from "./deal.ts";
import { checkedSeed } from "./environment.ts";
import { play } from "./play.ts";
import { dessertTotal } from "./scoring.ts";
import { makeSetup, type SetupOptions } from "./setup.ts";
import { actingMask, SushiState } from "./state.ts";

/** Sub-stream of a game's seed that agents draw from. */
const agentStream = 101;

/** Plays one game, agent i in seat i; each has a random stream of its own. */
export function playGame(s: SushiState, agents: readonly Agent[], seed: number, randoms: readonly Random[]): void {
  start(s, seed);
  while (!s.over) {
    const acting = actingMask(s);
    for (let p = 0; p < agents.length; p++) {
      if (acting & (1 << p)) play(s, p, agents[p].choose(s, p, randoms[p]));
    }
  }
}

/** 1 for the only winner, shares of it for those equal in score and desserts. [n] */
export function winShares(s: SushiState): number[] {
  const key = Array.from(s.score, (score, p) => score * 100 + dessertTotal(s, p));
  const best = Math.max(...key);
  const winners = key.filter((k) => k === best).length;
  return key.map((k) => (k === best ? 1 / winners : 0));
}

export interface EvaluateOptions extends SetupOptions {
  readonly agent: Agent;
  /** Fill the other seats in turn. */
  readonly opponents: readonly Agent[];
  /** Rounded up to whole deals of n rotations. */
  readonly games: number;
  readonly seed: number;
}

export interface Evaluation {
  readonly games: number;
  /** Fraction; ties count in shares. `lo` and `hi` are Wilson's 95 %; `bootstrap` resamples whole deals. */
  readonly winRate: number;
  readonly lo: number;
  readonly hi: number;
  readonly bootstrap: Interval;
  readonly meanScore: number;
  readonly opponentMeanScore: number;
  /** Shares of every deal, for paired comparisons. */
  readonly perDeal: readonly number[];
}

/** Throws bad-argument for menus, players or counts that do not fit. */
export function evaluate(options: EvaluateOptions): Evaluation {
  const { agent, opponents, games, seed } = options;
  const setup = makeSetup(options);
  const n = setup.players;
  if (opponents.length === 0) throw new DraftwrightError("bad-argument", "Name at least one opponent.");
  if (!Number.isInteger(games) || games < 1) throw new DraftwrightError("bad-argument", "Play at least one game.");
  const s = new SushiState(setup);
  const deals = Math.ceil(games / n);
  const perDeal: number[] = [];
  let score = 0;
  let others = 0;
  for (let deal = 0; deal < deals; deal++) {
    let share = 0;
    for (let seat = 0; seat < n; seat++) {
      const agents = Array.from({ length: n }, (_, p) =>
        p === seat ? agent : opponents[(((p - seat + n) % n) - 1) % opponents.length],
      );
      const gameSeed = checkedSeed(seed) + deal;
      playGame(
        s,
        agents,
        gameSeed,
        agents.map((_, p) => new Random(gameSeed, agentStream, seat, p)),
      );
      share += winShares(s)[seat];
      score += s.score[seat];
      for (let p = 0; p < n; p++) if (p !== seat) others += s.score[p];
    }
    perDeal.push(share / n);
  }
  const played = deals * n;
  const winRate = perDeal.reduce((a, b) => a + b, 0) / deals;
  return {
    games: played,
    winRate,
    ...wilson(winRate * played, played),
    bootstrap: bootstrap(perDeal, seed),
    meanScore: score / played,
    opponentMeanScore: others / (played * (n - 1)),
    perDeal,
  };
}

export interface TournamentRow {
  readonly name: string;
  readonly winRate: number;
  readonly lo: number;
  readonly hi: number;
  /** Win rate against each agent's copies in the other seats, by name; null against itself. */
  readonly against: { readonly [name: string]: number | null };
  readonly meanScore: number;
}

/** Every agent against copies of every other, on the same deals; best first. `games` is per pairing. */
export function tournament(
  agents: readonly Agent[],
  options: Omit<EvaluateOptions, "agent" | "opponents">,
  progress?: (done: number, of: number) => void,
): TournamentRow[] {
  if (new Set(agents.map(({ name }) => name)).size < Math.max(2, agents.length)) {
    throw new DraftwrightError("bad-argument", "A tournament needs two different agents at least, each named once.");
  }
  let done = 0;
  const rows = agents.map((agent): TournamentRow => {
    const results = agents
      .filter((other) => other !== agent)
      .map((other) => {
        const result = evaluate({ ...options, agent, opponents: [other] });
        progress?.(++done, agents.length * (agents.length - 1));
        return { other, ...result };
      });
    const played = results.reduce((sum, { games }) => sum + games, 0);
    const winRate = results.reduce((sum, result) => sum + result.winRate * result.games, 0) / played;
    return {
      name: agent.name,
      winRate,
      ...wilson(winRate * played, played),
      against: Object.fromEntries(
        agents.map((other) => [other.name, results.find((result) => result.other === other)?.winRate ?? null]),
      ),
      meanScore: results.reduce((sum, result) => sum + result.meanScore, 0) / results.length,
    };
  });
  return rows.sort((a, b) => b.winRate - a.winRate);
}
