import { existsSync, readFileSync } from "node:fs";
import { Command, Option } from "commander";
import { DraftwrightError } from "../errors.ts";
import { replaceFile } from "../files.ts";
import {
  type Algorithm,
  algorithms,
  checkedMenu,
  encodeCheckpoint,
  runTraining,
  Trainer,
  type TrainOptions,
} from "../games/index.ts";
import { exitCode } from "./errors.ts";
import { decimal, integer } from "./flags.ts";
import { checkOutput } from "./game-file.ts";
import { interruptible } from "./interrupt.ts";
import { styleOf } from "./terminal.ts";

interface Flags {
  algorithm: Algorithm;
  menu: string;
  players: number;
  seed: number;
  minutes?: number;
  games?: number;
  hidden: number[];
  knownHands: boolean;
  out: string;
  resume?: boolean;
  json?: boolean;
}

export function sushiTrainCommand(): Command {
  return new Command("train")
    .description("Trains a network by playing against itself, its past selves and scripts.")
    .addOption(
      new Option("--algorithm <name>", "Double DQN, Deep Monte Carlo, or masked PPO")
        .choices(algorithms)
        .default("dqn"),
    )
    .option(
      "--menu <names>",
      "a stock menu, or seven tiles with commas between; several with + between",
      "my-first-meal",
    )
    .option("--players <n>", "2 to 8", integer(2), 2)
    .option("--minutes <t>", "minutes of CPU time of one core (default: 2, unless --games)", decimal)
    .option("--games <n>", "stop after so many games; equal seeds then give equal networks", integer(1))
    .option(
      "--hidden <widths>",
      "units of the hidden layers",
      (text: string) => text.split(",").map(integer(1)),
      [96, 64],
    )
    .option("--no-known-hands", "hide from the network the hands that it held before")
    .option("--seed <n>", "of weights, deals and exploration", integer(0), 1)
    .requiredOption("--out <file>", "the network (.sgn); FILE.resume beside it holds all that is needed to go on")
    .option("--resume", "go on with FILE.resume, if there is one")
    .option("--json", "print one JSON object")
    .action(train);
}

async function train(flags: Flags, command: Command): Promise<void> {
  const { out, json } = flags;
  if (!out.endsWith(".sgn")) throw new DraftwrightError("bad-argument", `Networks are files named .sgn, not ${out}.`);
  checkOutput(out);
  const saved = `${out}.resume`;
  const trainer =
    flags.resume && existsSync(saved) ? restored(saved, flags, command) : new Trainer(trainOptions(flags));
  const save = () => {
    replaceFile(out, encodeCheckpoint(trainer.checkpoint()));
    replaceFile(saved, trainer.save());
  };
  const { isTTY } = styleOf(process.stderr);
  const finished = await interruptible((signal) =>
    runTraining(trainer, {
      signal,
      progress: () => {
        if (isTTY) process.stderr.write(`\r\u001b[K${progressText(trainer)}`);
      },
      evaluated: () => {
        process.stderr.write(`${isTTY ? "\r\u001b[K" : ""}${progressText(trainer)}\n`);
        save();
      },
    }),
  );
  if (isTTY) process.stderr.write("\r\u001b[K");
  save();
  if (!finished) process.exitCode = exitCode.interrupted;
  const { games, steps, updates, cpuSeconds, best } = trainer;
  const report = { out, finished, games, steps, updates, cpuSeconds, best };
  process.stdout.write(
    json
      ? `${JSON.stringify(report)}\n`
      : `${out}: ${progressText(trainer)}${finished ? "" : "; --resume goes on from here"}\n`,
  );
}

function trainOptions({ menu, minutes, games, hidden, ...flags }: Flags): TrainOptions {
  const menus = menu.split("+").map((name) => checkedMenu(name, flags.players));
  const { algorithm, players, knownHands, seed } = flags;
  return { algorithm, players, menus, knownHands, seed, hidden, games, minutes: minutes ?? (games ? undefined : 2) };
}

/** Options given again must be those of the training: they cannot change on the way. */
function restored(saved: string, flags: Flags, command: Command): Trainer {
  const trainer = Trainer.restore(readFileSync(saved));
  const asked = trainOptions(flags);
  const differs = (Object.keys(asked) as (keyof TrainOptions)[]).find(
    (name) =>
      command.getOptionValueSource(name === "menus" ? "menu" : name) === "cli" &&
      JSON.stringify(asked[name]) !== JSON.stringify(trainer.options[name]),
  );
  if (differs === undefined) return trainer;
  throw new DraftwrightError(
    "bad-argument",
    `${saved} was begun with ${differs} ${JSON.stringify(trainer.options[differs]) ?? "unset"}. Leave that option out to go on, or name another --out.`,
  );
}

function progressText({ done, games, updates, best }: Trainer): string {
  const wins = Object.entries(best?.against ?? {}).map(([name, rate]) => `${name} ${(100 * rate).toFixed(1)} %`);
  const score = wins.length > 0 ? `; best so far wins against ${wins.join(", ")}` : "";
  return `${Math.floor(100 * done)} %, ${games} games, ${updates} steps${score}`;
}
