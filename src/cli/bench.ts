import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { Command } from "commander";
import {
  type BenchResult,
  type CurveChoice,
  machine,
  type PromptEntry,
  parsePrompts,
  parseTrace,
  replayAll,
  replayCosts,
  reportPage,
  reportText,
  runBench,
  type SurveyedPrompt,
  summarise,
  type Trace,
  TraceWriter,
  toSurvey,
} from "../bench/harness/index.ts";
import { DraftwrightError } from "../errors.ts";
import {
  generateOptions,
  integer,
  loadFromFlags,
  type ModelFlags,
  readInput,
  type SamplingFlags,
  withModelFlags,
  withSamplingFlags,
  writeOutput,
} from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { styleOf } from "./terminal.ts";

interface Flags extends ModelFlags, SamplingFlags {
  prompts?: string[];
  replay?: string;
  repeats: number;
  warmups: number;
  costCurve: string;
  oracle: boolean;
  traceOut?: string;
  traceText?: boolean;
  json?: boolean;
  out?: string;
}

export function benchCommand(): Command {
  const command = new Command("bench").description(
    "Measure methods against plain decoding, in turn, over prompts of several subtasks; and what they could have gained.",
  );
  return withSamplingFlags(withModelFlags(command))
    .option(
      "--prompts <file>",
      "prompts file, or HumanEval's or GSM8K's own; several times for several files",
      (path, before: string[] = []) => [...before, path],
    )
    .option("--replay <trace>", "decode nothing: replay what an earlier bench wrote with --trace-out")
    .option("--repeats <n>", "measured passes over the prompts", integer(1), 5)
    .option("--warmups <n>", "unmeasured runs of every method before", integer(0), 3)
    .option("--cost-curve <curve>", "of the replay: measured, flat, or a file of `profile --json`", "measured")
    .option("--no-oracle", "no survey, no replay, no oracle: only what is measured")
    .option("--trace-out <file>", "write the survey as JSON lines")
    .option("--trace-text", "write prompts and token texts into the trace too")
    .option("--json", "print one JSON object")
    .option("--out <file>", "write to a file instead of stdout; a name that ends in .html gets a page")
    .action(async (flags: Flags) => {
      const curve = curveOf(flags.costCurve);
      if (flags.replay !== undefined) {
        if (flags.prompts) throw new DraftwrightError("bad-argument", "Give --prompts or --replay, not both.");
        return print(replayed(parseTrace(readInput(flags.replay), flags.replay), curve), flags);
      }
      if (!flags.prompts)
        throw new DraftwrightError("bad-argument", "Which prompts? --prompts FILE, or --replay TRACE.");
      if (flags.prediction !== undefined) {
        throw new DraftwrightError("bad-argument", 'Predictions of a bench stand in its prompts file: "prediction".');
      }
      const prompts = flags.prompts.flatMap((path) => parsePrompts(readInput(path), path));
      await interruptible(async (signal) => print(await measured(prompts, flags, curve, signal), flags));
    });
}

async function measured(
  prompts: readonly PromptEntry[],
  flags: Flags,
  choice: CurveChoice,
  signal: AbortSignal,
): Promise<BenchResult> {
  const where = machine();
  await using model = await loadFromFlags(flags);
  const methods = [...new Set(flags.draft)].filter((name) => name !== "off");
  const { draft: _, prediction: __, ...generate } = generateOptions({ ...flags, seed: flags.seed ?? 0 });
  const trace =
    flags.traceOut === undefined ? undefined : await TraceWriter.open(flags.traceOut, model, flags.traceText === true);
  const { isTTY } = styleOf(process.stderr);
  try {
    const runs = await runBench(model, prompts, {
      methods,
      repeats: flags.repeats,
      warmups: flags.warmups,
      survey: flags.oracle,
      generate: { ...generate, signal },
      trace,
      onProgress: (done, of) => {
        if (isTTY) process.stderr.write(`\r\u001b[K${done} of ${of}`);
      },
    });
    if (isTTY) process.stderr.write("\r\u001b[K");
    if (runs.plain.length === 0) {
      throw new DraftwrightError(
        "bad-argument",
        `No prompt could be run: ${runs.skipped[0]?.reason} Or cut them: --truncate.`,
      );
    }
    await trace?.finish();
    const costs = replayCosts(choice, await model.costCurve());
    const { name, architecture, hash, threads, device, numerics } = model.info;
    return {
      machine: where,
      load: where.load,
      numerics,
      model: { name: name || architecture, hash, threads, device },
      settings: {
        maxTokens: flags.maxTokens,
        temperature: flags.temperature,
        repeats: flags.repeats,
        ...(flags.budget !== undefined && { budget: flags.budget }),
      },
      prompts: runs.plain.length,
      skipped: runs.skipped,
      differing: runs.differing,
      methods: Object.fromEntries(
        methods.flatMap((method) => {
          const summary = summarise(runs.methods[method], runs.plain);
          return summary ? [[method, summary]] : [];
        }),
      ),
      oracle: replayAll(runs.surveyed, Object.fromEntries(methods.map((method) => [method, flags.budget])), costs),
    };
  } catch (error) {
    trace?.discard();
    throw error;
  }
}

/** The surveys of a trace under a curve; nothing is measured. */
function replayed({ header, generations }: Trace, choice: CurveChoice): BenchResult {
  const prompts = new Map<number, { subtask: string; methods: Record<string, ReturnType<typeof toSurvey>[]> }>();
  const budgets: Record<string, number | undefined> = {};
  for (const { about, rounds, end } of generations) {
    if (!about.survey || !end) continue;
    const number = about.prompt ?? about.id + 1;
    const prompt = prompts.get(number) ?? { subtask: about.subtask ?? "all", methods: {} };
    prompts.set(number, prompt);
    prompt.methods[about.draft] ??= [];
    prompt.methods[about.draft].push(toSurvey(rounds));
    budgets[about.draft] = about.budget;
  }
  const surveyed: SurveyedPrompt[] = [...prompts.values()];
  const oracle = replayAll(surveyed, budgets, replayCosts(choice, header.curve));
  if (!oracle)
    throw new DraftwrightError("bad-argument", "This trace holds no survey. Write one: bench --trace-out FILE.");
  return {
    machine: header.machine,
    load: header.machine.load,
    numerics: header.numerics,
    model: header.model,
    settings: { replay: true },
    prompts: surveyed.length,
    skipped: [],
    differing: {},
    methods: {},
    oracle,
  };
}

function curveOf(text: string): CurveChoice {
  if (text === "measured" || text === "flat") return text;
  try {
    const { widths, kv, ms } = JSON.parse(readInput(text));
    return { name: text, grid: { widths, kv, ms } };
  } catch (cause) {
    if (cause instanceof DraftwrightError) throw cause;
    throw new DraftwrightError("bad-argument", `${text} is no cost curve; write one with \`profile --json\`.`, {
      cause,
    });
  }
}

function print(result: BenchResult, { json, out }: Flags): void {
  const page = out !== undefined && /\.html?$/.test(out);
  if (out !== undefined) mkdirSync(dirname(out), { recursive: true });
  writeOutput(page ? reportPage(result) : json ? `${JSON.stringify(result)}\n` : reportText(result), out);
  // A page is for later; the table is for now.
  if (page) process.stdout.write(json ? `${JSON.stringify(result)}\n` : reportText(result));
}
