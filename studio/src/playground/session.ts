// The playground's state: settings, the conversation, and the generations of this visit, which other views draw too.
import { inWords } from "../api/client.ts";
import { generate, type Round, type Token } from "../api/generate.ts";
import { createStore, remember, remembered } from "../parts/store.ts";

export type Mode = "chat" | "completion";

export interface Settings {
  readonly mode: Mode;
  readonly model: string;
  readonly system: string;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly maxTokens: number;
  /** Empty: a new one each time. */
  readonly seed: string;
  readonly stop: string;
  /** `auto`, `off` or `some`: those of `methods`. */
  readonly draft: "auto" | "off" | "some";
  readonly methods: readonly string[];
  /** Empty: as many as pay. */
  readonly budget: string;
  readonly prediction: string;
}

/** What running again, with and without drafting, showed. */
export interface Check {
  readonly same: boolean;
  readonly draftedPerSecond: number;
  readonly plainPerSecond: number;
}

export interface Run {
  readonly id: number;
  readonly mode: Mode;
  readonly prompt: string;
  /** What was posted, without what only streams have. */
  readonly body: object;
  readonly drafts: boolean;
  readonly tokens: readonly Token[];
  readonly rounds: readonly Round[];
  readonly state: "running" | "done" | "stopped" | "failed";
  readonly finish?: string;
  readonly problem?: string;
  readonly promptTokens?: number;
  readonly check?: Check | "running";
}

interface Session {
  readonly settings: Settings;
  readonly draftText: string;
  /** The conversation, or the one completion. */
  readonly shown: readonly Run[];
  /** All of this visit, oldest first. */
  readonly runs: readonly Run[];
}

export const defaults: Settings = {
  mode: "completion",
  model: "default",
  system: "",
  temperature: 0,
  topP: 1,
  topK: 0,
  maxTokens: 200,
  seed: "",
  stop: "",
  draft: "auto",
  methods: [],
  budget: "",
  prediction: "",
};

/** Generations that the other views draw. */
const keptRuns = 20;

export const session = createStore<Session>({
  settings: remembered("settings", defaults),
  draftText: "",
  shown: [],
  runs: [],
});

let controller: AbortController | undefined;
let runs = 0;

export function change(settings: Partial<Settings>): void {
  const all = { ...session.get().settings, ...settings };
  if (settings.mode !== undefined && settings.mode !== session.get().settings.mode) {
    stop();
    session.set({ shown: [] });
  }
  session.set({ settings: all });
  remember("settings", { ...all, prediction: "", system: "" });
}

export function stop(): void {
  controller?.abort();
}

export function clear(): void {
  stop();
  session.set({ shown: [] });
}

export const textOf = ({ tokens }: Run) => tokens.map(({ text }) => text).join("");

/** The latest generation that has rounds. */
export const latestRun = (all: readonly Run[]) => all.findLast(({ rounds }) => rounds.length > 0);

export async function send(text: string): Promise<void> {
  stop();
  const { settings, shown } = session.get();
  const isChat = settings.mode === "chat";
  const body = bodyOf(settings, text, isChat ? shown : []);
  const run: Run = {
    id: ++runs,
    mode: settings.mode,
    prompt: text,
    body,
    drafts: settings.draft !== "off",
    tokens: [],
    rounds: [],
    state: "running",
  };
  session.set({
    shown: isChat ? [...shown, run] : [run],
    runs: [...session.get().runs, run].slice(-keptRuns),
    draftText: isChat ? "" : text,
  });
  const own = new AbortController();
  controller = own;
  const show = { sources: true, rounds: true };
  const tokens: Token[] = [];
  const rounds: Round[] = [];
  try {
    for await (const event of generate(withDraft(body, show), own.signal)) {
      if (event.type === "token") tokens.push(event.token);
      else if (event.type === "round") rounds.push(event.round);
      else if (event.type === "finish") update(run.id, { finish: event.reason });
      else update(run.id, { promptTokens: event.usage.prompt_tokens });
      update(run.id, { tokens: tokens.slice(), rounds: rounds.slice() });
    }
    update(run.id, { state: "done" });
  } catch (error) {
    const problem = inWords(error);
    update(run.id, problem === undefined ? { state: "stopped" } : { state: "failed", problem });
  }
}

/** In turn, so that a slow second hits both; the fastest counts. Slow models are asked once. */
const passes = 4;
const enoughMs = 4000;

/** Generates the same again, with and without drafting and without watching, and compares. */
export async function check({ id, body, tokens }: Run): Promise<void> {
  const own = new AbortController();
  controller = own;
  update(id, { check: "running" });
  const said = tokens.map(({ text }) => text).join("");
  try {
    const { prediction: _, draft: __, ...plainBody } = body as { prediction?: object; draft?: object };
    const begun = performance.now();
    const best = { drafted: 0, plain: 0 };
    let same = true;
    for (let pass = 0; pass < passes && (pass === 0 || performance.now() - begun < enoughMs); pass++) {
      const drafted = await timed(body, own.signal);
      const plain = await timed({ ...plainBody, draft: "off" }, own.signal);
      same &&= plain.text === drafted.text && plain.text.startsWith(said);
      best.drafted = Math.max(best.drafted, drafted.perSecond);
      best.plain = Math.max(best.plain, plain.perSecond);
    }
    update(id, { check: { same, draftedPerSecond: best.drafted, plainPerSecond: best.plain } });
  } catch (error) {
    update(id, { check: undefined, problem: inWords(error) });
  }
}

/** Tokens per second from the first token to the last, as they arrive here. */
async function timed(body: object, signal: AbortSignal) {
  let text = "";
  let first = 0;
  let tokens = 0;
  for await (const event of generate(body, signal)) {
    if (event.type === "usage") tokens = event.usage.completion_tokens;
    if (event.type !== "token") continue;
    if (first === 0) first = performance.now();
    text += event.token.text;
  }
  return { text, perSecond: ((tokens - 1) * 1000) / Math.max(1, performance.now() - first) };
}

function update(id: number, more: Partial<Run>): void {
  const changed = (run: Run) => (run.id === id ? { ...run, ...more } : run);
  const { shown, runs: all } = session.get();
  session.setSoon({ shown: shown.map(changed), runs: all.map(changed) });
}

function withDraft(body: object, more: object): object {
  const { draft } = body as { draft?: object };
  return { ...body, draft: { ...draft, ...more } };
}

/** The request, as any client could post it. */
function bodyOf(settings: Settings, text: string, before: readonly Run[]): object {
  const { system, draft, methods, prediction, model } = settings;
  const said = before.flatMap((run) => [
    { role: "user", content: run.prompt },
    { role: "assistant", content: textOf(run) },
  ]);
  const input =
    settings.mode === "completion"
      ? { prompt: text }
      : {
          messages: [
            ...(system.trim() === "" ? [] : [{ role: "system", content: system }]),
            ...said,
            { role: "user", content: text },
          ],
        };
  const method = draft === "some" ? (methods.length > 0 ? methods : "auto") : draft;
  const budget = draft !== "off" && settings.budget !== "" ? { budget: Number(settings.budget) } : {};
  const stops = settings.stop.split("\n").filter((line) => line !== "");
  return {
    model,
    ...input,
    max_tokens: settings.maxTokens,
    temperature: settings.temperature,
    ...(settings.topP < 1 && { top_p: settings.topP }),
    ...(settings.topK > 0 && { top_k: settings.topK }),
    seed: settings.seed === "" ? Math.floor(Math.random() * 2 ** 31) : Number(settings.seed),
    ...(stops.length > 0 && { stop: stops }),
    ...(prediction !== "" && draft !== "off" && { prediction: { type: "content", content: prediction } }),
    draft: { method, ...budget },
  };
}
