import { Command } from "commander";
import { headKinds } from "../drafting/trained/index.ts";
import { modelStore } from "../engine/index.ts";
import { resolveModel } from "../lm/store/index.ts";
import { loraDefaults, mergeLora } from "../lm/training/index.ts";
import { trainLm, trainLora } from "../training/index.ts";
import { decimal, integer, names } from "./flags.ts";
import { inChild, type LoopFlags, withLoopFlags } from "./train-flags.ts";
import { trainDataCommand, trainHeadCommand } from "./train-head.ts";

interface LoraFlags extends LoopFlags {
  model: string;
  data: string[];
  rank: number;
  alpha: number;
  targets: string[];
  context: number;
  texts: number;
}

interface LmFlags extends LoopFlags {
  model: string;
  data: string[];
  fresh?: boolean;
  type?: string;
  weightDecay: number;
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
  const lm = command
    .command("lm")
    .description("all weights of a small model, in the shape and with the vocabulary of a GGUF file")
    .option("-m, --model <name>", "a GGUF file or a name from `draftwright models list`", "embedded")
    .requiredOption("--data <files>", "as for lora", names)
    .option("--fresh", "begin with random weights")
    .option("--type <name>", "of the matrices that are written, e.g. Q8_0 (default: as in the file)")
    .option("--weight-decay <x>", "decay of the matrices", decimal, 0.1)
    .option("--context <n>", "tokens of a text", integer(8), 128)
    .option("--texts <n>", "texts of a batch", integer(1), 4);
  withLoopFlags(lm, 1e-3).action((flags: LmFlags) =>
    inChild(flags, async (loop) => {
      const { data, fresh, type, weightDecay, context: rows, texts, seed, threads } = flags;
      const model = await resolveModel(flags.model, modelStore());
      return trainLm({ ...loop, model, data, fresh, type, weightDecay, rows, texts, seed, threads });
    }),
  );
  command.addCommand(trainDataCommand());
  for (const kind of headKinds) command.addCommand(trainHeadCommand(kind));
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
