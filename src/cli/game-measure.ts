import { Command } from "commander";
import {
  type Agent,
  evaluate,
  listActions,
  makeSetup,
  menuProblem,
  play,
  Random,
  SushiState,
  start,
  stockMenus,
  tournament,
} from "../games/index.ts";
import { integer, names } from "./flags.ts";
import { agentNamed, agentNames, agentsNamed, type GameFlags, withGameFlags } from "./game-flags.ts";

interface Flags extends GameFlags {
  games: number;
  json?: boolean;
}

const percent = (share: number) => (100 * share).toFixed(1).padStart(5);

export function sushiSimulateCommand(): Command {
  return withGameFlags(new Command("simulate").description("Random games: how fast, and what they score."), 4)
    .option("--games <n>", "games to play", integer(1), 2000)
    .option("--json", "print one JSON object")
    .action((flags: Flags) => {
      const { games, json } = flags;
      const run = simulate(flags);
      const report = { gamesPerSecond: run.perSecond, meanScores: run.meanScores };
      process.stdout.write(
        json
          ? `${JSON.stringify(report)}\n`
          : `${games} games: ${Math.round(run.perSecond)} a second; mean scores ${run.meanScores.map((x) => x.toFixed(2)).join(", ")}\n`,
      );
    });
}

export function sushiBenchCommand(): Command {
  return new Command("bench")
    .description("Random games a second on every stock menu, beside this machine's speed on a fixed loop.")
    .option("--players <n>", "2 to 8; menus that are not legal are left out", integer(2), 4)
    .option("--games <n>", "games a run; the median of three runs counts", integer(1), 3000)
    .option("--json", "print one JSON object")
    .action(({ players, games, json }: { players: number; games: number; json?: boolean }) => {
      makeSetup({ players });
      const legal = Object.keys(stockMenus).filter((menu) => !menuProblem(stockMenus[menu], players));
      const menus = legal.map((menu) => {
        const runs = [1, 2, 3].map((seed) => simulate({ menu, players, games, seed }));
        const middle = runs.sort((a, b) => a.perCpuSecond - b.perCpuSecond)[1];
        return { menu, gamesPerSecond: middle.perSecond, gamesPerCpuSecond: middle.perCpuSecond };
      });
      const report = { players, games, loopMillionsPerCpuSecond: fixedLoop(), menus };
      if (json) {
        process.stdout.write(`${JSON.stringify(report)}\n`);
        return;
      }
      const lines = menus.map(
        ({ menu, gamesPerSecond, gamesPerCpuSecond }) =>
          `${menu.padEnd(18)}${gamesPerSecond.toFixed(0).padStart(10)}${gamesPerCpuSecond.toFixed(0).padStart(14)}`,
      );
      process.stdout.write(
        [
          `${players} players, random play, one thread; median of three runs of ${games} games`,
          `${"menu".padEnd(18)}${"games/s".padStart(10)}${"games/cpu-s".padStart(14)}`,
          ...lines,
          `fixed loop: ${report.loopMillionsPerCpuSecond.toFixed(0)} million steps a CPU second`,
          "",
        ].join("\n"),
      );
    });
}

export function sushiEvalCommand(): Command {
  return withGameFlags(new Command("eval").description("One agent against others: same deals, all seats."), 2)
    .option("--agent <name>", agentNames, "dqn")
    .option("--vs <names>", "who sits in the other seats; `panel` for all lovers and haters", names, ["random"])
    .option("--games <n>", "rounded up to whole deals", integer(1), 1000)
    .option("--json", "print one JSON object")
    .action((flags: Flags & { agent: string; vs: string[] }) => {
      const opponents = agentsNamed(flags.vs, flags);
      const { perDeal, ...result } = evaluate({ ...flags, agent: agentNamed(flags.agent, flags), opponents });
      if (flags.json) {
        process.stdout.write(
          `${JSON.stringify({ agent: flags.agent, vs: flags.vs, deals: perDeal.length, ...result })}\n`,
        );
        return;
      }
      const { winRate, lo, hi, bootstrap, meanScore, opponentMeanScore, games } = result;
      process.stdout.write(
        `${flags.agent} against ${flags.vs.join(", ")}: wins ${percent(winRate).trim()} % of ${games} games, fair share ${percent(1 / flags.players).trim()} %\n` +
          `  Wilson 95 %     ${percent(lo)} to ${percent(hi)} %\n` +
          `  by whole deals  ${percent(bootstrap.lo)} to ${percent(bootstrap.hi)} %\n` +
          `  mean score      ${meanScore.toFixed(1)} to ${opponentMeanScore.toFixed(1)}\n`,
      );
    });
}

export function sushiTournamentCommand(): Command {
  return withGameFlags(new Command("tournament").description("Every agent against copies of every other."), 2)
    .option("--agents <names>", "who takes part; `panel` for all lovers and haters", names, [
      "random",
      "greedy",
      "heuristic",
    ])
    .option("--games <n>", "games of each pairing, rounded up to whole deals", integer(1), 400)
    .option("--json", "print one JSON object")
    .action((flags: Flags & { agents: string[] }) => {
      const agents: Agent[] = agentsNamed(flags.agents, flags);
      const rows = tournament(agents, flags, (done, of) => {
        if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${done === of ? "" : `pairing ${done} of ${of}`}`);
      });
      if (flags.json) {
        process.stdout.write(
          `${JSON.stringify({ menu: flags.menu, players: flags.players, games: flags.games, rows })}\n`,
        );
        return;
      }
      const width = Math.max(...rows.map(({ name }) => name.length));
      // As many columns as 80 allow; the rest is in --json.
      const columns = rows.slice(0, Math.max(0, Math.floor((80 - width - 32) / 10)));
      const lines = rows.map(({ name, winRate, lo, hi, meanScore, against }) => {
        const cells = columns.map((other) => (against[other.name] === null ? "-" : percent(against[other.name] ?? 0)));
        return `${name.padEnd(width)}  ${percent(winRate)}  ${percent(lo)}-${percent(hi)}  ${meanScore.toFixed(1).padStart(6)}  ${cells.map((cell) => cell.padStart(9)).join(" ")}`;
      });
      const head = columns.map(({ name }) => name.slice(0, 9).padStart(9)).join(" ");
      process.stdout.write(
        `${flags.menu}, ${flags.players} players, ${flags.games} games a pairing; win rates in %, intervals of 95 %\n` +
          `${"".padEnd(width)}  ${"wins".padStart(5)}  ${"interval".padStart(11)}  ${"score".padStart(6)}  ${head}\n${lines.join("\n")}\n`,
      );
    });
}

interface Run {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly meanScores: number[];
}

function simulate({ menu, players, games, seed }: GameFlags & { games: number }): Run {
  const s = new SushiState(makeSetup({ menu, players }));
  const random = new Random(seed, 1);
  const list = new Uint8Array(80);
  const sums = Array<number>(players).fill(0);
  const begin = performance.now();
  const cpu = process.cpuUsage();
  for (let game = 0; game < games; game++) {
    start(s, seed * 1_000_000 + game);
    while (!s.over) {
      for (let p = 0; p < players; p++) {
        const count = listActions(s, p, list);
        if (count > 0) play(s, p, list[random.below(count)]);
      }
    }
    for (let p = 0; p < players; p++) sums[p] += s.score[p];
  }
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: (games / (performance.now() - begin)) * 1000,
    perCpuSecond: (games / Math.max(1, user + system)) * 1e6,
    meanScores: sums.map((sum) => sum / games),
  };
}

/** Millions of steps of a multiply-add chain in a second of CPU time: how fast this machine is just now. */
function fixedLoop(): number {
  const steps = 5e7;
  const speeds = [1, 2, 3].map(() => {
    const cpu = process.cpuUsage();
    let x = 1;
    for (let i = 0; i < steps; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
    const { user, system } = process.cpuUsage(cpu);
    return x === 0 ? 0 : steps / Math.max(1, user + system);
  });
  return speeds.sort((a, b) => a - b)[1];
}
