// Parallel drafting against serial drafting with the same model and the same threads, each model on cores of its own; and
// both against plain decoding: tokens per second, and milliseconds to the first token.
//   node dist/bench/parallel.js [--json] [--threads N] [--repeats N] [--budgets 2,4] [TARGET DRAFTER]
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadModel, type Model } from "../index.ts";
import { type Spread, spread } from "./alternate.ts";
import { machine } from "./harness/machine.ts";
import { root } from "./models.ts";

const prompts = [
  "Each party shall keep the Confidential Information of the other party in confidence and shall not disclose",
  "A system comprising: a processor; a memory coupled to the processor; and instructions stored in the memory which",
  "Neither party shall be liable for any delay or failure to perform caused by events beyond its reasonable control, including",
  "This Agreement shall be governed by and construed in accordance with the laws of the State of New York. Any dispute",
  "The Borrower shall repay the Loan in full on the Maturity Date, together with all accrued interest. The Borrower",
];

interface Arm {
  readonly draft: "off" | "model" | "parallel";
  /** Nodes drafted in every round; absent: what pays. */
  readonly budget?: number;
}

interface Row extends Arm {
  readonly tokensPerSecond: Spread;
  /** Over plain decoding; and of parallel arms over the serial arm of the same budget, pair by pair. */
  readonly overPlain: Spread;
  readonly overSerial: Spread | null;
  /** From the request to the first token, milliseconds. */
  readonly firstTokenMs: Spread;
  readonly meanEmitted: number;
  readonly acceptance: number | null;
  /** Texts that were not the plain ones. */
  readonly differing: number;
}

interface Sample {
  readonly perToken: number;
  readonly firstTokenMs: number;
  readonly tokens: readonly number[];
  readonly rounds: number;
  readonly proposed: number;
  readonly accepted: number;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean" },
      threads: { type: "string", default: "1" },
      repeats: { type: "string", default: "5" },
      budgets: { type: "string", default: "2,4" },
      "max-tokens": { type: "string", default: "128" },
    },
  });
  const [target, drafter] =
    positionals.length > 0
      ? positionals
      : ["target", "drafter"].map((role) => join(root, "models", `embedded-${role}.Q8_0.gguf`));
  const where = machine();
  const { stdout, stderr } = process;
  stderr.write(`${where.cpu}, ${where.cores} cores, node ${where.node}, ${where.native}, load ${where.load}\n`);
  await using model = await loadModel({
    model: target,
    draftModels: [drafter],
    threads: Number(values.threads),
    contextLength: 1024,
    drafting: { parallel: { threads: 1 } },
  });
  const budgets = values.budgets.split(",").map(Number);
  const arms: Arm[] = [
    { draft: "off" },
    ...[undefined, ...budgets].flatMap((budget) => [
      { draft: "model" as const, budget },
      { draft: "parallel" as const, budget },
    ]),
  ];
  const samples = await sample(model, arms, Number(values.repeats), Number(values["max-tokens"]));
  const rows = arms.map((arm, i) => row(arm, samples, i));
  for (const each of rows) (values.json ? stderr : stdout).write(rowText(each));
  if (values.json) {
    const report = {
      machine: where,
      target,
      drafter,
      threads: Number(values.threads),
      repeats: Number(values.repeats),
      rows,
    };
    stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  }
}

/** Samples of every arm, in the same order of prompts and repeats; the arms take turns. */
async function sample(model: Model, arms: readonly Arm[], repeats: number, maxTokens: number): Promise<Sample[][]> {
  const samples: Sample[][] = arms.map(() => []);
  // The first pass is not counted: it measures the widths and learns the chances.
  for (let repeat = -1; repeat < repeats; repeat++) {
    for (const prompt of prompts) {
      for (let i = 0; i < arms.length; i++) {
        const at = repeat % 2 === 0 ? i : arms.length - 1 - i;
        const taken = await run(model, prompt, arms[at], maxTokens);
        if (repeat >= 0) samples[at].push(taken);
      }
    }
  }
  return samples;
}

async function run(model: Model, prompt: string, { draft, budget }: Arm, maxTokens: number): Promise<Sample> {
  const started = performance.now();
  const generating = model.generate(prompt, { draft, budget, maxTokens, temperature: 0, stop: [] });
  let firstTokenMs = 0;
  for await (const _ of generating) firstTokenMs ||= performance.now() - started;
  const { timings, tokens, tokenIds, drafting } = await generating.result;
  const { rounds, proposed, accepted } = drafting;
  return { perToken: timings.decodeMs / tokens, firstTokenMs, tokens: tokenIds, rounds, proposed, accepted };
}

function row(arm: Arm, samples: readonly (readonly Sample[])[], index: number): Row {
  const own = samples[index];
  const ratios = (other: number) => spread(own.map(({ perToken }, i) => samples[other][i].perToken / perToken));
  const sum = (of: (sample: Sample) => number) => own.reduce((total, each) => total + of(each), 0);
  return {
    ...arm,
    tokensPerSecond: spread(own.map(({ perToken }) => 1000 / perToken)),
    overPlain: ratios(0),
    overSerial: arm.draft === "parallel" ? ratios(index - 1) : null,
    firstTokenMs: spread(own.map(({ firstTokenMs }) => firstTokenMs)),
    meanEmitted: sum(({ tokens }) => tokens.length) / sum(({ rounds }) => rounds),
    acceptance:
      sum(({ proposed }) => proposed) > 0 ? sum(({ accepted }) => accepted) / sum(({ proposed }) => proposed) : null,
    differing: own.filter(({ tokens }, i) => tokens.join() !== samples[0][i].tokens.join()).length,
  };
}

function rowText({ draft, budget, tokensPerSecond, overPlain, overSerial, firstTokenMs, ...rest }: Row): string {
  const figures = ({ median, low, high }: Spread) => `${median.toFixed(2)}x (${low.toFixed(2)}-${high.toFixed(2)})`;
  const kept = rest.acceptance === null ? "nothing drafted" : `${Math.round(rest.acceptance * 100)} % kept`;
  return (
    `${draft.padEnd(8)} ${(budget === undefined ? "what pays" : `budget ${budget}`).padEnd(10)} ` +
    `${tokensPerSecond.median.toFixed(1).padStart(7)} tokens/s  plain ${figures(overPlain)}` +
    `${overSerial ? `  serial ${figures(overSerial)}` : ""}  first token ${firstTokenMs.median.toFixed(1)} ms, ` +
    `${rest.meanEmitted.toFixed(2)} a round, ${kept}, ${rest.differing} texts differ\n`
  );
}

await main();
