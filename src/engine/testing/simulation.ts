// The engine's scheduling under a fake clock: real scheduler, tasks, rounds and prefix cache over a model that costs what it
// is told to. One seed is one run: arrivals, prompts, aborts, slow clients, failing forwards and drafters follow from it.
import { Calibration, type Drafter, Guard, lookupDrafter, sharedCurve, unmeasuredCurve } from "../../drafting/index.ts";
import { seededRandom } from "../../lm/toy/index.ts";
import { GenerationTask } from "../generation-task.ts";
import { PrefixCache } from "../prefix-cache.ts";
import type { FromHost } from "../protocol.ts";
import { toRequest } from "../request.ts";
import { Scheduler, type SchedulerOptions } from "../scheduler.ts";
import { continuation, HashModel } from "./hash-model.ts";
import { toyEngineModel, vocabSize } from "./toy-runtime.ts";

/** Parts that a test may replace, to see that the checks notice. */
export interface Parts {
  readonly cache?: () => PrefixCache;
  readonly scheduler?: (options: SchedulerOptions<GenerationTask>) => Scheduler<GenerationTask>;
  readonly round?: typeof GenerationTask.round;
}

interface Client {
  readonly id: number;
  readonly scope: string;
  readonly prompt: Int32Array;
  readonly maxTokens: number;
  readonly arrives: number;
  /** Leaves then, or after so many tokens. */
  readonly leavesAt: number;
  readonly leavesAfter: number;
  readonly breaks: boolean;
  readonly tokens: number[];
  end: "none" | "finished" | "error" | "left";
  cached: number;
}

const contextLength = 400;
const end = 257;
/** A client that takes nothing for so long is cut off, as the server does; its tokens wait meanwhile. */
const stallMs = 200;

/** Runs a seed; throws at the first broken promise. Returns a trace that equals that of the same seed. */
export function simulate(seed: number, parts: Parts = {}): string {
  const random = seededRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  let now = 0;
  const failing = below(4) === 0 ? 0.1 : 0;
  const perRowMs = 0.05 + random();
  const maxRows = contextLength * (1 + below(4));
  const model = new HashModel({
    vocabSize,
    contextLength,
    maxRows,
    onForward({ token }) {
      now += 1 + perRowMs * token.length;
      if (failing > 0 && random() < failing) throw new Error("forward failed");
    },
  });
  const target = toyEngineModel("target", model);
  const cache = parts.cache?.() ?? new PrefixCache();
  const clock = () => now;
  const curve = unmeasuredCurve();
  const shared = { model, curve: sharedCurve(curve), clock };
  const round = parts.round ?? GenerationTask.round.bind(GenerationTask);
  let reads = 0;
  let wasRound = false;
  const options: SchedulerOptions<GenerationTask> = {
    round: (tasks) => {
      wasRound = true;
      return round(tasks, shared);
    },
    parallel: 1 + below(6),
    noRoom: () => new Error("no room"),
    clock,
  };
  const scheduler = parts.scheduler?.(options) ?? new Scheduler<GenerationTask>(options);

  // Prompts begin alike, in one scope and across scopes.
  const stem = Array.from({ length: 300 }, () => below(24));
  const clients = Array.from({ length: 2 + below(4) }, (_, id): Client => {
    const kept = below(3) === 0 ? below(240) : 64 * below(4);
    const own = Array.from({ length: below(5) === 0 ? 150 : 1 + below(20) }, () => below(24));
    const kind = below(8);
    const arrives = below(4) * below(60);
    return {
      id,
      scope: `scope ${below(3)}`,
      prompt: Int32Array.from([...stem.slice(0, kept), ...own]),
      maxTokens: 1 + below(12),
      arrives,
      leavesAt: kind === 0 ? arrives + below(200) : kind === 1 ? arrives + stallMs : Number.POSITIVE_INFINITY,
      leavesAfter: kind === 2 ? below(6) : Number.POSITIVE_INFINITY,
      breaks: kind === 3 && below(2) === 0,
      tokens: [],
      end: "none",
      cached: 0,
    };
  });
  const trace: string[] = [];
  const fail = (what: string): never => {
    throw new Error(`seed ${seed}: ${what}`);
  };
  const send = (message: FromHost) => {
    if (!("id" in message)) return;
    const client = clients[message.id];
    if (client.end !== "none") fail(`client ${client.id} gets ${message.type} after its end`);
    if (message.type === "round") client.tokens.push(...message.tokens.map(({ token }) => token));
    if (message.type === "error") {
      client.end = "error";
      if (failing === 0 && !client.breaks) fail(`client ${client.id} fails: ${message.error.message}`);
    }
    if (message.type === "finished") {
      client.end = "finished";
      client.cached = message.result.cachedTokens;
    }
    trace.push(`${now.toFixed(3)} ${client.id} ${message.type} ${client.tokens.length}`);
  };
  const submit = (client: Client) => {
    const request = toRequest({
      maxTokens: client.maxTokens,
      seed: client.id,
      cacheScope: client.scope,
      draft: below(4) === 0 ? "off" : "auto",
      ...(below(5) === 0 && { draft: "auto", budget: 1 + below(6) }),
    });
    const mode = request.draft.length === 0 ? "off" : request.budget === undefined ? "auto" : "forced";
    const drafters = mode === "off" ? [] : [client.breaks ? breaking(below(5)) : lookupDrafter()];
    const task = new GenerationTask(
      client.id,
      target,
      { ...request, prompt: { tokens: client.prompt } },
      {
        drafters,
        policy: { mode, budget: request.budget },
        curve,
        calibration: new Calibration(),
        guard,
        cache,
        clock,
      },
      send,
    );
    const start = task.start.bind(task);
    task.start = () => {
      const has = start();
      if (has) started.add(client.id);
      return has;
    };
    scheduler.submit(client.id, task);
  };
  const guard = new Guard();
  const leave = (client: Client) => {
    if (client.end !== "none") return;
    client.end = "left";
    trace.push(`${now.toFixed(3)} ${client.id} leaves`);
    const before = model.pool.left + cache.idleRows;
    if (!scheduler.abort(client.id)) fail(`client ${client.id} leaves, and the scheduler knows nothing of it`);
    if (started.has(client.id) && model.pool.left + cache.idleRows <= before) fail("rows are held after a client left");
  };
  const started = new Set<number>();

  const waiting = [...clients].sort((a, b) => a.arrives - b.arrives || a.id - b.id);
  const submitted: Client[] = [];
  const work = clients.reduce((sum, { prompt, maxTokens }) => sum + Math.ceil(prompt.length / 128) + maxTokens, 0);
  for (let ticks = 0; waiting.length > 0 || !scheduler.idle; ticks++) {
    if (ticks > work + clients.length) fail("no progress: more turns than there is work");
    if (scheduler.idle && waiting.length > 0) now = Math.max(now, waiting[0].arrives);
    for (let next = waiting[0]; next && next.arrives <= now; next = waiting[0]) {
      waiting.shift();
      submitted.push(next);
      submit(next);
    }
    for (const client of submitted) {
      if (client.leavesAt <= now || client.tokens.length >= client.leavesAfter) leave(client);
    }
    const decoding = submitted.some(({ end: over, tokens }) => over === "none" && tokens.length > 0);
    wasRound = false;
    const before = now;
    scheduler.tick();
    // A chunk that was found in the cache takes no time.
    if (wasRound || !decoding) reads = 0;
    else if (now > before) reads++;
    if (reads > 1) fail("a running text waits for two chunks of others in a row");
  }
  for (const client of clients) check(client, clients, fail);
  while (cache.evict());
  if (model.pool.left !== maxRows) fail(`${maxRows - model.pool.left} rows leaked`);
  return trace.join("\n");
}

function check(client: Client, clients: readonly Client[], fail: (what: string) => never): void {
  const { id, prompt, maxTokens, tokens, cached } = client;
  const all = continuation(prompt, Math.min(maxTokens, contextLength - prompt.length), vocabSize);
  const stop = all.indexOf(end);
  const expected = stop < 0 ? all : all.slice(0, stop + 1);
  const got = tokens.join();
  if (client.end === "none") fail(`client ${id} never ends`);
  if (got !== expected.slice(0, tokens.length).join()) fail(`client ${id} got ${got}, not ${expected}`);
  if (client.end === "finished" && tokens.length !== expected.length) fail(`client ${id} lost tokens`);
  const known = clients.filter(({ id: other, scope }) => other !== id && scope === client.scope);
  const shared = Math.max(0, ...known.map((other) => common(other.prompt, prompt)));
  if (cached > shared || cached >= prompt.length) fail(`client ${id} was given ${cached} rows of another scope`);
}

function common(a: Int32Array, b: Int32Array): number {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  return i;
}

/** Throws in its n-th bid. */
function breaking(n: number): Drafter {
  const lookup = lookupDrafter();
  return {
    ...lookup,
    open(view) {
      const session = lookup.open(view);
      let bids = 0;
      return {
        ...session,
        bid(context) {
          if (bids++ === n) throw new Error("the drafter broke");
          return session.bid(context);
        },
        expand: (bid, nodes, floor) => session.expand(bid, nodes, floor),
        observe: (result) => session.observe(result),
        close: () => session.close(),
      };
    },
  };
}
