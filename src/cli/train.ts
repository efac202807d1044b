import { Command } from "commander";
import { modelStore } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";
import { resolveModel } from "../lm/store/index.ts";
import { loraDefaults, mergeLora } from "../lm/training/index.ts";
import {
  isTrainingChild,
  type LoopOptions,
  reporter,
  superviseChild,
  type TrainingResult,
  trainLora,
} from "../training/index.ts";
import { decimal, integer, names } from "./flags.ts";
import { interruptible } from "./interrupt.ts";

export interface LoopFlags {
  out: string;
  minutes?: number;
  maxTokens?: number;
  steps?: number;
  rate: number;
  accumulate: number;
  patience?: number;
  resume?: boolean;
  jsonLog?: string;
  seed: number;
  threads?: number;
  json?: boolean;
}

export function withLoopFlags(command: Command, rate: number): Command {
  return command
    .requiredOption("--out <file>", "what is trained; the state of the run lies beside it in FILE.state")
    .option("--minutes <n>", "budget of time", decimal)
    .option("--max-tokens <n>", "budget of tokens learned", integer(1))
    .option("--steps <n>", "budget of updates", integer(1))
    .option("--rate <x>", "highest learning rate", decimal, rate)
    .option("--accumulate <n>", "batches an update", integer(1), 1)
    .option("--patience <n>", "stop after so many evaluations (one every 5 %) without a better one", integer(1))
    .option("--resume", "go on from FILE.state")
    .option("--json-log <file>", "append what happens, one JSON object a line")
    .option("--seed <n>", "equal seeds train alike", integer(0), 0)
    .option("--threads <n>", "compute threads", integer(1))
    .option("--json", "print one JSON object at the end");
}

/** Runs training in a child process: here only the child gets to `work`. */
export async function inChild(
  flags: LoopFlags,
  work: (loop: LoopOptions) => Promise<TrainingResult>,
): Promise<void> {
  if (!isTrainingChild()) {
    process.exitCode = await superviseChild();
    return;
  }
  const { out, minutes, maxTokens: tokens, steps, rate, accumulate, patience, resume } = flags;
  const budget = { seconds: minutes === undefined ? undefined : 60 * minutes, tokens, steps };
  const onEvent = reporter(process.stderr, flags.jsonLog);
  const result = await interruptible((signal) =>
    work({ out, budget, rate, accumulate, patience, resume, signal, onEvent }),
  );
  if (flags.json) process.stdout.write(`${JSON.stringify({ out, ...result })}\n`);
  if (result.reason === "interrupted") throw new DraftwrightError("aborted", "interrupted");
}

interface LoraFlags extends LoopFlags {
  model: string;
  data: string[];
  rank: number;
  alpha: number;
  targets: string[];
  context: number;
  texts: number;
}

export function trainCommand(): Command {
  const command = new Command("train").description("Train adapters and drafters; Ctrl-C saves, --resume goes on.");
  const lora = command
    .command("lora")
    .description("an adapter for your texts, for this program and llama.cpp; the model itself stays as it is")
    .option("-m, --model <name>", "a GGUF file or a name from `draftwright models list`", "embedded")
    .requiredOption("--data <files>", 'JSON lines with "text", "prompt" and "completion" or "messages"; or text', names)
    .option("--rank <n>", "rank of the adapter", integer(1), loraDefaults.rank)
    .option("--alpha <x>", "its strength: alpha / rank", decimal, loraDefaults.alpha)
    .option("--targets <roles>", "matrices it is added to", names, loraDefaults.targets)
    .option("--context <n>", "tokens of a text", integer(8), 128)
    .option("--texts <n>", "texts of a batch", integer(1), 4);
  withLoopFlags(lora, 2e-3).action((flags: LoraFlags) =>
    inChild(flags, async (loop) => {
      const { data, rank, alpha, targets, context: rows, texts, seed, threads } = flags;
      const model = await resolveModel(flags.model, modelStore());
      return trainLora({ ...loop, model, data, lora: { rank, alpha, targets }, rows, texts, seed, threads });
    }),
  );
  command
    .command("merge <model> <adapter>")
    .description("a model with an adapter in its weights; --scale -1 takes it out again")
    .requiredOption("--out <file>", "the merged GGUF file")
    .option("--scale <x>", "factor on the adapter", decimal, 1)
    .option("--type <name>", "of the changed matrices, e.g. F16 (default: as they are; quantised types round)")
    .action(
      async (model: string, adapter: string, { out, ...options }: { out: string; scale: number; type?: string }) =>
        mergeLora(await resolveModel(model, modelStore()), adapter, out, options),
    );
  return command;
}
