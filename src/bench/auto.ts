import { parseArgs } from "node:util";
import { loadModel, type Model, type Prompt } from "../index.ts";
import type { Numerics } from "../lm/model.ts";
import { type Spread, spread } from "./alternate.ts";
import { machine } from "./harness/machine.ts";
import { benchModels } from "./models.ts";
import { clauseRevisions, fileEdits, unguessable } from "./workloads.ts";

interface Workload {
  readonly prompts: readonly Prompt[];
  readonly temperature: number;
  readonly maxTokens: number;
}

interface Row {
  /** Tokens per second of `auto` over plain decoding, pair by pair. */
  readonly ratio: Spread;
  readonly plainTokensPerSecond: number;
  readonly autoTokensPerSecond: number;
  /** Tokens emitted a round, and share of drafted tokens that were kept. */
  readonly meanEmitted: number;
  readonly acceptance: number | null;
  /** Prompts whose drafted text differed from the plain one. */
  readonly differing: number;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean" },
      threads: { type: "string" },
      numerics: { type: "string" },
      repeats: { type: "string", default: "7" },
      "draft-model": { type: "string" },
    },
  });
  const where = machine();
  process.stderr.write(`${where.cpu}, ${where.cores} cores, node ${where.node}, ${where.native}, load ${where.load}\n`);
  const rows: Record<string, Record<string, Row>> = {};
  for (const [name, path] of benchModels(positionals)) {
    await using model = await loadModel({
      model: path,
      draftModels: values["draft-model"]?.split(","),
      threads: values.threads ? Number(values.threads) : undefined,
      numerics: values.numerics as Numerics | undefined,
      contextLength: 1024,
    });
    // A random model's chat is noise; only its speed on noise says anything.
    const workloads: Record<string, Workload> = {
      unguessable: { prompts: unguessable, temperature: 1.5, maxTokens: name === "1.1b" ? 24 : 96 },
      ...(name !== "1.1b" && {
        copying: {
          prompts: name.startsWith("embedded") ? clauseRevisions : fileEdits,
          temperature: 0,
          maxTokens: 96,
        },
      }),
    };
    rows[name] = {};
    for (const [kind, workload] of Object.entries(workloads)) {
      const row = await measure(model, workload, Number(values.repeats));
      rows[name][kind] = row;
      (values.json ? process.stderr : process.stdout).write(rowText(name, kind, row));
    }
  }
  if (values.json)
    process.stdout.write(`${JSON.stringify({ machine: where, repeats: Number(values.repeats), rows }, null, 2)}\n`);
}

async function measure(model: Model, workload: Workload, repeats: number): Promise<Row> {
  const run = async (prompt: Prompt, draft: "auto" | "off", seed: number) => {
    const { temperature, maxTokens } = workload;
    const generating = model.generate(prompt, { draft, temperature, maxTokens, seed });
    for await (const _ of generating);
    return generating.result;
  };
  const ratios: number[] = [];
  const speeds = { auto: [] as number[], off: [] as number[] };
  const drafting = { rounds: 0, emitted: 0, proposed: 0, accepted: 0 };
  const differing = new Set<number>();
  // The first pass over the prompts is not counted: it measures the widths and learns the chances.
  for (let repeat = -1; repeat < repeats; repeat++) {
    for (const [i, prompt] of workload.prompts.entries()) {
      const order = (repeat + i) % 2 === 0 ? (["off", "auto"] as const) : (["auto", "off"] as const);
      const results = { off: await run(prompt, order[0], 1), auto: await run(prompt, order[1], 1) };
      if (order[0] === "auto") [results.off, results.auto] = [results.auto, results.off];
      if (results.off.tokenIds.join() !== results.auto.tokenIds.join()) differing.add(i);
      if (repeat < 0) continue;
      const { off, auto } = results;
      const perToken = (result: typeof off) => result.timings.decodeMs / result.tokens;
      ratios.push(perToken(off) / perToken(auto));
      speeds.off.push(1000 / perToken(off));
      speeds.auto.push(1000 / perToken(auto));
      drafting.rounds += auto.drafting.rounds;
      drafting.emitted += auto.tokens;
      drafting.proposed += auto.drafting.proposed;
      drafting.accepted += auto.drafting.accepted;
    }
  }
  return {
    ratio: spread(ratios),
    plainTokensPerSecond: spread(speeds.off).median,
    autoTokensPerSecond: spread(speeds.auto).median,
    meanEmitted: drafting.emitted / drafting.rounds,
    acceptance: drafting.proposed ? drafting.accepted / drafting.proposed : null,
    differing: differing.size,
  };
}

function rowText(name: string, kind: string, row: Row): string {
  const { ratio } = row;
  const kept = row.acceptance === null ? "nothing drafted" : `${Math.round(row.acceptance * 100)} % kept`;
  return (
    `${name.padEnd(28)} ${kind.padEnd(12)} ${ratio.median.toFixed(2)}x (${ratio.low.toFixed(2)}-${ratio.high.toFixed(2)})  ` +
    `${row.plainTokensPerSecond.toFixed(1)} -> ${row.autoTokensPerSecond.toFixed(1)} tokens/s, ` +
    `${row.meanEmitted.toFixed(2)} a round, ${kept}, ${row.differing} texts differ\n`
  );
}

await main();
