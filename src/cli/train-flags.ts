import type { Command } from "commander";
import { DraftwrightError } from "../errors.ts";
import {
  followParent,
  isTrainingChild,
  type LoopOptions,
  reporter,
  superviseChild,
  type TrainingResult,
} from "../training/index.ts";
import { decimal, integer } from "./flags.ts";
import { interruptible } from "./interrupt.ts";

// The flags that all kinds of training share, and the child process they run in.

export interface LoopFlags {
  out: string;
  minutes?: number;
  maxTokens?: number;
  steps?: number;
  rate: number;
  accumulate: number;
  patience?: number;
  resume?: boolean;
  saveEvery: number;
  jsonLog?: string;
  seed: number;
  threads?: number;
  json?: boolean;
}

export function withLoopFlags(command: Command, rate: number): Command {
  return command
    .requiredOption("--out <file>", "what is trained; the state of the run lies beside it in FILE.state")
    .option("--minutes <n>", "budget of time worked: what other programs took is not counted", decimal)
    .option("--max-tokens <n>", "budget of tokens learned", integer(1))
    .option("--steps <n>", "budget of updates", integer(1))
    .option("--rate <x>", "highest learning rate", decimal, rate)
    .option("--accumulate <n>", "batches an update", integer(1), 1)
    .option("--patience <n>", "stop after so many evaluations (one every 5 %) without a better one", integer(1))
    .option("--resume", "go on from FILE.state")
    .option("--save-every <seconds>", "how much a killed run may lose", decimal, 20)
    .option("--json-log <file>", "append what happens, one JSON object a line")
    .option("--seed <n>", "equal seeds train alike", integer(0), 0)
    .option("--threads <n>", "compute threads", integer(1))
    .option("--json", "print one JSON object at the end");
}

/** Runs training in a child process: here only the child gets to `work`. */
export async function inChild(flags: LoopFlags, work: (loop: LoopOptions) => Promise<TrainingResult>): Promise<void> {
  if (!isTrainingChild()) {
    process.exitCode = await superviseChild();
    return;
  }
  followParent();
  const { out, minutes, maxTokens: tokens, steps, rate, accumulate, patience, resume, saveEvery: saveSeconds } = flags;
  const budget = { seconds: minutes === undefined ? undefined : 60 * minutes, tokens, steps };
  const onEvent = reporter(process.stderr, flags.jsonLog);
  const result = await interruptible((signal) =>
    work({ out, budget, rate, accumulate, patience, resume, saveSeconds, signal, onEvent }),
  );
  if (flags.json) process.stdout.write(`${JSON.stringify({ out, ...result })}\n`);
  if (result.reason === "interrupted") throw new DraftwrightError("aborted", "interrupted");
}
