import { Command, Option } from "commander";
import { parsePrompts } from "../bench/harness/index.ts";
import type { Evaluation, Objective, SavedSkipSet } from "../drafting/index.ts";
import { modelStore } from "../engine/index.ts";
import { readSkipSet, searchSkipSet } from "../engine/layer-skip/index.ts";
import { loadLanguageModel } from "../lm/load.ts";
import { resolveModel } from "../lm/store/index.ts";
import { decimal, integer, readInput } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { milliseconds, percent, styleOf } from "./terminal.ts";

interface SearchFlags {
  model: string;
  prompts: string;
  iterations: number;
  budgetSeconds?: number;
  objective: Objective;
  seed: number;
  tokens: number;
  maxDraft: number;
  numerics?: "exact" | "fast";
  threads?: number;
  device?: string;
  out: string;
  resume?: boolean;
  json?: boolean;
}

export function layerSkipCommand(): Command {
  const command = new Command("layer-skip").description(
    "Self-speculative drafting: find the sublayers a model can leave out to draft for itself.",
  );
  command
    .command("search")
    .description("search a skip set, measure it, and save it with the verdict; Ctrl-C keeps the state")
    .option("-m, --model <name>", "a GGUF file or a name from `draftwright models list`", "embedded")
    .requiredOption("--prompts <file>", 'JSON lines, each with "prompt" or "turns"; - reads standard input')
    .requiredOption("--out <file>", "the saved skip set; the state of the search lies beside it")
    .addOption(
      new Option("--objective <kind>", "wall clock of real generations, or acceptance and times measured once")
        .choices(["measured", "modelled"])
        .default("modelled"),
    )
    .option("--iterations <n>", "skip sets to try", integer(1), 100)
    .option("--budget-seconds <s>", "try no further set after so many seconds", decimal)
    .option("--seed <n>", "equal seeds search alike", integer(0), 0)
    .option("--tokens <n>", "tokens to continue each prompt by", integer(2), 32)
    .option("--max-draft <n>", "longest draft considered", integer(1), 5)
    .option("--resume", "go on from the state beside --out, if there is one")
    .addOption(new Option("--numerics <kind>", "as for generate").choices(["exact", "fast"]))
    .option("--threads <n>", "compute threads", integer(1))
    .option("--device <name>", "cpu, gpu, or a device's own name")
    .option("--json", "print one JSON object")
    .action(search);
  command
    .command("show <file>")
    .description("what a saved skip set leaves out, and what it was measured to be worth")
    .option("--json", "print one JSON object")
    .action((file: string, { json }: { json?: boolean }) => print(readSkipSet(file), json));
  return command;
}

async function search(flags: SearchFlags): Promise<void> {
  const { model, numerics, threads, device, prompts: file, json, ...rest } = flags;
  const prompts = parsePrompts(readInput(file), file).map((e) => ("prompt" in e ? e.prompt : e.turns[0]));
  const path = await resolveModel(model, modelStore());
  const { isTTY } = styleOf(process.stderr);
  const onEvaluation = (_: Evaluation, best: Evaluation, tried: number) => {
    if (!isTTY) return;
    const score = (flags.objective === "measured" ? best.measured : best.modelled)?.toFixed(2);
    process.stderr.write(`\r\u001b[K${tried} of ${flags.iterations} sets tried, best ${score}x`);
  };
  const saved = await interruptible((signal) =>
    searchSkipSet(
      path,
      { ...rest, prompts, load: { numerics, threads, device }, signal, onEvaluation },
      loadLanguageModel,
    ),
  ).finally(() => {
    if (isTTY) process.stderr.write("\r\u001b[K");
  });
  print(saved, json);
}

function print(saved: SavedSkipSet, json: boolean | undefined): void {
  process.stdout.write(json ? `${JSON.stringify(saved)}\n` : skipSetReport(saved));
}

function skipSetReport(saved: SavedSkipSet): string {
  const { skipAttn, skipMlp, layerCount, draftMs, stepMs, calibration, search } = saved;
  const layers = (list: readonly number[]) =>
    `${list.length} of ${layerCount}${list.length ? `: ${list.join(" ")}` : ""}`;
  const c = draftMs / stepMs;
  const rows: [string, string][] = [
    ["attention skipped", layers(skipAttn)],
    ["MLP skipped", layers(skipMlp)],
    [
      "draft step",
      `${milliseconds(draftMs)} of ${milliseconds(stepMs)} (c = ${c.toFixed(2)}, at most ${(1 / c).toFixed(2)}x)`,
    ],
    [
      "drafts accepted",
      calibration.acceptance.map((share, i) => `${i + 1}: ${percent(share)}`).join("  ") || "none made",
    ],
    ["draft length", String(saved.maxDraft)],
    ["speed", `${saved.tokensPerSec.toFixed(1)} tokens/s, plain ${saved.plainTokensPerSec.toFixed(1)}`],
    [
      "searched",
      `${search.evaluated} sets, ${search.objective}, seed ${search.seed}; ceiling ${search.ceiling.toFixed(2)}x`,
    ],
    ["calibrated on", `${calibration.prompts} prompts, ${calibration.tokens} tokens`],
    ["measured with", `${saved.device}, ${saved.threads} threads, numerics ${saved.numerics}`],
    ["threshold", `gamma ${saved.gamma.toFixed(3)}, acceptance rate ${saved.acceptanceRate.toFixed(2)}`],
  ];
  return `${rows.map(([name, value]) => `${name.padEnd(18)} ${value}\n`).join("")}${saved.verdict}\n`;
}
