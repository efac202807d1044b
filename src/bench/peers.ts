// Drafting side by side with the peers, in one run: node-llama-cpp's two predictors, and llama.cpp's server with its n-gram
// drafts and its draft model. The same file, threads and prompt tokens for all; greedy; no rows kept between prompts. What
// drafters remember of earlier texts they keep, so the first pass, over prompts that nobody has seen, stands for itself.
//   node dist/bench/peers.js --prompts FILE [--prompts FILE ..] [--llama-server PROGRAM] [--model M] [--draft-model D]
//     [--threads N] [--max-tokens N] [--repeats N] [--per-subtask N] [--json]
// node-llama-cpp takes part when it is installed in bench/ (`npm ci --prefix bench`), the server when its program is named.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { loadModel, type Model, type Prompt } from "../index.ts";
import {
  type BySubtask,
  bySubtask,
  type Interval,
  machine,
  mean,
  type PromptEntry,
  pairedSpeedup,
  parsePrompts,
} from "./harness/index.ts";
import { root } from "./models.ts";
import { clauseRevisions, fileEdits } from "./workloads.ts";

interface Answer {
  readonly tokens: ArrayLike<number>;
  readonly prefillMs: number;
  readonly decodeMs: number;
}

interface Contender {
  readonly name: string;
  /** Whose own plain decoding its texts are compared with. */
  readonly engine: "draftwright" | "node-llama-cpp" | "llama-server";
  answer(tokens: Int32Array, maxTokens: number): Promise<Answer>;
  close(): void;
}

/** Tokens per second of one prompt, prefill included and decoding alone, mean over the repeats. */
interface Speed {
  readonly total: number;
  readonly decode: number;
}

/** llama.cpp's server drafts with these; a draft model joins where there is one. */
const serverTypes = ["none", "ngram-simple", "ngram-map-k", "ngram-mod", "ngram-cache"];
const contextLength = 2048;
const oursName = "draftwright auto";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean" },
      prompts: { type: "string", multiple: true, default: [join(root, "bench", "prompts", "grounded.jsonl")] },
      model: { type: "string" },
      "draft-model": { type: "string" },
      "llama-server": { type: "string" },
      threads: { type: "string", default: "2" },
      "max-tokens": { type: "string", default: "64" },
      repeats: { type: "string", default: "3" },
      "per-subtask": { type: "string", default: "4" },
    },
  });
  const threads = Number(values.threads);
  const maxTokens = Number(values["max-tokens"]);
  const where = machine();
  process.stderr.write(`${where.cpu}, ${where.cores} cores, node ${where.node}, ${where.native}, load ${where.load}\n`);
  const draftModels = values["draft-model"]?.split(",");
  await using model = await loadModel({ model: values.model, draftModels, threads, contextLength });
  const drafter = model.info.draftModels[0];
  const contenders = [ours(model, "off"), ours(model, "auto")];
  try {
    if (existsSync(join(root, "bench", "node_modules", "node-llama-cpp"))) {
      for (const kind of ["plain", "lookup", ...(drafter ? ["draft"] : [])]) {
        contenders.push(await nodeLlamaCpp(kind, model.info.path, threads, drafter));
      }
    }
    if (values["llama-server"]) {
      for (const type of [...serverTypes, ...(drafter ? ["draft-simple"] : [])]) {
        contenders.push(await llamaServer(values["llama-server"], type, model.info.path, threads, drafter));
      }
    }
    const entries = values.prompts.flatMap((path) => parsePrompts(readFileSync(path, "utf8"), path));
    const prompts = await promptsOf(model, firstOfEach(entries, Number(values["per-subtask"])), maxTokens);
    const others = await Promise.all([...clauseRevisions, ...fileEdits].map((prompt) => model.tokenize(prompt)));
    const { first, later, differing } = await race(contenders, others, prompts, maxTokens, Number(values.repeats));
    const oursOver = (speeds: Speeds) =>
      Object.fromEntries(
        contenders.flatMap(({ name }, c) =>
          name === oursName ? [] : [[name, compare(contenders, speeds, prompts, c)]],
        ),
      );
    const report = {
      machine: where,
      model: model.info.name || model.info.architecture,
      drafter: drafter !== undefined,
      numerics: model.info.numerics,
      settings: { threads, maxTokens, repeats: Number(values.repeats), prompts: prompts.length },
      differing,
      tokensPerSecond: Object.fromEntries(
        contenders.map(({ name }, c) => [name, mean(first.map((of) => of[c].total))]),
      ),
      /** Ours over theirs: above 1 ours is faster. Over prompts seen for the first time; and in later passes over them. */
      oursOver: oursOver(first),
      ...(later && { oursOverLater: oursOver(later) }),
    };
    process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : text(report));
  } finally {
    for (const contender of contenders) contender.close();
  }
}

interface BenchedPrompt {
  readonly subtask: string;
  readonly tokens: Int32Array;
}

function firstOfEach(entries: readonly PromptEntry[], count: number): PromptEntry[] {
  const seen = new Map<string, number>();
  return entries.filter(({ category = "all" }) => {
    seen.set(category, (seen.get(category) ?? 0) + 1);
    return (seen.get(category) as number) <= count;
  });
}

/** Only first turns: then all contenders have the same prompt. */
async function promptsOf(model: Model, entries: readonly PromptEntry[], maxTokens: number): Promise<BenchedPrompt[]> {
  const prompts: BenchedPrompt[] = [];
  for (const entry of entries) {
    const prompt: Prompt = "prompt" in entry ? entry.prompt : { messages: [{ role: "user", content: entry.turns[0] }] };
    const tokens = await model.tokenize(prompt);
    // The peers keep room for their drafts.
    if (tokens.length + maxTokens + 64 <= Math.min(contextLength, model.info.contextLength)) {
      prompts.push({ subtask: entry.category ?? "all", tokens });
    }
  }
  return prompts;
}

/** By prompt, by contender. */
type Speeds = readonly (readonly Speed[])[];

/** Warms up on other prompts; then every prompt with every contender in turn, the order moving on. */
async function race(
  contenders: readonly Contender[],
  others: readonly Int32Array[],
  prompts: readonly BenchedPrompt[],
  maxTokens: number,
  repeats: number,
) {
  for (const [i, tokens] of others.entries()) {
    for (const contender of contenders) await contender.answer(tokens, maxTokens);
    process.stderr.write(`\rwarm-up: ${i + 1} of ${others.length}  `);
  }
  const samples = prompts.map(() => contenders.map((): Speed[] => []));
  const texts = prompts.map(() => contenders.map(() => ""));
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [i, { tokens }] of prompts.entries()) {
      for (let k = 0; k < contenders.length; k++) {
        const c = (k + i + repeat) % contenders.length;
        const answer = await contenders[c].answer(tokens, maxTokens);
        texts[i][c] ||= Array.from(answer.tokens).join();
        const count = answer.tokens.length;
        samples[i][c].push({
          total: (count * 1000) / (answer.prefillMs + answer.decodeMs),
          decode: (count * 1000) / answer.decodeMs,
        });
      }
      process.stderr.write(`\rpass ${repeat + 1}: ${i + 1} of ${prompts.length}  `);
    }
  }
  process.stderr.write("\n");
  const averaged = (runs: readonly Speed[]) => ({
    total: mean(runs.map((run) => run.total)),
    decode: mean(runs.map((run) => run.decode)),
  });
  const plainOf = contenders.map(({ engine }) => contenders.findIndex((other) => other.engine === engine));
  return {
    first: samples.map((of) => of.map(([run]) => run)),
    later: repeats > 1 ? samples.map((of) => of.map((runs) => averaged(runs.slice(1)))) : null,
    /** Texts that are not those of the same engine's plain decoding, which is its first contender. */
    differing: Object.fromEntries(
      contenders.map(({ name }, c) => [name, texts.filter((of) => of[c] !== of[plainOf[c]]).length]),
    ),
  };
}

function compare(contenders: readonly Contender[], speeds: Speeds, prompts: readonly BenchedPrompt[], theirs: number) {
  const mine = contenders.findIndex(({ name }) => name === oursName);
  const ratio = (value: keyof Speed) =>
    bySubtask(
      prompts.map((prompt, i) => ({ prompt, ours: speeds[i][mine][value], theirs: speeds[i][theirs][value] })),
      ({ prompt }) => prompt.subtask,
      (items): Interval =>
        pairedSpeedup(
          items.map((item) => item.ours),
          items.map((item) => item.theirs),
        ),
    );
  return { total: ratio("total"), decode: ratio("decode") };
}

function ours(model: Model, draft: "auto" | "off"): Contender {
  return {
    name: draft === "auto" ? oursName : "draftwright plain",
    engine: "draftwright",
    async answer(tokens, maxTokens) {
      const { tokenIds, timings } = await model.generate({ tokens }, { draft, maxTokens }).result;
      return { tokens: tokenIds, prefillMs: timings.prefillMs, decodeMs: timings.decodeMs };
    },
    close() {},
  };
}

async function nodeLlamaCpp(kind: string, path: string, threads: number, drafter?: string): Promise<Contender> {
  const program = join(root, "bench", "node-llama-cpp-drafts.js");
  const child = spawn(process.execPath, [program, path, `${threads}`, `${contextLength}`, kind, drafter ?? ""], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`node-llama-cpp (${kind}) ended.`);
    return value;
  };
  await line();
  return {
    name: `node-llama-cpp ${kind}`,
    engine: "node-llama-cpp",
    async answer(tokens, maxTokens) {
      child.stdin.write(`${JSON.stringify({ tokens: Array.from(tokens), maxTokens })}\n`);
      return JSON.parse(await line());
    },
    close: () => child.kill(),
  };
}

let nextPort = 8790;

async function llamaServer(
  program: string,
  type: string,
  path: string,
  threads: number,
  drafter?: string,
): Promise<Contender> {
  const port = nextPort++;
  const draft = type === "draft-simple" && drafter ? ["--spec-draft-model", drafter] : [];
  const flags = ["-m", path, "-t", `${threads}`, "-c", `${contextLength}`, "-np", "1", "--port", `${port}`];
  const child = spawn(program, [...flags, ...(type === "none" ? [] : ["--spec-type", type]), ...draft], {
    stdio: "ignore",
  });
  const address = `http://127.0.0.1:${port}`;
  await untilHealthy(address, child, type);
  return {
    name: `llama-server ${type === "none" ? "plain" : type}`,
    engine: "llama-server",
    async answer(tokens, maxTokens) {
      const response = await fetch(`${address}/completion`, {
        method: "POST",
        body: JSON.stringify({
          prompt: Array.from(tokens),
          n_predict: maxTokens,
          temperature: 0,
          cache_prompt: false,
          return_tokens: true,
        }),
      });
      if (!response.ok) throw new Error(`llama-server (${type}): ${response.status} ${await response.text()}`);
      const { tokens: written, timings } = (await response.json()) as {
        tokens: number[];
        timings: { prompt_ms: number; predicted_ms: number };
      };
      return { tokens: written, prefillMs: timings.prompt_ms, decodeMs: timings.predicted_ms };
    },
    close: () => child.kill(),
  };
}

async function untilHealthy(address: string, child: ChildProcess, type: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) break;
    const ready = await fetch(`${address}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    await sleep(100);
  }
  child.kill();
  throw new Error(`llama-server (${type}) did not start.`);
}

type Comparisons = Readonly<Record<string, Record<"total" | "decode", BySubtask<Interval>>>>;

interface Report {
  readonly tokensPerSecond: Readonly<Record<string, number>>;
  readonly differing: Readonly<Record<string, number>>;
  readonly oursOver: Comparisons;
  readonly oursOverLater?: Comparisons;
}

function text({ tokensPerSecond, differing, oursOver, oursOverLater }: Report): string {
  const lines = Object.entries(tokensPerSecond).map(
    ([name, speed]) => `${name.padEnd(30)} ${speed.toFixed(1).padStart(7)} tokens/s, ${differing[name]} texts differ`,
  );
  lines.push(...comparison("prompts seen for the first time", oursOver));
  if (oursOverLater) lines.push(...comparison("later passes over them", oursOverLater));
  return `${lines.join("\n")}\n`;
}

function comparison(passes: string, oursOver: Comparisons): string[] {
  const lines: string[] = [];
  for (const part of ["total", "decode"] as const) {
    lines.push(
      "",
      `draftwright auto over theirs, ${passes}, ${part === "total" ? "prefill included" : "decoding alone"}`,
    );
    for (const [name, of] of Object.entries(oursOver)) {
      const cells = Object.entries({ ...of[part].subtasks, overall: of[part].overall });
      const shown = cells.map(
        ([task, { speedup, lo, hi }]) => `${task} ${speedup.toFixed(2)} (${lo.toFixed(2)}-${hi.toFixed(2)})`,
      );
      lines.push(`  ${name.padEnd(28)} ${shown.join("  ")}`);
    }
  }
  return lines;
}

await main();
