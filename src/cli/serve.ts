import { basename } from "node:path";
import { Command, Option } from "commander";
import { findModel, isRemote, type MemoryPlan, planMemory, planTable } from "../engine/index.ts";
import { readApiKeys, serve } from "../server/index.ts";
import { adapterFile, integer, loadFromFlags, type ModelFlags, names, withModelFlags } from "./flags.ts";

interface Flags extends ModelFlags {
  host: string;
  port: number;
  draft: string[];
  parallel: number;
  queue?: number;
  apiKeyFile?: string;
  cors?: string[];
  maxTokens?: number;
  timeout?: number;
  logLevel: "debug" | "info" | "warn" | "error" | "silent";
  logTexts?: boolean;
  also?: string[];
  idle?: number;
  plan?: boolean;
}

/** Files that fit the model of --model only. */
const ofDefaultModel = { lora: undefined, head: undefined, layerSkip: undefined, db: undefined, pool: undefined };

export function serveCommand(): Command {
  const command = new Command("serve").description(
    "Serve a model to OpenAI's and Anthropic's clients, drafting for all.",
  );
  return withModelFlags(command)
    .option("--host <address>", "where to listen; others than this machine need an address of its network", "127.0.0.1")
    .option("--port <n>", "port; 0 takes a free one", integer(0), 8080)
    .option("--draft <methods>", "for requests that do not say: auto, off, or drafters' names", names, ["auto"])
    .option("--parallel <n>", "generations that run at once", integer(1), 4)
    .option("--queue <n>", "generations that may wait beside them; more get 429", integer(0))
    .option("--also <models>", "more models, with commas; each is loaded when a request names it", names)
    .option("--idle <seconds>", "unload those after so long without requests", integer(0), 300)
    .option("--api-key-file <file>", "API keys, one a line; DRAFTWRIGHT_API_KEYS (with commas) does the same")
    .option("--cors <origins>", "origins of web pages that may ask, with commas, or *", names)
    .option("--max-tokens <n>", "most tokens of one generation", integer(1))
    .option("--timeout <seconds>", "longest request, waiting included", integer(1))
    .addOption(
      new Option("--log-level <level>", "JSON lines on stderr")
        .choices(["debug", "info", "warn", "error", "silent"])
        .default("warn"),
    )
    .option("--log-texts", "log prompts and outputs too")
    .option("--plan", "print what memory all this needs, and load nothing")
    .action((flags: Flags) => run(flags, command.getOptionValueSource("parallel") === "default"));
}

/** `fewer`: nobody said how many at once, so memory may. */
async function run(flags: Flags, fewer: boolean): Promise<void> {
  const apiKeys = keysOf(flags);
  const available = usesGpu(flags) ? { availableBytes: Number.POSITIVE_INFINITY } : {};
  const planOf = (flags: Flags, parallel: number, fewer: boolean) => {
    const { model, draftModel, context: contextLength } = flags;
    const draftModels = draftModel?.join() === "none" ? [] : draftModel;
    const adapters = flags.lora?.map(adapterFile);
    return planMemory({ model, draftModels, adapters, contextLength, parallel, fewer, ...available });
  };
  // A name that is wrong is said now, not to the first who asks for it.
  for (const name of flags.also ?? []) if (!isRemote(name)) await findModel(name);
  const plan = await planOf(flags, flags.parallel, fewer);
  if (flags.plan) {
    process.stdout.write(planTable(plan));
    return;
  }
  const leaving = signalled(["SIGINT", "SIGTERM"]);
  const loadPlanned = (flags: Flags, { contextLength, parallel }: MemoryPlan) =>
    loadFromFlags({ ...flags, context: flags.context ?? contextLength, kvRows: parallel * contextLength });
  const load = async (model: string, draftModel: string[] | undefined) => {
    const others = { ...flags, ...ofDefaultModel, model, draftModel };
    return loadPlanned(others, await planOf(others, plan.parallel, false));
  };
  await using model = await loadPlanned(flags, plan);
  const server = await serve({
    model,
    ...(flags.model !== undefined && !isRemote(flags.model) && { modelId: idOf(flags.model) }),
    others: Object.fromEntries((flags.also ?? []).map((name) => [idOf(name), () => load(name, undefined)])),
    load: (name, draftModels) => load(name, draftModels && [...draftModels]),
    idleSeconds: flags.idle,
    host: flags.host,
    port: flags.port,
    draft: flags.draft.length === 1 ? flags.draft[0] : flags.draft,
    parallel: plan.parallel,
    queue: flags.queue,
    apiKeys,
    cors: flags.cors,
    limits: { maxTokens: flags.maxTokens, requestSeconds: flags.timeout },
    log: { level: flags.logLevel, texts: flags.logTexts },
  });
  if (!isLocal(flags.host)) process.stderr.write(openWarning(flags.host, apiKeys.length > 0));
  if (plan.shrunk) process.stderr.write(`memory is short: ${planTable(plan)}`);
  process.stderr.write(`listening on ${server.url}\n`);
  await leaving;
  await server.close();
}

/** Its memory is not this machine's; the device itself refuses what does not fit. */
function usesGpu({ device }: Flags): boolean {
  return device !== undefined && device.toLowerCase() !== "cpu";
}

function idOf(model: string): string {
  return basename(model).replace(/\.gguf$/, "");
}

function keysOf({ apiKeyFile }: Flags): string[] {
  const fromEnvironment = (process.env.DRAFTWRIGHT_API_KEYS ?? "").split(",").filter((key) => key !== "");
  return [...(apiKeyFile === undefined ? [] : readApiKeys(apiKeyFile)), ...fromEnvironment];
}

function isLocal(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

function openWarning(host: string, hasKeys: boolean): string {
  const who = hasKeys ? "with one of its API keys" : "WITHOUT ANY KEY (give --api-key-file)";
  return `WARNING: ${host} can be reached from other machines. Whoever reaches it may use this model ${who}, and reads and writes plain HTTP: put a proxy with TLS before it.\n`;
}

/** Resolves with the first of these; a second one ends the process at once. */
function signalled(signals: readonly NodeJS.Signals[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve();
      });
    }
  });
}
