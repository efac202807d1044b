import { Command } from "commander";
import { TraceWriter } from "../bench/harness/index.ts";
import type { GenerateResult, Model, Prompt } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";
import { type ConstraintFlags, constraintOf } from "./constraint.ts";
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
import { SourcePalette } from "./sources.ts";
import { statsText } from "./stats.ts";
import { printable, styleOf } from "./terminal.ts";
import { thoughtWriter } from "./thoughts.ts";
import { traceLine } from "./trace.ts";

interface Flags extends ModelFlags, SamplingFlags, ConstraintFlags {
  logprobs?: number;
  system?: string;
  stats?: boolean;
  trace?: boolean;
  traceOut?: string;
  traceText?: boolean;
  color?: boolean;
  json?: boolean;
  out?: string;
}

export function generateCommand(): Command {
  const command = new Command("generate")
    .description("Continue a text. The prompt is read from standard input for `-`, or when something is piped in.")
    .argument("[prompt]", "the text to continue, or -");
  return withSamplingFlags(withModelFlags(command))
    .option("--system <text>", "put prompt and this system message into the model's chat template")
    .option("--grammar <file>", "the output must be a text of this grammar (GBNF)")
    .option("--json-schema <file>", "the output must be JSON that is valid against this schema")
    .option("--logprobs <n>", "with --json: log probabilities of the tokens, and so many of the likeliest", integer(0))
    .option("--color", "paint accepted draft tokens by their source")
    .option("--stats", "print speeds and acceptance to stderr")
    .option("--trace", "print to stderr, for every round, what was offered, bought and accepted")
    .option("--trace-out <file>", "write every round to this file, as JSON lines for `trace view`")
    .option("--trace-text", "write the prompt and the texts of tokens into the trace too")
    .option("--json", "print one JSON object instead of the text")
    .option("--out <file>", "write to a file instead of stdout")
    .action(async (argument: string | undefined, flags: Flags) => {
      const text = readPrompt(argument);
      await interruptible(async (signal) => {
        await using model = await loadFromFlags(flags);
        await run(model, text, flags, signal);
      });
    });
}

async function run(model: Model, text: string, flags: Flags, signal: AbortSignal): Promise<void> {
  const prompt = toPrompt(text, flags.system);
  const style = styleOf(process.stdout, flags.color);
  const palette = new SourcePalette(style);
  const trace = flags.trace ? traceLine(styleOf(process.stderr)) : undefined;
  const { logprobs } = flags;
  const options = { ...generateOptions(flags), constraint: constraintOf(flags), logprobs };
  const { traceOut } = flags;
  const writer = traceOut === undefined ? undefined : await TraceWriter.open(traceOut, model, flags.traceText === true);
  const recording = writer?.generation({
    draft: flags.draft.join("+"),
    temperature: flags.temperature,
    maxTokens: flags.maxTokens,
    ...(flags.budget !== undefined && { budget: flags.budget }),
    promptText: text,
  });
  const generating = model.generate(prompt, {
    ...options,
    signal,
    record: writer !== undefined,
    ...((trace || recording) && {
      onRound: (report) => {
        if (trace) process.stderr.write(trace(report));
        recording?.round(report);
      },
    }),
  });
  generating.result.catch(() => writer?.discard());
  // Text between trace lines would be unreadable; a file and JSON get everything at once.
  const streams = !flags.json && !flags.trace && flags.out === undefined;
  const showThought = thoughtWriter();
  let painted = "";
  for await (const token of generating) {
    const { color } = flags;
    const piece = color ? palette.token(token.text, token.source) : style.isTTY ? printable(token.text) : token.text;
    painted += piece;
    if (!streams) continue;
    showThought(token);
    process.stdout.write(piece);
  }
  const result = await generating.result;
  recording?.end(result);
  await writer?.finish();
  if (flags.json) writeOutput(`${JSON.stringify(result)}\n`, flags.out);
  else if (streams) process.stdout.write("\n");
  else writeOutput(`${flags.color ? painted : result.text}\n`, flags.out);
  process.stderr.write(notes(result, flags, palette));
}

function notes(result: GenerateResult, flags: Flags, palette: SourcePalette): string {
  const legend = flags.color && !flags.json ? palette.legend() : "";
  return legend + (flags.stats ? statsText(result) : "");
}

function toPrompt(text: string, system: string | undefined): Prompt {
  if (system === undefined) return text;
  return {
    messages: [
      { role: "system", content: system },
      { role: "user", content: text },
    ],
  };
}

function readPrompt(argument: string | undefined): string {
  if (argument !== undefined && argument !== "-") return argument;
  if (argument === undefined && process.stdin.isTTY) {
    throw new DraftwrightError("bad-argument", 'What should be continued? draftwright generate "Once upon a time"');
  }
  return readInput("-").replace(/\r?\n$/, "");
}
