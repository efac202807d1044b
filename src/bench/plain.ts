// Plain decoding against llama.cpp: the same file, the same threads, in turn, in one run.
//   node dist/bench/plain.js [--json] [--threads N] [--numerics exact|fast] [--repeats N] [NAME=FILE ..]
// Without files: the embedded target, a generated 1.1B-shape Q4_0 model, and GGUF files of DRAFTWRIGHT_MODELS.
// node-llama-cpp takes part when it is installed in bench/ (`npm ci --prefix bench`).
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Oracle } from "../ggml/index.ts";
import { type LoadedModel, loadLanguageModel } from "../lm/load.ts";
import { chainBatch, type Numerics, type Sequence } from "../lm/model.ts";
import { argmax } from "../lm/sampling/index.ts";
import { alternate, type Comparison, spread } from "./alternate.ts";
import { machine } from "./harness/machine.ts";
import { benchModels, root } from "./models.ts";

const widths = [2, 4, 8, 16];
/** Rows in the cache when decoding is timed. */
const context = 128;
/** A block of decode steps is made to last about this long. */
const blockMs = 250;

interface Row {
  readonly decode: Comparison;
  readonly prefill: Comparison;
  readonly width: Record<number, Comparison>;
  /** node-llama-cpp's milliseconds a token over ours, where it is installed. */
  readonly nodeLlamaCpp?: Comparison["ratio"];
  /** Milliseconds of a decode step outside of the native graph. */
  readonly overheadMs: number;
  readonly numerics: Numerics;
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean" },
      threads: { type: "string", default: "2" },
      numerics: { type: "string" },
      repeats: { type: "string", default: "9" },
    },
  });
  const threads = Number(values.threads);
  const repeats = Number(values.repeats);
  const numerics = values.numerics as Numerics | undefined;
  const where = machine();
  const rows: Record<string, Row> = {};
  process.stderr.write(`${where.cpu}, ${where.cores} cores, node ${where.node}, ${where.native}, load ${where.load}\n`);
  process.stderr.write("ratios are llama.cpp's time over ours (above 1: ours is faster), with the middle half\n");
  for (const [name, path] of benchModels(positionals)) {
    rows[name] = measure(path, threads, repeats, numerics);
    // One model takes minutes: what is known is shown at once, aside where standard output carries the JSON.
    (values.json ? process.stderr : process.stdout).write(rowText(name, rows[name]));
  }
  const pick = <T>(value: (row: Row) => T) =>
    Object.fromEntries(Object.entries(rows).map(([n, row]) => [n, value(row)]));
  const report = {
    machine: where,
    threads,
    repeats,
    decodeRatio: pick((row) => row.decode.ratio.median),
    prefillRatio: pick((row) => row.prefill.ratio.median),
    widthRatio: pick((row) => Object.fromEntries(widths.map((width) => [width, row.width[width].ratio.median]))),
    nodeLlamaCppRatio: pick((row) => row.nodeLlamaCpp?.median ?? null),
    rows,
  };
  if (values.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

function measure(path: string, threads: number, repeats: number, numerics: Numerics | undefined): Row {
  using loaded = loadLanguageModel(path, { threads, numerics, contextLength: 1024 });
  using oracle = new Oracle(path, { contextLength: 1024, threads });
  const { model } = loaded;
  const sequence = model.open();
  const tokens = Array.from({ length: 1024 }, (_, i) => (i * 7919 + 13) % model.vocabSize);
  const fill = (length: number) => {
    sequence.truncate(0);
    model.forward(chainBatch(sequence, tokens.slice(0, length), "last"));
    sequence.compact(tokens.slice(0, length).map((_, i) => i));
    oracle.truncate(0);
    oracle.decode(tokens.slice(0, length), "last");
  };

  fill(context);
  const steps = stepsPerBlock(loaded, sequence, tokens);
  const decode = alternate(
    repeats,
    () => decodeOurs(loaded, sequence, steps),
    () => decodeTheirs(oracle, steps),
  );
  const perToken = (s: Comparison["ours"]) => ({ median: s.median / steps, low: s.low / steps, high: s.high / steps });

  const width: Record<number, Comparison> = {};
  for (const rows of widths) {
    const batch = tokens.slice(context, context + rows);
    width[rows] = alternate(
      repeats * 3,
      () => {
        const result = model.forward(chainBatch(sequence, batch, "all"));
        for (let row = 0; row < rows; row++) argmax(result.logits(row));
        sequence.truncate(context);
      },
      () => {
        oracle.decode(batch, "all");
        for (let row = 0; row < rows; row++) argmax(oracle.logits(row));
        oracle.truncate(context);
      },
    );
  }

  const prompt = tokens.slice(0, 512);
  const prefill = alternate(
    Math.max(3, Math.ceil(repeats / 2)),
    () => {
      sequence.truncate(0);
      model.forward(chainBatch(sequence, prompt, "last"));
    },
    () => {
      oracle.truncate(0);
      oracle.decode(prompt, "last");
    },
  );
  return {
    decode: { ours: perToken(decode.ours), theirs: perToken(decode.theirs), ratio: decode.ratio },
    prefill,
    width,
    nodeLlamaCpp: nodeLlamaCpp(path, threads, loaded, sequence, steps, repeats, fill),
    overheadMs: overhead(loaded, sequence, fill),
    numerics: model.numerics,
  };
}

/** Greedy steps from `context`; leaves the sequence there. */
function decodeOurs({ model }: LoadedModel, sequence: Sequence, steps: number): void {
  let token = 1;
  for (let i = 0; i < steps; i++) {
    token = argmax(model.forward(chainBatch(sequence, [token], "last")).logits(0));
    sequence.compact([0]);
  }
  sequence.truncate(context);
}

function decodeTheirs(oracle: Oracle, steps: number): void {
  let token = 1;
  for (let i = 0; i < steps; i++) {
    oracle.decode([token], "last");
    token = argmax(oracle.logits(0));
  }
  oracle.truncate(context);
}

function stepsPerBlock(loaded: LoadedModel, sequence: Sequence, tokens: readonly number[]): number {
  decodeOurs(loaded, sequence, 2);
  const started = performance.now();
  decodeOurs(loaded, sequence, 4);
  const ms = (performance.now() - started) / 4;
  return Math.max(4, Math.min(tokens.length - context - 32, Math.round(blockMs / ms)));
}

/** Median time of a greedy step that is not spent in the native graph. */
function overhead({ model }: LoadedModel, sequence: Sequence, fill: (length: number) => void): number {
  fill(context);
  const outside: number[] = [];
  for (let i = 0; i < 200; i++) {
    const started = performance.now();
    const result = model.forward(chainBatch(sequence, [1], "last"));
    argmax(result.logits(0));
    sequence.truncate(context);
    outside.push(performance.now() - started - result.computeMilliseconds);
  }
  return spread(outside).median;
}

/** node-llama-cpp as its user would call it, in a process of its own, in turn with ours. */
function nodeLlamaCpp(
  path: string,
  threads: number,
  loaded: LoadedModel,
  sequence: Sequence,
  steps: number,
  repeats: number,
  fill: (length: number) => void,
): Comparison["ratio"] | undefined {
  const bench = join(root, "bench");
  if (!existsSync(join(bench, "node_modules", "node-llama-cpp"))) {
    process.stderr.write("  node-llama-cpp is not installed in bench/ (npm ci --prefix bench): left out\n");
    return undefined;
  }
  fill(context);
  const ratios: number[] = [];
  for (let i = 0; i < Math.max(3, Math.ceil(repeats / 3)); i++) {
    const started = performance.now();
    decodeOurs(loaded, sequence, steps);
    const ours = (performance.now() - started) / steps;
    const run = spawnSync(process.execPath, ["node-llama-cpp.js", path, `${threads}`, `${context}`, `${steps}`], {
      cwd: bench,
      encoding: "utf8",
    });
    if (run.status !== 0) throw new Error(`node-llama-cpp failed on ${path}: ${run.stderr}`);
    ratios.push(JSON.parse(run.stdout).msPerToken / ours);
  }
  return spread(ratios);
}

function rowText(name: string, row: Row): string {
  const cell = (c: Comparison) =>
    `${c.ratio.median.toFixed(2)} (${c.ratio.low.toFixed(2)}-${c.ratio.high.toFixed(2)})  ${c.ours.median.toFixed(2)} ms`;
  const lines = [`${name}, numerics ${row.numerics}`, `  decode        ${cell(row.decode)}`];
  for (const width of widths) lines.push(`  width ${`${width}`.padEnd(7)} ${cell(row.width[width])}`);
  lines.push(`  prefill 512   ${cell(row.prefill)}`);
  if (row.nodeLlamaCpp) lines.push(`  node-llama-cpp decode  ${row.nodeLlamaCpp.median.toFixed(2)}`);
  lines.push(`  outside of the graph   ${row.overheadMs.toFixed(3)} ms a step`);
  return `${lines.join("\n")}\n`;
}

main();
