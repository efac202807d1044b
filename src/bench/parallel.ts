// Parallel drafting against serial drafting with the same model and the same threads, each model on cores of its own; and
// both against plain decoding: tokens per second, and milliseconds to the first token.
// Pairs: the embedded target with its drafter, and with a copy of itself in fewer bits, which drafts as long as the target
// verifies; or those given.
//   node dist/bench/parallel.js [--json] [--threads N] [--repeats N] [--budgets 1,2,3] [TARGET [DRAFTER]]
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { type CurveGrid, MeasuredCurve, measureCurve } from "../drafting/index.ts";
import {
  type Comparison,
  compareParallel,
  DraftAhead,
  serialRate,
  simulateParallel,
} from "../drafting/parallel/index.ts";
import { loadModel, type Model } from "../index.ts";
import { loadLanguageModel } from "../lm/load.ts";
import { seededRandom } from "../lm/toy/index.ts";
import { type Spread, spread } from "./alternate.ts";
import { machine } from "./harness/machine.ts";
import { root } from "./models.ts";
import { quantisedCopy } from "./quantised-copy.ts";

const contextLength = 1024;
/** Rows at which the simulation's times are measured. */
const kv = 128;

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
  /** The same, as the simulation has it. */
  readonly simulatedOverSerial: number | null;
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
      budgets: { type: "string", default: "1,2,3" },
      "max-tokens": { type: "string", default: "128" },
    },
  });
  const { json, "max-tokens": maxTokens } = values;
  const [threads, repeats] = [Number(values.threads), Number(values.repeats)];
  const budgets = values.budgets.split(",").map(Number);
  const [target = join(root, "models", "embedded-target.Q8_0.gguf"), drafter] = positionals;
  const sister = join(root, "models", "embedded-drafter.Q8_0.gguf");
  const drafters = drafter ? [drafter] : [...(positionals.length === 0 ? [sister] : []), quantisedCopy(target)];
  const where = machine();
  const { stdout, stderr } = process;
  stderr.write(`${where.cpu}, ${where.cores} cores, node ${where.node}, ${where.native}, load ${where.load}\n`);
  const pairs = [];
  for (const path of drafters) {
    const pair = await measure(target, path, { threads, repeats, budgets, maxTokens: Number(maxTokens) });
    pairs.push(pair);
    const out = json ? stderr : stdout;
    out.write(`${basename(target)} and ${basename(path)}: ${forecastText(pair)}\n${pair.rows.map(rowText).join("")}`);
  }
  if (json) stdout.write(`${JSON.stringify({ machine: where, threads, repeats, pairs }, null, 2)}\n`);
}

interface Settings {
  readonly threads: number;
  readonly repeats: number;
  readonly budgets: readonly number[];
  readonly maxTokens: number;
}

interface Pair {
  readonly target: string;
  readonly drafter: string;
  /** Milliseconds of a target's forward by its width, and of a drafter's step: one row, and choosing from its logits. */
  readonly targetMs: Readonly<Record<number, number>>;
  readonly draftMs: number;
  /** What the simulation expects with these times and the acceptance seen with one token a round. */
  readonly simulated: Comparison | null;
  readonly rows: readonly Row[];
}

async function measure(target: string, drafter: string, settings: Settings): Promise<Pair> {
  const { threads, repeats, maxTokens } = settings;
  const grid = curveOf(target, threads);
  const draftMs = stepMs(drafter);
  await using model = await loadModel({
    model: target,
    draftModels: [drafter],
    threads,
    contextLength,
    drafting: { parallel: { threads: 1 } },
  });
  const arms: Arm[] = [
    { draft: "off" },
    ...[undefined, ...settings.budgets].flatMap((budget) => [
      { draft: "model" as const, budget },
      { draft: "parallel" as const, budget },
    ]),
  ];
  const samples = await sample(model, arms, repeats, maxTokens);
  const measured = arms.map((arm, i) => row(arm, samples, i));
  const single = measured.find(({ draft, budget }) => draft === "model" && budget === 1);
  const acceptance = single && Math.min(1, single.meanEmitted - 1);
  const curve = new MeasuredCurve(grid);
  const targetMs = (width: number) => curve.ms(width, kv);
  const pair = acceptance ? { targetMs, draftMs, acceptance } : null;
  const simulated = pair && compareParallel(pair, () => seededRandom(1));
  const rows = measured.map((each): Row => {
    const { draft, budget } = each;
    if (draft !== "parallel" || !budget || !pair) return { ...each, simulatedOverSerial: null };
    const played = simulateParallel(pair, { ahead: budget + 1, verify: budget, wait: budget }, 20_000, seededRandom(1));
    return { ...each, simulatedOverSerial: played.tokensPerMs / serialRate(pair, budget) };
  });
  const byWidth = Object.fromEntries(grid.widths.map((width, i) => [width, grid.ms[i][0]]));
  return { target: basename(target), drafter: basename(drafter), targetMs: byWidth, draftMs, simulated, rows };
}

function curveOf(path: string, threads: number): CurveGrid {
  using loaded = loadLanguageModel(path, { threads, contextLength });
  return measureCurve(loaded.model, { widths: [1, 2, 3, 4, 5, 6, 8, 12, 16], kv: [kv], repeats: 15 });
}

/** Median time of a step of the drafter's side, alone on the machine. */
function stepMs(path: string): number {
  using loaded = loadLanguageModel(path, { threads: 1, contextLength, numerics: "fast" });
  const ahead = new DraftAhead(loaded.model, contextLength);
  ahead.text.write(
    0,
    Array.from({ length: kv }, (_, i) => i % 500),
  );
  ahead.plan({ length: kv, depth: 0, ahead: 200, sequences: 1 });
  const times: number[] = [];
  for (let start = performance.now(); ahead.step(); start = performance.now()) times.push(performance.now() - start);
  ahead.close();
  return spread(times).median;
}

function forecastText({ simulated, draftMs, targetMs }: Pair): string {
  const times = `a drafter's step takes ${draftMs.toFixed(2)} ms, the target's forward ${targetMs[1].toFixed(2)} ms`;
  if (!simulated) return times;
  const { acceptance, serial, parallel } = simulated;
  return (
    `${times}; with ${Math.round(acceptance * 100)} % of guesses right the best of serial drafting would be ` +
    `${serial.speedup.toFixed(2)}x of plain (${serial.ahead} a round), of parallel ${parallel.speedup.toFixed(2)}x (${parallel.ahead} ahead)`
  );
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

function row(arm: Arm, samples: readonly (readonly Sample[])[], index: number): Omit<Row, "simulatedOverSerial"> {
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

function rowText({
  draft,
  budget,
  tokensPerSecond,
  overPlain,
  overSerial,
  simulatedOverSerial,
  firstTokenMs,
  ...rest
}: Row): string {
  const figures = ({ median, low, high }: Spread) => `${median.toFixed(2)}x (${low.toFixed(2)}-${high.toFixed(2)})`;
  const kept = rest.acceptance === null ? "nothing drafted" : `${Math.round(rest.acceptance * 100)} % kept`;
  return (
    `  ${draft.padEnd(8)} ${(budget === undefined ? "what pays" : `budget ${budget}`).padEnd(10)} ` +
    `${tokensPerSecond.median.toFixed(1).padStart(7)} tokens/s  plain ${figures(overPlain)}` +
    `${overSerial ? `  serial ${figures(overSerial)}` : ""}${simulatedOverSerial ? `, simulated ${simulatedOverSerial.toFixed(2)}x` : ""}  first token ${firstTokenMs.median.toFixed(1)} ms, ` +
    `${rest.meanEmitted.toFixed(2)} a round, ${kept}, ${rest.differing} texts differ\n`
  );
}

await main();
