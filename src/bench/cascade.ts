// CS Drafting on three models of one family: milliseconds are measured, acceptance is estimated on calibration prompts, K is
// searched on both, and what the walltime analysis expects is printed beside what is then measured on other prompts, in turn
// with plain decoding.
//   node dist/bench/cascade.js [--json] [--threads N] [--repeats N] [TARGET DRAFTER [DRAFTER2 ..]]
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import {
  type CascadeDrafter,
  type CostCurve,
  cascadeDrafter,
  type Drafter,
  forecastCascade,
  Generation,
  Guard,
  type KMatrix,
  lookupDrafter,
  MeasuredCurve,
  measureCurve,
  modelDrafter,
  type Policy,
  searchK,
} from "../drafting/index.ts";
import { type LoadedModel, loadLanguageModel } from "../lm/load.ts";
import { type Spread, spread } from "./alternate.ts";
import { machine } from "./harness/machine.ts";
import { root } from "./models.ts";

const contextLength = 1024;
const kv = 256;
const maxTokens = 96;

const calibration = [
  "The Contractor shall maintain insurance in the amounts set forth in Exhibit B. The Contractor shall furnish",
  "1. DEFINITIONS. In this Agreement, the following terms have the following meanings:",
  "The Borrower shall repay the Loan in full on the Maturity Date, together with all accrued interest. The Borrower",
  'Original clause:\nThe Tenant shall keep the Premises in good repair and shall not make any alteration without the prior written consent of the Landlord.\n\nRevised clause (replace "Tenant" with "Lessee"):\n',
];
const heldOut = [
  "Each party shall keep the Confidential Information of the other party in confidence and shall not disclose",
  "A system comprising: a processor; a memory coupled to the processor; and instructions stored in the memory which",
  "Neither party shall be liable for any delay or failure to perform caused by events beyond its reasonable control, including",
  'Original clause:\nThe Supplier warrants that the Products shall conform to the Specifications for a period of twelve (12) months from the date of delivery. The sole remedy of the Buyer is the repair or replacement of the Products.\n\nRevised clause (replace "shall" with "will"):\n',
  "This Agreement shall be governed by and construed in accordance with the laws of the State of New York. Any dispute",
  'Original clause:\nEither party may terminate this Agreement upon thirty (30) days prior written notice to the other party. Upon termination, all sums due shall become payable at once.\n\nRevised clause (replace "thirty (30)" with "sixty (60)"):\n',
];

interface Method {
  readonly name: string;
  readonly drafter: Drafter;
  readonly policy: Policy;
  readonly cascade?: CascadeDrafter;
}

interface Expected {
  readonly tokensPerRound: number;
  readonly tokensPerSecond: number;
  /** Over plain decoding. */
  readonly ratio: number;
}

interface Row {
  readonly name: string;
  readonly k: KMatrix | null;
  /** What the analysis expects: with the acceptance of the calibration prompts, and with that of the run itself. */
  readonly expected: Expected | null;
  readonly expectedAfter: Expected | null;
  /** Tokens per second. */
  readonly measured: number;
  /** Over plain decoding: all prompts together, as the analysis has it; and prompt by prompt. */
  readonly overall: number;
  readonly ratio: Spread;
  readonly meanEmitted: number;
  readonly acceptance: number;
  readonly differing: number;
  readonly levels: unknown;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean" },
      threads: { type: "string", default: "1" },
      repeats: { type: "string", default: "5" },
    },
  });
  const paths =
    positionals.length > 0
      ? positionals
      : ["target", "drafter", "drafter2"].map((role) => join(root, "models", `embedded-${role}.Q8_0.gguf`));
  if (paths.length < 2) throw new Error("Give a target and at least one draft model.");
  const where = machine();
  process.stderr.write(`${where.cpu}, ${where.cores} cores, node ${where.node}, ${where.native}, load ${where.load}\n`);
  const threads = Number(values.threads);
  const [target, ...drafters] = paths.map((path, i) =>
    loadLanguageModel(path, { threads, contextLength, ...(i > 0 && { numerics: "fast" as const }) }),
  );
  const widths = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];
  // Measured once and held: the analysis is to be judged by what was known before.
  const curves = [target, ...drafters].map(({ model }): CostCurve => {
    const grid = new MeasuredCurve(measureCurve(model, { widths, kv: [64, 256, 512], repeats: 15 }));
    return { ms: (width, rows) => grid.ms(width, rows), observe() {} };
  });
  const models = drafters.map(({ model, path }, i) => ({ model, name: basename(path, ".gguf"), curve: curves[i + 1] }));
  const make = (count: number, k: KMatrix) =>
    cascadeDrafter({ models: models.slice(0, count), k, targetCurve: curves[0] });
  const counts = models.map((_, i) => i + 1);
  /** Every pair of a reviewer and a drafter must be judged often, so this K asks everybody. */
  const everybody = (count: number) =>
    Array.from({ length: count + 1 }, (_, r) => Array.from({ length: count + 1 }, (_, j) => (j < r ? 0 : 3)));
  const methods: Method[] = [
    { name: "lookup, auto", drafter: lookupDrafter(), policy: { mode: "auto" } },
    {
      name: "model, auto",
      drafter: modelDrafter({ model: models[0].model, curve: curves[1] }),
      policy: { mode: "auto" },
    },
  ];
  const expected = new Map<string, Expected>();
  for (const count of counts) {
    const explorer = make(count, everybody(count));
    for (const prompt of calibration) run(target, prompt, explorer, { mode: "forced", budget: 32 }, curves[0]);
    const found = searchK(explorer.figures(kv));
    const paper =
      count === 1
        ? [
            [5, 10],
            [0, 10],
          ]
        : count === 2
          ? [
              [5, 8, 10],
              [0, 1, 10],
              [0, 0, 10],
            ]
          : null;
    for (const [label, k] of [
      ["searched", found.k],
      ["paper's", paper],
    ] as const) {
      const budget = k?.[0].reduce((a, b) => a + b, 0) ?? 0;
      if (!k || budget === 0) continue;
      const cascade = make(count, k);
      const name = `cascade of ${count}, ${label} K`;
      expected.set(name, expect(k, explorer));
      methods.push({ name, drafter: cascade, cascade, policy: { mode: "forced", budget } });
      if (label === "searched") {
        const again = make(count, k);
        methods.push({ name: `${name}, auto`, drafter: again, cascade: again, policy: { mode: "auto" } });
      }
    }
  }
  const rows = measure(target, methods, curves[0], Number(values.repeats), expected);
  if (values.json) {
    const curve = curves.map((each, i) => ({
      model: paths[i],
      ms: widths.map((width) => [width, each.ms(width, kv)]),
    }));
    process.stdout.write(`${JSON.stringify({ machine: where, threads, curve, rows }, null, 2)}\n`);
  } else
    process.stdout.write(
      table(
        rows,
        curves.map((curve) => curve.ms(1, kv)),
      ),
    );
  for (const { [Symbol.dispose]: dispose } of [target, ...drafters]) dispose();
}

/** Of a K matrix, with the acceptance that `cascade` has seen. */
function expect(k: KMatrix, cascade: CascadeDrafter): Expected {
  const figures = cascade.figures(kv);
  const { tokens, milliseconds } = forecastCascade(k, figures, 48);
  const tokensPerSecond = (1000 * tokens) / milliseconds;
  return { tokensPerRound: tokens, tokensPerSecond, ratio: (tokensPerSecond * figures.reviewMs(0, 1)) / 1000 };
}

const guards = new Map<Drafter, Guard>();

function run(target: LoadedModel, prompt: string, drafter: Drafter | null, policy: Policy, curve: CostCurve) {
  const guard = drafter ? (guards.get(drafter) ?? new Guard()) : new Guard();
  if (drafter) guards.set(drafter, guard);
  const generation = new Generation({
    model: target.model,
    sequence: target.model.open(),
    promptTokens: target.tokenizer.encode(prompt, { addSpecial: true }),
    sampling: { temperature: 0 },
    seed: 0,
    maxTokens,
    stopTokens: new Set(target.tokenizer.endOfGeneration),
    drafters: drafter ? [drafter] : [],
    policy,
    curve,
    guard,
  });
  while (generation.prefillStep(256) > 0);
  const tokens: number[] = [];
  let rounds = 0;
  let proposed = 0;
  let accepted = 0;
  const start = performance.now();
  while (!generation.finishReason) {
    const { emitted, trace } = generation.step();
    tokens.push(...emitted.map(({ token }) => token));
    rounds++;
    proposed += trace.width - 1;
    accepted += trace.accepted;
  }
  const ms = performance.now() - start;
  generation.close();
  return { tokens, ms, rounds, proposed, accepted };
}

function measure(
  target: LoadedModel,
  methods: readonly Method[],
  curve: CostCurve,
  repeats: number,
  expected: ReadonlyMap<string, Expected>,
): Row[] {
  return methods.map(({ name, drafter, policy, cascade }) => {
    const ratios: number[] = [];
    const sum = { tokens: 0, ms: 0, plainMs: 0, rounds: 0, proposed: 0, accepted: 0 };
    let differing = 0;
    // The first pass is not counted: graphs are built, prompts read for the first time.
    for (let repeat = -1; repeat < repeats; repeat++) {
      for (const [i, prompt] of heldOut.entries()) {
        const plainFirst = (repeat + i) % 2 === 0;
        const plain = () => run(target, prompt, null, { mode: "off" }, curve);
        let off = plainFirst ? plain() : null;
        const on = run(target, prompt, drafter, policy, curve);
        off ??= plain();
        if (repeat < 0) {
          if (off.tokens.join() !== on.tokens.join()) differing++;
          continue;
        }
        ratios.push(off.ms / off.tokens.length / (on.ms / on.tokens.length));
        sum.tokens += on.tokens.length;
        sum.ms += on.ms;
        sum.plainMs += off.ms;
        sum.rounds += on.rounds;
        sum.proposed += on.proposed;
        sum.accepted += on.accepted;
      }
    }
    const forced = policy.mode === "forced";
    return {
      name,
      k: cascade?.k ?? null,
      expected: expected.get(name) ?? null,
      expectedAfter: cascade && forced ? expect(cascade.k, cascade) : null,
      measured: (1000 * sum.tokens) / sum.ms,
      overall: sum.plainMs / sum.ms,
      ratio: spread(ratios),
      meanEmitted: sum.tokens / sum.rounds,
      acceptance: sum.accepted / Math.max(1, sum.proposed),
      differing,
      levels: cascade?.stats.levels ?? null,
    };
  });
}

function table(rows: readonly Row[], forwardMs: readonly number[]): string {
  const of = (value: Expected | null) =>
    value === null
      ? "".padEnd(13)
      : `${value.tokensPerRound.toFixed(2).padStart(5)}  ${value.ratio.toFixed(2).padStart(4)}x `;
  const lines = [`one forward of one row: ${forwardMs.map((ms) => ms.toFixed(2)).join(", ")} ms`];
  lines.push(`${"tokens a round, and speed over plain:".padEnd(38)}expected     own rates    measured`);
  for (const row of rows) {
    const { median, low, high } = row.ratio;
    const each = `prompts ${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;
    const speed = `${row.meanEmitted.toFixed(2).padStart(5)}  ${row.overall.toFixed(2)}x  ${each}`;
    const kept = `${Math.round(100 * row.acceptance)}`.padStart(3);
    lines.push(
      `${row.name.padEnd(36)}${of(row.expected)}${of(row.expectedAfter)}${speed}  ${row.measured.toFixed(0)} tokens/s, ` +
        `${kept} % kept  ${row.k ? JSON.stringify(row.k) : ""}${row.differing ? `  ${row.differing} TEXTS DIFFER` : ""}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

await main();
