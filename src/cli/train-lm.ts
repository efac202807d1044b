import { Command, Option } from "commander";
import { modelStore } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";
import { resolveModel } from "../lm/store/index.ts";
import { defaultShape, trainLm } from "../training/index.ts";
import { decimal, integer, names } from "./flags.ts";
import { inChild, type LoopFlags, withLoopFlags } from "./train-flags.ts";

interface ShapeFlags {
  layers?: number;
  width?: number;
  heads?: number;
  kvHeads?: number;
  feedForward?: number;
}

interface LmFlags extends LoopFlags, ShapeFlags {
  model: string;
  tokenizer?: string;
  data: string[];
  fresh?: boolean;
  type?: string;
  weightDecay: number;
  context: number;
  texts: number;
}

export function trainLmCommand(): Command {
  const { layers, width, heads, kvHeads, feedForward } = defaultShape;
  const command = new Command("lm")
    .description("all weights of a small model, in the shape and with the vocabulary of a GGUF file, or a new Llama")
    .option("-m, --model <name>", "a GGUF file or a name from `draftwright models list`", "embedded")
    .requiredOption("--data <files>", "as for lora", names)
    .option("--fresh", "begin with random weights")
    .addOption(
      new Option(
        "--tokenizer <name>",
        "a new model with this vocabulary: a file of `train tokenizer`, or any model",
      ).conflicts("model"),
    )
    .option("--layers <n>", `of a new model (default: ${layers})`, integer(1))
    .option("--width <n>", `of its residual stream (default: ${width})`, integer(1))
    .option("--heads <n>", `that ask (default: ${heads})`, integer(1))
    .option("--kv-heads <n>", `heads of keys and values, which they share (default: ${kvHeads})`, integer(1))
    .option("--feed-forward <n>", `width of its feed-forward layers (default: ${feedForward})`, integer(1))
    .option("--type <name>", "of the matrices that are written, e.g. F16 (default: as in the file; Q8_0)")
    .option("--weight-decay <x>", "decay of the matrices", decimal, 0.1)
    .option("--context <n>", "tokens of a text", integer(8), 128)
    .option("--texts <n>", "texts of a batch", integer(1), 4);
  return withLoopFlags(command, 1e-3).action((flags: LmFlags) =>
    inChild(flags, async (loop) => {
      const { data, fresh, type, weightDecay, context: rows, texts, seed, threads } = flags;
      const model = await startingPoint(flags);
      return trainLm({ ...loop, model, data, fresh, type, weightDecay, rows, texts, seed, threads });
    }),
  );
}

async function startingPoint(flags: LmFlags) {
  const { layers, width, heads, kvHeads, feedForward, context } = flags;
  const asked = Object.entries({ layers, width, heads, kvHeads, feedForward }).filter(([, size]) => size !== undefined);
  if (flags.tokenizer === undefined) {
    if (asked.length === 0) return resolveModel(flags.model, modelStore());
    throw new DraftwrightError(
      "bad-argument",
      "the shape of a new model needs its vocabulary: --tokenizer FILE, or --tokenizer embedded",
    );
  }
  const contextLength = Math.max(defaultShape.contextLength, context);
  const shape = { ...defaultShape, contextLength, ...Object.fromEntries(asked) };
  return { tokenizer: await resolveModel(flags.tokenizer, modelStore()), shape };
}
