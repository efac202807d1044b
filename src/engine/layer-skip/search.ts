import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  CalibrationTexts,
  type Evaluation,
  LayerSkipSearch,
  layerSkipDrafter,
  measureStepCosts,
  type Objective,
  type SavedSkipSet,
  type StepCosts,
} from "../../drafting/index.ts";
import { DraftwrightError } from "../../errors.ts";
import { replaceFile } from "../../files.ts";
import type { LoadOptions } from "../../lm/load.ts";
import { encodePrompt } from "../generation-task.ts";
import type { EngineModel, LoadModelFile } from "../runtime.ts";
import { read, writeSkipSet } from "./files.ts";

export interface SkipSearchOptions {
  readonly load: Pick<LoadOptions, "threads" | "device" | "numerics">;
  /** Texts like those that will be decoded; at most eight are used, spread evenly. */
  readonly prompts: readonly string[];
  /** Continuation of each prompt; default 32. */
  readonly tokens?: number;
  /** Longest draft considered; default 5. */
  readonly maxDraft?: number;
  readonly objective: Objective;
  readonly seed: number;
  /** Skip sets to try; default 100. */
  readonly iterations?: number;
  /** No further set is tried after so many seconds. */
  readonly budgetSeconds?: number;
  /** The saved skip set goes here, the state of the search beside it (`.search`), after every set. */
  readonly out: string;
  /** Go on from the state of an earlier search with the same settings, if there is one. */
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
  readonly onEvaluation?: (evaluation: Evaluation, best: Evaluation, tried: number) => void;
}

const mostPrompts = 8;
/** Rows of one text; longer prompts lose their beginning. */
const textRows = 512;

interface State {
  readonly format: "draftwright-layer-skip-search";
  readonly settings: Readonly<Record<string, unknown>>;
  readonly costs: StepCosts;
  readonly evaluations: readonly Evaluation[];
}

/**
 * Searches what the model at `path` can leave out to draft for itself, and saves the best set with the verdict. Computes on
 * the calling thread. Throws "aborted" between two sets; the state is saved then.
 */
export async function searchSkipSet(
  path: string,
  options: SkipSearchOptions,
  loadFile: LoadModelFile,
): Promise<SavedSkipSet> {
  const started = performance.now();
  const { iterations, objective, seed, out, maxDraft = 5, tokens = 32 } = options;
  const prompts = spread(options.prompts, mostPrompts);
  using target = loadFile(path, { ...options.load, kvRows: (prompts.length + 1) * textRows });
  const settings = settingsOf(target, prompts, { objective, seed, maxDraft, tokens });
  const statePath = `${out}.search`;
  const earlier = options.resume ? readState(statePath, settings) : undefined;
  using calibration = textsOf(target, prompts, tokens);
  const kv = Math.min(400, Math.round(mean(calibration.texts.map((text) => text.tokens.length))));
  const costs = earlier?.costs ?? measureStepCosts(target.model, { width: maxDraft + 1, kv });
  const search = new LayerSkipSearch({
    calibration,
    costs,
    objective,
    seed,
    maxDraft,
    iterations,
    evaluations: earlier?.evaluations,
  });
  while (true) {
    const evaluation = search.step();
    if (!evaluation) break;
    const { evaluations } = search;
    const state: State = { format: "draftwright-layer-skip-search", settings, costs, evaluations };
    replaceFile(statePath, `${JSON.stringify(state)}\n`);
    options.onEvaluation?.(evaluation, search.best as Evaluation, evaluations.length);
    await nextTurn();
    if (options.signal?.aborted) {
      throw new DraftwrightError("aborted", `Interrupted; --resume goes on from ${statePath}.`);
    }
    if (performance.now() - started > 1000 * (options.budgetSeconds ?? Number.POSITIVE_INFINITY)) break;
  }
  const { best, skip, cost, speed, ceiling, verdict } = search.finish();
  const saved: SavedSkipSet = {
    ...keyOf(target),
    skipAttn: skip.attention,
    skipMlp: skip.mlp,
    layerCount: target.model.layerCount,
    maxDraft: best.draftLength,
    ...layerSkipDrafter({ skip }).state,
    ...cost,
    calibration: { prompts: calibration.texts.length, tokens: calibration.tokens, acceptance: best.acceptance },
    tokensPerSec: speed.tokensPerSec,
    plainTokensPerSec: speed.plainTokensPerSec,
    search: { objective, seed, evaluated: search.evaluations.length, ceiling },
    verdict,
  };
  writeSkipSet(out, saved);
  return saved;
}

function keyOf({ hash, device, threads, model }: EngineModel) {
  return { modelHash: hash, device, threads, numerics: model.numerics };
}

function settingsOf(target: EngineModel, prompts: readonly string[], rest: object): State["settings"] {
  const hash = createHash("sha256").update(JSON.stringify(prompts)).digest("hex");
  return { ...keyOf(target), ...rest, prompts: hash };
}

/** Undefined when there is no file. Throws "bad-argument" when it is of a search with other settings. */
function readState(path: string, settings: State["settings"]): State | undefined {
  if (!existsSync(path)) return undefined;
  let state: Partial<State>;
  try {
    state = Object(JSON.parse(read(path)));
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `${path} is damaged. Delete it, or search without --resume.`, { cause });
  }
  const known: Readonly<Record<string, unknown>> = state.settings ?? {};
  const other = Object.keys(settings).find((key) => known[key] !== settings[key]);
  if (other !== undefined || !state.costs || !state.evaluations) {
    throw new DraftwrightError(
      "bad-argument",
      `${path} is the state of a search with another ${other ?? "format"}. Use the same settings, or search without --resume.`,
    );
  }
  return state as State;
}

/** The end of each prompt that fits; continued by the target. */
function textsOf(target: EngineModel, prompts: readonly string[], tokens: number): CalibrationTexts {
  const rows = Math.min(textRows, target.model.contextLength);
  const encoded = prompts.map((text) => {
    const prompt = encodePrompt(target, { segments: [{ text, special: false }] });
    return prompt.subarray(Math.max(0, prompt.length - Math.max(1, rows - tokens)));
  });
  return new CalibrationTexts(target.model, encoded, tokens, new Set(target.tokenizer.endOfGeneration));
}

function spread<T>(values: readonly T[], most: number): T[] {
  const count = Math.min(values.length, most);
  return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]);
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
