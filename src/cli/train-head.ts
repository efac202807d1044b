import { Command, Option } from "commander";
import {
  collect,
  commonTokens,
  type Fuser,
  fusers,
  glancings,
  type HeadKind,
  HeadTask,
  loadHeadData,
  makeHead,
  readTargetParts,
  saveHeadData,
} from "../drafting/trained/index.ts";
import { modelStore } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";
import { Backend, tensorType } from "../ggml/index.ts";
import { loadLanguageModel } from "../lm/load.ts";
import { resolveModel } from "../lm/store/index.ts";
import { Parameters } from "../nn/index.ts";
import { type LoopOptions, readDocuments, textSource, train } from "../training/index.ts";
import { decimal, decimals, integer, names } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { inChild, type LoopFlags, withLoopFlags } from "./train-flags.ts";

interface DataFlags {
  model: string;
  data: string[];
  out: string;
  texts: number;
  length: number;
  promptTokens: number;
  temperatures: number[];
  seed: number;
  threads?: number;
}

export function trainDataCommand(): Command {
  return new Command("data")
    .description("let a model write texts, and note what drafting heads learn from")
    .option("-m, --model <name>", "the target: a GGUF file or a name from `draftwright models list`", "embedded")
    .requiredOption("--data <files>", "texts whose beginnings it continues; as for `train lora`", names)
    .requiredOption("--out <file>", "the data")
    .option("--texts <n>", "texts to write", integer(2), 512)
    .option("--length <n>", "tokens of each, its beginning included", integer(16), 192)
    .option(
      "--prompt-tokens <n>",
      "tokens of a beginning of a plain text; prompts of other data are taken whole",
      integer(1),
      32,
    )
    .option("--temperatures <list>", "taken in turn, one a text; 0 is greedy", decimals, [0, 0.7])
    .option("--seed <n>", "equal seeds write alike", integer(0), 0)
    .option("--threads <n>", "compute threads", integer(1))
    .action(writeData);
}

async function writeData(flags: DataFlags): Promise<void> {
  const { texts, length, promptTokens, temperatures, seed, threads } = flags;
  const path = await resolveModel(flags.model, modelStore());
  const batch = 16;
  using loaded = loadLanguageModel(path, { threads, kvRows: batch * 256 * Math.ceil(length / 256) });
  using backend = new Backend(undefined, { threads: 1 });
  using target = readTargetParts(path, backend);
  const { tokenizer } = loaded;
  const source = textSource(tokenizer, loaded.chatTemplate);
  const documents = (await Promise.all(flags.data.map((file) => readDocuments(file, source)))).flat();
  const prompts = documents.flatMap((document) => {
    if ("prompt" in document) {
      const tokens = tokenizer.encode(document.prompt, { addSpecial: true, parseSpecial: true });
      return tokens.length <= length / 2 ? [tokens] : [];
    }
    const tokens = tokenizer.encode(document.text, { addSpecial: true });
    const list: Int32Array[] = [];
    for (let at = 0; at + promptTokens <= tokens.length; at += length)
      list.push(tokens.subarray(at, at + promptTokens));
    return list;
  });
  if (prompts.length === 0) {
    throw new DraftwrightError(
      "bad-argument",
      `no text has ${promptTokens} tokens, and no prompt at most half of --length; use a lower --prompt-tokens`,
    );
  }
  const data = await interruptible((signal) =>
    collect({
      model: loaded.model,
      target,
      prompts,
      texts,
      length,
      temperatures,
      seed,
      batch,
      signal,
      stopTokens: new Set(tokenizer.endOfGeneration),
      onText: (done, tokens) => {
        if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${done} of ${texts} texts, ${tokens} tokens`);
      },
    }),
  );
  if (process.stderr.isTTY) process.stderr.write("\n");
  saveHeadData(flags.out, data);
  process.stderr.write(`${data.starts.length} texts, ${data.tokens.length} tokens: ${flags.out}\n`);
}

interface HeadFlags extends LoopFlags {
  model: string;
  data: string;
  heads: number;
  adaptation: number;
  bidirectional: boolean;
  block?: number;
  align?: "tail" | "chunk";
  fuser?: Fuser;
  glancing?: keyof typeof glancings | "none";
  classWeight?: number;
  noise?: number;
  rows: number;
  windows: number;
  vocabulary?: number;
  type: string;
}

const descriptions: Record<HeadKind, string> = {
  medusa: "Medusa-1 heads, the baseline: each position from the target's feature alone",
  amphista: "Amphista (a reconstruction): staged adaptation, heads that attend to each other",
  falcon: "Falcon: an EAGLE layer that drafts k positions a pass, learned by glancing",
  eagle: "an EAGLE-1 layer, the baseline: the next feature from feature and token",
};

export function trainHeadCommand(kind: HeadKind): Command {
  const command = new Command(kind)
    .description(`${descriptions[kind]}; drafts for one target, from data of \`train data\``)
    .option("-m, --model <name>", "the target: a GGUF file or a name from `draftwright models list`", "embedded")
    .requiredOption("--data <file>", "data of `train data`, made by this target")
    .option("--rows <n>", "positions of a window", integer(4), 64)
    .option("--windows <n>", "windows of a batch", integer(1), 1)
    .option(
      "--vocabulary <n>",
      "draft only so many tokens, those the target says most often (default: all)",
      integer(8),
    )
    .option("--type <name>", "of the matrices that are written, e.g. F16", "Q8_0");
  if (kind === "falcon") {
    command
      .option("--block <k>", "positions drafted in a pass", integer(1), 2)
      .addOption(
        new Option("--align <how>", "the newest positions form a block, or the first ones fed, as published")
          .choices(["tail", "chunk"])
          .default("tail"),
      )
      .addOption(new Option("--fuser <how>", "joins feature and token").choices(fusers).default("newest"))
      .addOption(
        new Option("--glancing <how>", "how many of the answers are shown in training: as in the code, as in the paper")
          .choices([...Object.keys(glancings), "none"])
          .default("code"),
      );
  }
  if (kind === "falcon" || kind === "eagle") {
    command
      .option("--class-weight <x>", "weight of the cross-entropy beside the regression of features", decimal, 0.1)
      .option("--noise <x>", "how far the noise on the inputs reaches", decimal, 0.1);
  }
  if (kind === "medusa" || kind === "amphista")
    command.option("--heads <n>", "positions drafted at once", integer(1), 4);
  if (kind === "amphista") {
    command
      .option("--adaptation <n>", "decoder layers of each stage; 0: no staged adaptation", integer(0), 1)
      .option("--no-bidirectional", "heads do not attend to each other");
  }
  return withLoopFlags(command, 2e-3).action((flags: HeadFlags) => inChild(flags, (loop) => run(kind, flags, loop)));
}

async function run(kind: HeadKind, flags: HeadFlags, loop: LoopOptions) {
  const path = await resolveModel(flags.model, modelStore());
  const { heads = 1, adaptation = 0, bidirectional = false, block, align, fuser, glancing = "code" } = flags;
  const { rows, windows, seed, threads, classWeight, noise } = flags;
  const data = loadHeadData(flags.data);
  const tokens = flags.vocabulary === undefined ? undefined : commonTokens(data, flags.vocabulary);
  using backend = new Backend(undefined, { threads });
  using target = readTargetParts(path, backend, tokens);
  using parameters = new Parameters(backend, seed);
  const { hiddenSize } = target;
  const settings = {
    kind,
    hiddenSize,
    heads,
    adaptation,
    bidirectional,
    block,
    align,
    fuser,
    tokens: tokens && [...tokens],
  };
  const head = makeHead(parameters, settings);
  using task = new HeadTask({
    head,
    target,
    data,
    rows,
    windows,
    seed,
    glancing: glancing === "none" ? null : glancings[glancing],
    classWeight,
    noise,
    type: tensorType(flags.type),
  });
  return await train(task, loop);
}
