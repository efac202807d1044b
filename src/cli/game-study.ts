// The three studies: trains what they need, keeps it beside the report, and writes numbers and a page with plots.
import { existsSync } from "node:fs";
import { Command, Option } from "commander";
import { DraftwrightError } from "../errors.ts";
import { replaceFile } from "../files.ts";
import {
  type Algorithm,
  algorithms,
  checkedMenu,
  compareMemory,
  encodeCheckpoint,
  generalise,
  interpret,
  menuProblem,
  type NetworkCheckpoint,
  networkPlayer,
  runTraining,
  type Specialist,
  splitCards,
  stockMenus,
  Trainer,
  type TrainOptions,
  transfer,
} from "../games/index.ts";
import { decimal, integer, names, readInput } from "./flags.ts";
import { checkOutput } from "./game-file.ts";
import { readNetwork, shippedNetwork } from "./game-networks.ts";
import { generalisationPage, interpretationPage, memoryPage } from "./game-report.ts";
import { interruptible } from "./interrupt.ts";
import { styleOf } from "./terminal.ts";

interface CommonFlags {
  minutes: number;
  games: number;
  seed: number;
  out: string;
  json?: boolean;
}

const withCommonFlags = (command: Command, minutes: number, games: number) =>
  command
    .option("--minutes <t>", "minutes of CPU time for each network that is trained", decimal, minutes)
    .option("--games <n>", "games of each comparison", integer(1), games)
    .option("--seed <n>", "equal seeds give equal deals", integer(0), 1)
    .requiredOption("--out <file.html>", "the page; numbers as FILE.json and the networks lie beside it")
    .option("--json", "print the numbers as one JSON object");

export function sushiStudyCommand(): Command {
  const study = new Command("study").description("Memory, generalisation, interpretation: a page with plots each.");
  withCommonFlags(
    study.command("memory").description("agents that see the hands they held before against agents that do not"),
    0.5,
    400,
  )
    .addOption(new Option("--algorithms <names>", "who learns").argParser(names).default(["dqn"]))
    .option(
      "--menus <names>",
      "stock menus; two players where they are legal for two, otherwise four",
      names,
      Object.keys(stockMenus),
    )
    .option("--seeds <n>", "pairs of networks a menu", integer(1), 5)
    .action(memory);
  withCommonFlags(
    study.command("generalisation").description("a network on menus it was not trained on, by their distance"),
    2,
    200,
  )
    .option("--train-menus <names>", "stock menus to train on", names, ["my-first-meal"])
    .option("--players <n>", "3 to 6: all stock menus are legal then", integer(3), 4)
    .option("--per-distance <n>", "menus of each distance", integer(1), 8)
    .option("--no-table", "leave out the table of eight networks, trained on one stock menu each, on all eight")
    .action(generalisation);
  withCommonFlags(
    study.command("interpretation").description("rules and preferences fitted to an agent's picks"),
    2,
    200,
  )
    .option("--agent <file.sgn>", "whose picks (default: the shipped network)")
    .option("--menu <name>", "a stock menu", "my-first-meal")
    .option("--players <n>", "2 to 8", integer(2), 2)
    .option("--ranking <file>", "a person's ranking to compare with: cards, best first, with commas or one a line")
    .action(interpretation);
  return study;
}

const note = (text: string) => {
  if (styleOf(process.stderr).isTTY) process.stderr.write(`\r\u001b[K${text}`);
};

/** Networks are used again only by studies that would train the same. */
const trainingName = (minutes: number, seed: number) => `${minutes}min.seed${seed}`;

const beside = (out: string, name: string) => `${out.replace(/\.html$/, "")}.${name}`;

function finish(flags: CommonFlags, numbers: object, page: string): void {
  note("");
  replaceFile(beside(flags.out, "json"), `${JSON.stringify(numbers, null, 1)}\n`);
  replaceFile(flags.out, page);
  process.stdout.write(flags.json ? `${JSON.stringify(numbers)}\n` : `Written: ${flags.out}\n`);
}

/** The network of that name beside the report, trained now if it is not there. */
async function trained(path: string, options: TrainOptions, signal: AbortSignal): Promise<NetworkCheckpoint> {
  if (existsSync(path)) return readNetwork(path);
  const trainer = new Trainer(options);
  const finished = await runTraining(trainer, {
    signal,
    progress: ({ done, games }) => note(`${path}: ${Math.floor(100 * done)} %, ${games} games`),
  });
  if (!finished)
    throw new DraftwrightError("aborted", "Interrupted; the networks that are finished will be used again.");
  const checkpoint = trainer.checkpoint();
  replaceFile(path, encodeCheckpoint(checkpoint));
  return checkpoint;
}

interface MemoryFlags extends CommonFlags {
  algorithms: string[];
  menus: string[];
  seeds: number;
}

async function memory(flags: MemoryFlags): Promise<void> {
  checkOutput(flags.out);
  const unknown = flags.algorithms.find((name) => !(algorithms as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new DraftwrightError("bad-argument", `There is no algorithm "${unknown}". Use ${algorithms.join(", ")}.`);
  }
  const { seed, minutes, games } = flags;
  const rows = await interruptible(async (signal) => {
    const found = [];
    for (const algorithm of flags.algorithms as Algorithm[]) {
      for (const name of flags.menus) {
        const players = menuProblem(checkedMenu(name, 4), 2) === undefined ? 2 : 4;
        const menu = checkedMenu(name, players);
        const pairs = [];
        for (let i = 0; i < flags.seeds; i++) {
          const train = (knownHands: boolean) => {
            const file = `${algorithm}.${name}.${trainingName(minutes, seed + i)}.${knownHands ? "with" : "without"}.sgn`;
            const options = { algorithm, menus: [menu], players, knownHands, seed: seed + i, minutes };
            return trained(beside(flags.out, file), { ...options, evaluations: 4 }, signal);
          };
          pairs.push({ with: await train(true), without: await train(false) });
        }
        note(`${name}: ${games} games of each pair`);
        found.push(compareMemory({ name, menu, players }, pairs, { games, seed: seed + 1_000_000 }));
      }
    }
    return found;
  });
  const numbers = { minutes, games, seeds: flags.seeds, rows };
  finish(flags, numbers, memoryPage(numbers));
}

interface GeneralisationFlags extends CommonFlags {
  trainMenus: string[];
  players: number;
  perDistance: number;
  table: boolean;
}

async function generalisation(flags: GeneralisationFlags): Promise<void> {
  checkOutput(flags.out);
  const { players, seed, minutes, games, trainMenus } = flags;
  const menus = Object.values(stockMenus).map((menu) => checkedMenu(menu, players));
  const trainedOn = trainMenus.map((name) => checkedMenu(name, players));
  const numbers = await interruptible(async (signal) => {
    const train = (names: readonly string[]) => {
      const file = beside(flags.out, `dqn.${names.join("+")}.${players}p.${trainingName(minutes, seed)}.sgn`);
      const playMenus = names.map((name) => checkedMenu(name, players));
      const options = { algorithm: "dqn", menus, playMenus, players, knownHands: true, seed, minutes } as const;
      return trained(file, options, signal);
    };
    const result = generalise(await train(trainMenus), {
      trainedOn,
      menusPerDistance: flags.perDistance,
      games,
      seed: seed + 1_000_000,
      progress: (done, of) => note(`${done} of ${of} menus`),
    });
    const specialists: Specialist[] = [];
    for (const [i, name] of (flags.table ? Object.keys(stockMenus) : []).entries()) {
      specialists.push({ name, menu: menus[i], checkpoint: await train([name]) });
    }
    const progress = (done: number, of: number) => note(`network ${done} of ${of} on all menus`);
    const table = flags.table && transfer(specialists, { games, seed: seed + 2_000_000, progress });
    return { trainedOn: trainMenus, players, minutes, games, ...result, ...(table && { transfer: table }) };
  });
  finish(flags, numbers, generalisationPage(numbers));
}

interface InterpretationFlags extends CommonFlags {
  agent?: string;
  menu: string;
  players: number;
  ranking?: string;
}

async function interpretation(flags: InterpretationFlags): Promise<void> {
  checkOutput(flags.out);
  const { players, seed, games } = flags;
  const menu = checkedMenu(flags.menu, players);
  const checkpoint = flags.agent === undefined ? shippedNetwork(menu, players) : readNetwork(flags.agent);
  if (!checkpoint) {
    throw new DraftwrightError("bad-argument", "No network is shipped for this menu; name one with --agent FILE.sgn.");
  }
  const ranking =
    flags.ranking === undefined ? undefined : splitCards(readInput(flags.ranking).trim().replaceAll("\n", ","));
  const agent = networkPlayer(checkpoint, flags.agent ?? "dqn");
  const result = interpret(agent, { menu, players, games, seed: seed + 2_000_000 }, ranking);
  const numbers = { menu: flags.menu, players, games, agent: flags.agent ?? "the shipped network", ...result };
  finish(flags, numbers, interpretationPage(numbers));
}
