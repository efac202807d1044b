// `draftwright db`: drafting databases from a folder of texts or from a model's own answers.
import { statSync } from "node:fs";
import { basename } from "node:path";
import { Command } from "commander";
import { parsePrompts } from "../bench/harness/index.ts";
import { continuations, findKey, mostFrequent, type StoredDatabase } from "../drafting/index.ts";
import {
  type BuildReport,
  buildFromAnswers,
  buildFromTexts,
  findModel,
  type Prompt,
  readDatabase,
  writeDatabase,
} from "../engine/index.ts";
import { openTokenizer } from "../lm/load.ts";
import { integer, loadFromFlags, type ModelFlags, readInput, withModelFlags } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { size, styleOf } from "./terminal.ts";

interface StatsFlags {
  model?: string;
  out: string;
  json?: boolean;
}

interface ModelBuildFlags extends ModelFlags {
  prompts: string;
  out: string;
  maxTokens: number;
  ngram: number;
  top: number;
  json?: boolean;
}

interface InspectFlags {
  model?: string;
  text?: boolean;
  after?: string;
  top: number;
  json?: boolean;
}

export function dbCommand(): Command {
  const command = new Command("db").description("Drafting databases: what `hierarchy` drafts from.");
  const build = command.command("build").description("build a database for the vocabulary of a model");
  build
    .command("stats <paths...>")
    .description("what follows what in your texts: files and folders, .jsonl with one `text` a line")
    .requiredOption("--out <file>", "the database")
    .option("-m, --model <name>", "model whose vocabulary is used (default: embedded)")
    .option("--json", "print one JSON object")
    .action(buildStats);
  withModelFlags(build.command("model"))
    .description("what a model itself says most often: n-grams of its greedy answers")
    .requiredOption(
      "--prompts <file>",
      'JSON lines, each with "prompt" or "turns" (the first one counts); - reads standard input',
    )
    .requiredOption("--out <file>", "the database")
    .option("-n, --max-tokens <n>", "longest answer", integer(1), 256)
    .option("--ngram <n>", "tokens of an n-gram, those it is found by included", integer(2), 5)
    .option("--top <n>", "n-grams kept: those in the most answers", integer(1), 100_000)
    .option("--json", "print one JSON object")
    .action(buildModel);
  command
    .command("inspect <file>")
    .description("what a database holds; exits 1 when the file cannot be used")
    .option("-m, --model <name>", "model whose vocabulary is used for texts (default: embedded)")
    .option("--text", "show the most frequent entries as text")
    .option("--after <text>", "show what would be drafted after this text")
    .option("--top <n>", "entries shown", integer(1), 10)
    .option("--json", "print one JSON object")
    .action(inspect);
  return command;
}

async function buildStats(paths: string[], { model, out, json }: StatsFlags): Promise<void> {
  const started = performance.now();
  using tokenizer = openTokenizer(await findModel(model));
  const show = progress(({ files, tokens }: BuildReport) => `${files} files, ${tokens} tokens`);
  const { database, report } = buildFromTexts(paths, tokenizer, show);
  show.end();
  const description = `Texts of ${paths.map((path) => basename(path)).join(", ")}`;
  const bytes = writeDatabase(out, { database, tokenizerHash: tokenizer.hash, description });
  const seconds = (performance.now() - started) / 1000;
  if (json) return print({ out, bytes, documents: database.documents, ...report, seconds });
  const left = [
    report.skipped > 0 && `${report.skipped} files are no text`,
    report.skippedLines > 0 && `${report.skippedLines} lines have no text`,
    report.refused > 0 && `${report.refused} documents were refused by the tokenizer`,
  ].filter((part) => part !== false);
  process.stderr.write(
    `${out}: ${report.tokens} tokens of ${database.documents} documents, ${size(bytes)}, ${seconds.toFixed(1)} s` +
      `${left.length > 0 ? `; left out: ${left.join(", ")}` : ""}\n`,
  );
}

async function buildModel(flags: ModelBuildFlags): Promise<void> {
  const started = performance.now();
  const prompts = parsePrompts(readInput(flags.prompts), flags.prompts).map(
    (entry): Prompt => ("prompt" in entry ? entry.prompt : { messages: [{ role: "user", content: entry.turns[0] }] }),
  );
  await interruptible(async (signal) => {
    await using model = await loadFromFlags(flags);
    using tokenizer = openTokenizer(model.info.path);
    const show = progress(
      ([done, tokens]: [number, number]) => `${done} of ${prompts.length} prompts, ${tokens} tokens`,
    );
    const { maxTokens, ngram: order, top: most } = flags;
    const onProgress = (done: number, tokens: number) => show([done, tokens]);
    const built = await buildFromAnswers(model, prompts, { maxTokens, order, most, signal, onProgress });
    show.end();
    const { database, answers, tokens, skipped } = built;
    const description = `Greedy answers of ${basename(model.info.path)} (${model.info.hash.slice(0, 16)}) to ${answers} prompts`;
    const bytes = writeDatabase(flags.out, { database, tokenizerHash: tokenizer.hash, description });
    const seconds = (performance.now() - started) / 1000;
    if (flags.json) return print({ out: flags.out, bytes, ngrams: database.size, answers, tokens, skipped, seconds });
    process.stderr.write(
      `${flags.out}: ${database.size} n-grams of ${answers} answers with ${tokens} tokens, ${size(bytes)}, ` +
        `${seconds.toFixed(1)} s${skipped > 0 ? `; ${skipped} prompts are too long for the context` : ""}\n`,
    );
  });
}

async function inspect(file: string, { model, text, after, top, json }: InspectFlags): Promise<void> {
  const stored = readDatabase(file);
  const facts = { ...describe(stored), bytes: statSync(file).size };
  if (!text && after === undefined) return json ? print(facts) : table(facts);
  const path = await findModel(model);
  using tokenizer = openTokenizer(path);
  const { database } = readDatabase(file, { hash: tokenizer.hash, path });
  const length = database.kind === "model" ? database.order : inspectedTokens;
  const entries = (text ? mostFrequent(database, length, top) : []).map(({ tokens, weight }) => ({
    count: weight,
    text: tokenizer.decode(tokens),
  }));
  const drafts =
    after === undefined
      ? []
      : follow(stored, tokenizer.encode(after), top).map(({ tokens, weight }) => ({
          count: weight,
          text: tokenizer.decode(tokens),
        }));
  if (json) return print({ ...facts, ...(text && { entries }), ...(after !== undefined && { drafts }) });
  table(facts);
  for (const { count, text } of [...entries, ...drafts])
    process.stdout.write(`${String(count).padStart(8)}  ${JSON.stringify(text)}\n`);
}

const inspectedTokens = 6;

/** The heaviest continuations after the longest end of `tokens` that the database knows. */
function follow(
  { database }: StoredDatabase,
  tokens: Int32Array,
  most: number,
): { tokens: number[]; weight: number }[] {
  for (let keyLength = Math.min(tokens.length, 8); keyLength > 0; keyLength--) {
    const span = findKey(database, tokens, tokens.length - keyLength, keyLength);
    const trie = continuations(database, span, keyLength, { maxDepth: inspectedTokens, maxNodes: 1000, maxRows: most });
    if (trie.token.length === 0) continue;
    const rows: { tokens: number[]; weight: number }[] = [];
    for (let node = 0; node < trie.token.length; node++) {
      if (trie.parent.includes(node)) continue;
      const row: number[] = [];
      for (let i = node; i >= 0; i = trie.parent[i]) row.unshift(trie.token[i]);
      rows.push({ tokens: row, weight: trie.weight[node] });
    }
    return rows.sort((a, b) => b.weight - a.weight);
  }
  return [];
}

function describe({ database, tokenizerHash, description }: StoredDatabase) {
  const counts =
    database.kind === "model"
      ? { ngrams: database.size, order: database.order }
      : { tokens: database.size - database.documents, documents: database.documents };
  return { kind: database.kind, ...counts, vocabulary: database.vocabSize, tokenizerHash, description };
}

function table(facts: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(facts)) process.stdout.write(`${key.padEnd(14)} ${value}\n`);
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Draws one line on a terminal, a few times a second. */
function progress<T>(text: (value: T) => string): ((value: T) => void) & { end(): void } {
  const { isTTY } = styleOf(process.stderr);
  let next = 0;
  const show = (value: T) => {
    if (!isTTY || performance.now() < next) return;
    next = performance.now() + 200;
    process.stderr.write(`\r\u001b[K${text(value)}`);
  };
  return Object.assign(show, { end: () => isTTY && process.stderr.write("\r\u001b[K") });
}
