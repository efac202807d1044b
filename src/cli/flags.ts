import { existsSync, readFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type GenerateOptions, loadModel, type Model, type ModelOptions } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";
import { replaceFile } from "../files.ts";
import type { AdapterFile } from "../lm/load.ts";
import type { SkipSet } from "../lm/model.ts";

// The flags that mean the same everywhere, and what the library calls them.

export const integer = (least: number) => (text: string) => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw new InvalidArgumentError(`It must be an integer >= ${least}.`);
  }
  return value;
};

export const decimal = (text: string) => {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
};

/** `8` or `1,2,4,8`: integers, rising. */
export const integers = (least: number) => (text: string) => {
  const values = text.split(",").map(integer(least));
  if (values.some((value, i) => i > 0 && value <= values[i - 1]))
    throw new InvalidArgumentError("The numbers must rise.");
  return values;
};

/** `0,0.7` */
export const decimals = (text: string) => text.split(",").map(decimal);

export const names = (text: string) => text.split(",").map((name) => name.trim());

const append = (text: string, before: readonly string[] = []) => [...before, text];

export interface ModelFlags {
  model?: string;
  draftModel?: string[];
  db?: string[];
  pool?: string;
  layerSkip?: string;
  head?: string[];
  lora?: string[];
  numerics?: "exact" | "fast";
  threads?: number;
  device?: string;
  context?: number;
  /** Not a flag: KV rows of all generations together. */
  kvRows?: number;
  /** Of `serve`: generations that run at once. */
  parallel?: number;
}

export function withModelFlags(command: Command): Command {
  return command
    .option(
      "-m, --model <name>",
      "target model: a GGUF file, a name from `draftwright models list`, or openai:URL#ID (default: embedded)",
    )
    .option("--draft-model <names>", "small models of the same family that draft, best first; `none` for none", names)
    .option("--db <file>", "drafting database of `db build`; may be given several times", append)
    .option("--pool <file>", "keep the phrases that ouroboros learns from your texts in this file")
    .option("--layer-skip <file>", "layers to leave out, as found by `layer-skip search`; or attention=1,2/mlp=3")
    .option("--head <file>", "a drafting head of `train`; may be given once for each kind", append)
    .option("--lora <file>", "a LoRA adapter of `train lora` beside the weights; FILE=SCALE; several add up", append)
    .addOption(
      new Option("--numerics <kind>", "exact: drafted and plain output are identical").choices(["exact", "fast"]),
    )
    .option("--threads <n>", "compute threads", integer(1))
    .option("--device <name>", "cpu, gpu, or a device's own name")
    .option("--context <tokens>", "context length", integer(1));
}

export function loadFromFlags({
  draftModel,
  db,
  pool,
  layerSkip,
  head,
  lora,
  context,
  draft,
  ...flags
}: ModelFlags & { readonly draft?: readonly string[] }): Promise<Model> {
  const draftModels = draftModel === undefined ? undefined : draftModel.join() === "none" ? [] : draftModel;
  const { model, numerics, threads, device, kvRows, parallel } = flags;
  const drafting = {
    ...(db && { hierarchy: { databases: db } }),
    ...(pool !== undefined && { ouroboros: { pool: { path: pool } } }),
    ...(layerSkip !== undefined && { layerSkip: { skip: skippedLayers(layerSkip) } }),
    ...(head && { heads: head }),
    ...(draft?.includes("parallel") && { parallel: {} }),
  };
  const options: ModelOptions = {
    model,
    numerics,
    threads,
    device,
    contextLength: context,
    kvRows,
    parallel,
    draftModels,
    drafting,
    ...(lora && { adapters: lora.map(adapterFile) }),
  };
  return loadModel(options);
}

/** `FILE`, or `FILE=SCALE`; a file's own name may have a `=` in it. */
export function adapterFile(text: string): AdapterFile {
  const [, path, scale] = /^(.+)=([^=/\\]*)$/.exec(text) ?? [];
  if (path === undefined || existsSync(text)) return { path: text };
  if (scale.trim() === "" || !Number.isFinite(Number(scale))) {
    throw new DraftwrightError("bad-argument", `--lora ${text}: write FILE or FILE=SCALE, such as style.gguf=0.5.`);
  }
  return { path, scale: Number(scale) };
}

/** Layers given by hand, or the name of a file. */
function skippedLayers(text: string): SkipSet | string {
  if (!/^(attention|mlp)=/.test(text)) return text;
  const skip: Record<"attention" | "mlp", readonly number[]> = { attention: [], mlp: [] };
  for (const part of text.split("/")) {
    const [, kind, layers] = /^(attention|mlp)=(\d+(?:,\d+)*)$/.exec(part) ?? [];
    if (!kind)
      throw new DraftwrightError("bad-argument", `--layer-skip ${text}: write attention=1,2/mlp=3, or a file.`);
    skip[kind as keyof typeof skip] = layers.split(",").map(Number);
  }
  return skip;
}

export interface SamplingFlags {
  draft: string[];
  prediction?: string;
  budget?: number;
  verify?: "match" | "ratio";
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repetitionPenalty?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  seed?: number;
  stop?: string[];
  truncate?: boolean;
}

export function withSamplingFlags(command: Command): Command {
  return command
    .option(
      "--draft <methods>",
      "auto, off, or some of lookup, model, parallel, cascade, ouroboros, hierarchy, lookahead, layer-skip, prediction, " +
        "amphista, falcon, eagle, medusa",
      names,
      ["auto"],
    )
    .option(
      "--prediction <file>",
      "what the output will be like, such as the old version of a text: drafts come from it",
    )
    .option("--budget <nodes>", "draft so many tokens in every round, whatever they cost", integer(1))
    .addOption(
      new Option(
        "--verify <rule>",
        "match (default): the seed decides the text; ratio: sampled drafts are kept more often",
      ).choices(["match", "ratio"]),
    )
    .option("-n, --max-tokens <n>", "longest output", integer(1), 256)
    .option("-t, --temperature <t>", "0 is greedy", decimal, 0)
    .option("--top-k <k>", "keep the k likeliest tokens", integer(0))
    .option("--top-p <p>", "keep the likeliest tokens that together reach p", decimal)
    .option("--min-p <p>", "keep tokens at least p times as likely as the likeliest", decimal)
    .option("--repetition-penalty <x>", "1 is none", decimal)
    .option("--presence-penalty <x>", "0 is none", decimal)
    .option("--frequency-penalty <x>", "0 is none", decimal)
    .option("--seed <n>", "equal seeds give equal texts", integer(0))
    .option("--stop <text>", "end before this text; may be given several times", append)
    .option("--truncate", "cut a prompt that is too long from the left instead of refusing it");
}

export function generateOptions(flags: SamplingFlags): GenerateOptions {
  const { draft, prediction, truncate, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty } = flags;
  const { budget, verify, maxTokens, temperature, seed, stop } = flags;
  return {
    draft: draft.length === 1 ? draft[0] : draft,
    prediction: prediction === undefined ? undefined : readInput(prediction),
    budget,
    verify,
    maxTokens,
    temperature,
    topK,
    topP,
    minP,
    repetitionPenalty,
    presencePenalty,
    frequencyPenalty,
    seed,
    stop,
    overflow: truncate ? "truncate-left" : "error",
  };
}

/** Writes the result to stdout, or to the file of --out. */
export function writeOutput(text: string, out: string | undefined): void {
  if (out === undefined) {
    process.stdout.write(text);
    return;
  }
  replaceFile(out, text);
}

/** A file, or standard input for `-`. */
export function readInput(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  }
}
