// `npm run bench:server`: many streams at once against `draftwright serve` in a process of its own. Each stream must be, token
// by token, what it is alone; then aggregate tokens per second against one stream's, and what HTTP costs one user beside
// `generate` in a process. Prints one JSON object; exits 1 on an error or a stream that differs.
import { type ChildProcess, spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { loadModel } from "../engine/index.ts";
import { machine } from "./harness/machine.ts";
import { root } from "./models.ts";
import { clauseRevisions, fileEdits, unguessable } from "./workloads.ts";

const { values: flags } = parseArgs({
  options: {
    model: { type: "string" },
    draft: { type: "string", default: "auto" },
    streams: { type: "string", default: "32" },
    seconds: { type: "string", default: "60" },
    tokens: { type: "string", default: "64" },
    threads: { type: "string" },
  },
});
const streams = Number(flags.streams);
const maxTokens = Number(flags.tokens);
const texts = [...clauseRevisions, ...fileEdits, ...unguessable];
const requests = Array.from({ length: streams }, (_, i) => ({
  // No two alike, so that a token in the wrong stream shows.
  prompt: `${i}. ${texts[i % texts.length]}`,
  max_tokens: maxTokens,
  temperature: i % 2 === 0 ? 0 : 0.8,
  seed: i,
  draft: flags.draft,
}));
type Request = (typeof requests)[number];

interface Answer {
  readonly text: string;
  readonly tokens: number;
  readonly firstMs: number;
  readonly ms: number;
}

const server = await start();
try {
  for (const request of requests.slice(0, 3)) await ask(request);
  const alone: Answer[] = [];
  const inProcess: number[] = [];
  const threads = flags.threads === undefined ? undefined : Number(flags.threads);
  const model = await loadModel({ model: flags.model, threads });
  for (const { prompt, temperature, seed, draft } of requests) {
    // In turn, so that what the machine does meanwhile hits both.
    alone.push(await ask(requests[seed]));
    const started = performance.now();
    await model.generate(prompt, { maxTokens, temperature, seed, draft }).result;
    inProcess.push(performance.now() - started);
  }
  const { numerics, threads: used } = model.info;
  await model.dispose();
  const load = await together(alone);
  const soloRate = rate(alone);
  const report = {
    machine: machine(),
    model: flags.model ?? "embedded",
    draft: flags.draft,
    numerics,
    threads: used,
    streams,
    maxTokens,
    oneStream: { tokensPerSecond: round(soloRate), firstTokenMs: quantiles(alone.map(({ firstMs }) => firstMs)) },
    together: { ...load, timesOneStream: round(load.tokensPerSecond / soloRate) },
    /** Milliseconds over HTTP divided by milliseconds in the process, the same requests. */
    httpOverGenerate: round(sum(alone.map(({ ms }) => ms)) / sum(inProcess)),
  };
  console.log(JSON.stringify(report, null, 2));
  process.exitCode = load.errors + load.different === 0 ? 0 : 1;
} finally {
  server.child.kill("SIGTERM");
}

/** Every stream asks its own request again and again until the time is up. */
async function together(alone: readonly Answer[]) {
  const answers: Answer[] = [];
  let errors = 0;
  let different = 0;
  const started = performance.now();
  const until = started + Number(flags.seconds) * 1000;
  await Promise.all(
    requests.map(async (request, i) => {
      while (performance.now() < until) {
        try {
          const answer = await ask(request);
          answers.push(answer);
          if (answer.text !== alone[i].text || answer.tokens !== alone[i].tokens) different++;
        } catch (error) {
          errors++;
          process.stderr.write(`stream ${i}: ${(error as Error).message}\n`);
        }
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  return {
    seconds: round(seconds),
    requests: answers.length,
    errors,
    different,
    tokensPerSecond: round(sum(answers.map(({ tokens }) => tokens)) / seconds),
    firstTokenMs: quantiles(answers.map(({ firstMs }) => firstMs)),
  };
}

async function ask(request: Request): Promise<Answer> {
  const started = performance.now();
  const response = await fetch(`${server.url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
  });
  if (!response.ok || response.body === null) throw new Error(`${response.status} ${await response.text()}`);
  let firstMs = 0;
  let stream = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    firstMs ||= performance.now() - started;
    stream += decoder.decode(chunk, { stream: true });
  }
  const events = stream.split("\n\n").filter((event) => event.startsWith("data: {"));
  const chunks = events.map((event) => JSON.parse(event.slice("data: ".length)));
  if (!stream.endsWith("data: [DONE]\n\n")) throw new Error(`The stream ends early: ${stream.slice(-200)}`);
  const text = chunks.map(({ choices }) => choices[0]?.text ?? "").join("");
  return { text, tokens: chunks.at(-1).usage.completion_tokens, firstMs, ms: performance.now() - started };
}

async function start(): Promise<{ url: string; child: ChildProcess }> {
  const args = ["serve", "--port", "0", "--parallel", String(streams), "--queue", "1000", "--log-level", "error"];
  if (flags.model !== undefined) args.push("--model", flags.model);
  if (flags.threads !== undefined) args.push("--threads", flags.threads);
  const child = spawn(process.execPath, [`${root}/bin/draftwright.js`, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const [, found] = /listening on (\S+)\n/.exec(said) ?? [];
      if (found) resolve(found);
    });
    child.on("exit", (code) => reject(new Error(`The server ended with ${code}: ${said}`)));
  });
  return { url, child };
}

function rate(answers: readonly Answer[]): number {
  return (1000 * sum(answers.map(({ tokens }) => tokens))) / sum(answers.map(({ ms }) => ms));
}

function quantiles(values: readonly number[]) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  return { p50: at(0.5), p95: at(0.95) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
