// The training loop: budget, learning rate, held-out evaluation, early stop, saving and going on. What is learned is a
// task; this file knows nothing of text or models.
import { existsSync, rmSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { DraftwrightError } from "../errors.ts";
import { cosine, loadRun, type Optimiser, type Parameters, type Random, saveRun } from "../nn/index.ts";
import { ThreadChoice } from "./thread-choice.ts";

export interface TrainingTask {
  readonly parameters: Parameters;
  readonly optimiser: Optimiser;
  /** Decides the order of the data; its state is saved with the run. */
  readonly random: Random;
  /** Adds the gradients of one batch. `share` of the budget is spent. */
  batch(share: number): { readonly loss: number; readonly tokens: number };
  /** Measures on held-out data, by name. */
  evaluate(): Readonly<Record<string, number>>;
  /** Which of them decides what is kept, and whether more of it is better. */
  readonly criterion: { readonly name: string; readonly more: boolean };
  /** Writes the artefact of the present parameters. */
  save(path: string): void;
}

export interface Budget {
  /** Of work: of the process or of the clock, whichever is less. */
  readonly seconds?: number;
  readonly tokens?: number;
  readonly steps?: number;
}

export interface LoopOptions {
  /** The artefact: the best parameters so far. The run's state lies beside it in `<out>.state`. */
  readonly out: string;
  readonly budget: Budget;
  /** Highest learning rate; a cosine over the budget after a warm-up of 5 %. */
  readonly rate: number;
  /** Batches an update; default 1. */
  readonly accumulate?: number;
  /** Evaluations within the budget; default 20. */
  readonly evaluations?: number;
  /** Stop after so many evaluations without a better one; default never. */
  readonly patience?: number;
  /** Go on from `<out>.state` if it is there. Without it an old state is an error only where it would be lost. */
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
  /** Seconds between saves of the state; a killed run loses no more. Default 20. */
  readonly saveSeconds?: number;
  readonly onEvent?: (event: TrainingEvent) => void;
}

/** What happened, as it goes to logs: one object each. */
export type TrainingEvent = { readonly steps: number; readonly tokens: number; readonly seconds: number } & (
  | { readonly event: "start"; readonly resumed: boolean; readonly parameters: number }
  | {
      readonly event: "step";
      readonly loss: number;
      readonly rate: number;
      readonly norm: number;
      readonly share: number;
      readonly tokensPerSecond: number;
    }
  | { readonly event: "evaluation"; readonly measures: Readonly<Record<string, number>>; readonly best: boolean }
  | { readonly event: "saved"; readonly path: string }
  | { readonly event: "end"; readonly reason: StopReason; readonly best: number }
);

export type StopReason = "budget" | "patience" | "interrupted";

export interface TrainingResult {
  readonly reason: StopReason;
  readonly steps: number;
  readonly tokens: number;
  readonly seconds: number;
  /** The criterion at the saved artefact. */
  readonly best: number;
}

interface Progress {
  steps: number;
  tokens: number;
  seconds: number;
  best: number | null;
  evaluations: number;
  since: number;
}

/** Runs a task to the end of its budget. Throws `bad-argument` without a budget, `diverged` when a loss is not finite. */
export async function train(task: TrainingTask, options: LoopOptions): Promise<TrainingResult> {
  const { budget, out, evaluations = 20, accumulate = 1, onEvent = () => {} } = options;
  if (budget.seconds === undefined && budget.tokens === undefined && budget.steps === undefined) {
    throw new DraftwrightError("bad-argument", "a training run needs a budget: seconds, tokens or steps");
  }
  const state = `${out}.state`;
  const run = { parameters: task.parameters, optimiser: task.optimiser, random: task.random };
  const progress: Progress = { steps: 0, tokens: 0, seconds: 0, best: null, evaluations: 0, since: 0 };
  const resumed = options.resume === true && existsSync(state);
  if (resumed) Object.assign(progress, loadRun(state, run));
  const at = () => ({ steps: progress.steps, tokens: progress.tokens, seconds: progress.seconds });
  onEvent({ ...at(), event: "start", resumed, parameters: task.parameters.count });

  const share = () =>
    Math.max(
      progress.seconds / (budget.seconds ?? Number.POSITIVE_INFINITY),
      progress.tokens / (budget.tokens ?? Number.POSITIVE_INFINITY),
      progress.steps / (budget.steps ?? Number.POSITIVE_INFINITY),
    );
  const perMille = cosine(options.rate, 1000, 50, options.rate * 0.05);
  // A process that was stopped, or that others kept from the processor, has not used its budget.
  let last = { wall: performance.now(), work: processorMs() };
  const tick = () => {
    const now = { wall: performance.now(), work: processorMs() };
    progress.seconds += Math.min(now.wall - last.wall, now.work - last.work) / 1000;
    last = now;
  };
  let saved = performance.now();
  const save = () => {
    saved = performance.now();
    saveRun(state, run, progress);
    onEvent({ ...at(), event: "saved", path: state });
  };
  const { backend } = task.parameters;
  const threads = new ThreadChoice(backend.threads);
  const evaluate = () => {
    backend.useThreads(threads.best);
    const measures = task.evaluate();
    const value = measures[task.criterion.name];
    const best = progress.best === null || (task.criterion.more ? value > progress.best : value < progress.best);
    progress.evaluations++;
    progress.since = best ? 0 : progress.since + 1;
    if (best) {
      progress.best = value;
      task.save(out);
    }
    tick();
    onEvent({ ...at(), event: "evaluation", measures, best });
  };

  let reason: StopReason = "budget";
  if (!resumed) evaluate();
  while (share() < 1) {
    // Gives signals and messages their turn.
    await setImmediate();
    if (options.signal?.aborted) {
      reason = "interrupted";
      break;
    }
    const chosen = threads.next();
    backend.useThreads(chosen);
    const start = performance.now();
    let [loss, tokens] = [0, 0];
    for (let i = 0; i < accumulate; i++) {
      const batch = task.batch(share());
      loss += batch.loss / accumulate;
      tokens += batch.tokens;
    }
    if (!Number.isFinite(loss)) {
      throw new DraftwrightError("diverged", `the loss of step ${progress.steps} is ${loss}; use a lower --rate`);
    }
    const now = perMille(1000 * share());
    const norm = task.optimiser.step(now);
    threads.took(chosen, performance.now() - start);
    progress.steps++;
    progress.tokens += tokens;
    const before = progress.seconds;
    tick();
    const tokensPerSecond = tokens / Math.max(1e-9, progress.seconds - before);
    onEvent({ ...at(), event: "step", loss, rate: now, norm, share: Math.min(1, share()), tokensPerSecond });
    if (share() * evaluations >= progress.evaluations || share() >= 1) {
      evaluate();
      if (options.patience !== undefined && progress.since >= options.patience) {
        reason = "patience";
        break;
      }
    }
    if (performance.now() - saved >= 1000 * (options.saveSeconds ?? 20)) save();
  }
  if (reason === "interrupted") save();
  else rmSync(state, { force: true });
  const best = progress.best ?? Number.NaN;
  onEvent({ ...at(), event: "end", reason, best });
  return { reason, ...at(), best };
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
