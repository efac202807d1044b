import { Command } from "commander";
import { headKinds } from "../drafting/trained/index.ts";
import { modelStore } from "../engine/index.ts";
import { resolveModel } from "../lm/store/index.ts";
import { loraDefaults, mergeLora } from "../lm/training/index.ts";
import { trainLora } from "../training/index.ts";
import { decimal, integer, names } from "./flags.ts";
import { inChild, type LoopFlags, withLoopFlags } from "./train-flags.ts";
import { trainDataCommand, trainHeadCommand } from "./train-head.ts";
import { trainLmCommand } from "./train-lm.ts";
import { trainTokenizerCommand } from "./train-tokenizer.ts";

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
  command.addCommand(trainLmCommand());
  command.addCommand(trainTokenizerCommand());
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
