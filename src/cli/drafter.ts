import { Command, Option } from "commander";
import { parsePrompts } from "../bench/harness/index.ts";
import { Generation } from "../drafting/index.ts";
import {
  draftTokensOf,
  HeadTask,
  headDrafter,
  loadHead,
  loadHeadData,
  readHeadSettings,
  readTargetParts,
  writeRankShares,
} from "../drafting/trained/index.ts";
import { modelStore } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";
import { Backend } from "../ggml/index.ts";
import { loadLanguageModel } from "../lm/load.ts";
import { keyedUniform } from "../lm/sampling/index.ts";
import { resolveModel } from "../lm/store/index.ts";
import { Parameters } from "../nn/index.ts";
import { textSource } from "../training/index.ts";
import { integer, readInput } from "./flags.ts";

interface EvalFlags {
  model: string;
  draftModel: string;
  prompts: string;
  tokens: number;
  budget: number;
  branches?: number;
  depth?: number;
  tree?: "dynamic" | "static";
  threads?: number;
  json?: boolean;
}

export function drafterCommand(): Command {
  const command = new Command("drafter").description("Look at trained drafting heads.");
  command
    .command("eval")
    .description("how many drafted tokens the target accepts a round, on real continuations, greedily")
    .option("-m, --model <name>", "the target: a GGUF file or a name from `draftwright models list`", "embedded")
    .requiredOption("--draft-model <file>", "a head of `draftwright train`")
    .requiredOption("--prompts <file>", 'JSON lines, each with "prompt" or "turns"; - reads standard input')
    .option("--tokens <n>", "tokens to continue each prompt by", integer(2), 64)
    .option("--budget <n>", "nodes of a round's tree", integer(1), 16)
    .option("--branches <n>", "tokens drafted after each node; 1: a chain", integer(1))
    .option("--depth <n>", "levels of an EAGLE tree", integer(1))
    .addOption(
      new Option(
        "--tree <kind>",
        "by what the head is sure of each time, or of the shape that held-out texts accepted most of",
      )
        .choices(["dynamic", "static"])
        .default("dynamic"),
    )
    .option("--threads <n>", "compute threads", integer(1))
    .option("--json", "print one JSON object")
    .action(evaluate);
  command
    .command("calibrate")
    .description("count on held-out texts what static trees need, and write it into a head's file")
    .option("-m, --model <name>", "the target: a GGUF file or a name from `draftwright models list`", "embedded")
    .requiredOption("--draft-model <file>", "a head of `draftwright train amphista` or `medusa`")
    .requiredOption("--data <file>", "data of `train data`, made by this target: its held-out part is used")
    .option("--threads <n>", "compute threads", integer(1))
    .action(calibrate);
  command
    .command("show <file>")
    .description("what a head is, and which target it belongs to")
    .action((file: string) => {
      process.stdout.write(`${JSON.stringify(readHeadSettings(file), undefined, 2)}\n`);
    });
  return command;
}

async function calibrate(flags: Pick<EvalFlags, "model" | "draftModel" | "threads"> & { data: string }): Promise<void> {
  const path = await resolveModel(flags.model, modelStore());
  using backend = new Backend(undefined, { threads: flags.threads });
  const data = loadHeadData(flags.data);
  using target = readTargetParts(path, backend, draftTokensOf(flags.draftModel, data.targetHash));
  using parameters = new Parameters(backend);
  const head = loadHead(flags.draftModel, parameters, target);
  using task = new HeadTask({ head, target, data, windows: 1, seed: 0 });
  const { accepted } = task.evaluate();
  if (!task.rankShares) {
    throw new DraftwrightError(
      "bad-argument",
      `${head.settings.kind} grows its trees by confidence; there is nothing to count`,
    );
  }
  writeRankShares(flags.draftModel, task.rankShares);
  process.stderr.write(`${flags.draftModel}: counted; a chain of first choices names ${accepted.toFixed(2)} tokens\n`);
}

async function evaluate(flags: EvalFlags): Promise<void> {
  const path = await resolveModel(flags.model, modelStore());
  using loaded = loadLanguageModel(path, { threads: flags.threads });
  using backend = new Backend(undefined, { threads: flags.threads });
  using target = readTargetParts(path, backend, draftTokensOf(flags.draftModel, loaded.hash));
  using parameters = new Parameters(backend);
  const head = loadHead(flags.draftModel, parameters, target);
  const { branches, depth, tree, tokens: maxTokens, budget } = flags;
  using drafter = headDrafter({ backend, head, target, branches, depth, tree });
  const { model, tokenizer } = loaded;
  const { template } = textSource(tokenizer, loaded.chatTemplate);
  const perPrompt: { accepted: number; rounds: number }[] = [];
  const at: { offered: number; accepted: number }[] = [];
  let drafted = 0;
  for (const entry of parsePrompts(readInput(flags.prompts), flags.prompts)) {
    const chat = "turns" in entry;
    const text = chat ? await template.render([{ role: "user", content: entry.turns[0] }]) : entry.prompt;
    const prompt = tokenizer.encode(text, { addSpecial: true, parseSpecial: chat });
    if (prompt.length + maxTokens > model.contextLength) continue;
    const generation = new Generation({
      model,
      sequence: model.open({ rows: Math.min(model.contextLength, prompt.length + maxTokens + budget) }),
      promptTokens: prompt,
      sampling: { temperature: 0 },
      seed: 0,
      drafters: [drafter],
      policy: { mode: "forced", budget },
      maxTokens,
      stopTokens: new Set(tokenizer.endOfGeneration),
    });
    const sum = { accepted: 0, rounds: 0 };
    while (generation.prefillStep(256) > 0);
    while (!generation.finishReason) {
      const { trace } = generation.step();
      drafted += trace.width - 1;
      // The first round of a one-token prompt has no feature to draft from; the last one may be cut.
      if (trace.width === 1 || generation.finishReason) continue;
      sum.accepted += trace.accepted;
      sum.rounds++;
      for (let d = 0; d <= trace.accepted; d++) {
        at[d] ??= { offered: 0, accepted: 0 };
        at[d].offered++;
        if (d < trace.accepted) at[d].accepted++;
      }
    }
    generation.close();
    if (sum.rounds > 0) perPrompt.push(sum);
  }
  const mean = (list: readonly { accepted: number; rounds: number }[]) =>
    list.reduce((s, p) => s + p.accepted, 0) /
    Math.max(
      1,
      list.reduce((s, p) => s + p.rounds, 0),
    );
  const resampled = Array.from({ length: 2000 }, (_, r) =>
    mean(perPrompt.map((_, i) => perPrompt[Math.floor(keyedUniform(1, r, i) * perPrompt.length)])),
  ).sort((a, b) => a - b);
  const rounds = perPrompt.reduce((sum, p) => sum + p.rounds, 0);
  const result = {
    head: { ...head.settings, tokens: target.output.shape[1] },
    acceptedPerRound: mean(perPrompt),
    acceptedPerRoundLo: resampled[50],
    acceptedPerRoundHi: resampled[1949],
    /** Share of the rounds that reached a position which accepted one there. */
    perPosition: at.map(({ offered, accepted }) => accepted / offered),
    /** Of the target, one a round; of the drafter, and for each round. */
    passes: rounds,
    drafterPasses: drafter.passes,
    drafterPassesPerRound: drafter.passes / Math.max(1, rounds),
    prompts: perPrompt.length,
    drafted,
  };
  if (flags.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    const { acceptedPerRound: a, acceptedPerRoundLo: lo, acceptedPerRoundHi: hi } = result;
    process.stdout.write(
      `${head.settings.kind}: ${a.toFixed(2)} accepted a round (95 %: ${lo.toFixed(2)} to ${hi.toFixed(2)}), ` +
        `the free token not counted; ${rounds} rounds, ${result.drafterPassesPerRound.toFixed(2)} drafter passes each, of ${result.prompts} prompts, budget ${budget}\n`,
    );
  }
}
