import type { GenerateOptions, GenerateResult, Model, Prompt } from "../../engine/index.ts";
import { DraftwrightError } from "../../errors.ts";
import type { ChatMessage } from "../../lm/chat-template.ts";
import type { PromptEntry } from "./prompts-file.ts";
import type { Survey } from "./replay.ts";
import type { SurveyedPrompt } from "./replays.ts";
import { mean, type PromptMeasurement, type Skip, sum } from "./result.ts";
import { toSurvey } from "./trace/format.ts";
import type { TraceWriter } from "./trace/writer.ts";

export interface RunOptions {
  /** Drafters joined by `+`, or `auto`. Plain decoding is always there. */
  readonly methods: readonly string[];
  readonly repeats: number;
  /** Unmeasured runs of every method on the first prompt that fits. */
  readonly warmups: number;
  readonly survey: boolean;
  readonly generate: GenerateOptions;
  readonly trace?: TraceWriter;
  readonly onProgress?: (done: number, of: number) => void;
}

export interface Runs {
  readonly plain: readonly PromptMeasurement[];
  readonly methods: Readonly<Record<string, readonly (PromptMeasurement | undefined)[]>>;
  readonly surveyed: readonly SurveyedPrompt[];
  readonly skipped: readonly Skip[];
  readonly differing: Readonly<Record<string, number>>;
}

const plainName = "plain";

/**
 * Spec-Bench's protocol: warm-ups, then every prompt with every method in turn, one at a time; the order moves on with prompt
 * and repeat, so that a slow minute hits all. Turn 2 follows the method's own answer to turn 1. Surveys run last: the
 * measured runs do not learn from them.
 */
export async function runBench(model: Model, prompts: readonly PromptEntry[], options: RunOptions): Promise<Runs> {
  const names = [plainName, ...options.methods];
  const skipped: Skip[] = [];
  const times = prompts.map(() => new Map<string, Answer[][]>());
  const differing = Object.fromEntries(options.methods.map((name) => [name, 0]));
  const left = new Set<number>();
  const total = prompts.length * (options.repeats + Number(options.survey));
  let done = 0;

  const warm = prompts.findIndex((_, i) => !left.has(i));
  for (let i = 0; i < options.warmups; i++) {
    for (const name of names) await attempt(() => answer(model, prompts[warm], name, options));
  }
  for (let repeat = 0; repeat < options.repeats; repeat++) {
    for (const [i, prompt] of prompts.entries()) {
      for (let k = 0; k < names.length && !left.has(i); k++) {
        const name = names[(k + i + repeat) % names.length];
        if (skipped.some((skip) => skip.prompt === i + 1 && skip.method === name)) continue;
        const answers = await attempt(() => answer(model, prompt, name, options));
        if (answers instanceof DraftwrightError) {
          const forAll = answers.code === "context-overflow";
          if (forAll) left.add(i);
          skipped.push({
            prompt: i + 1,
            subtask: subtaskOf(prompt),
            ...(!forAll && { method: name }),
            reason: answers.message,
          });
          continue;
        }
        times[i].set(name, [...(times[i].get(name) ?? []), answers]);
      }
      options.onProgress?.(++done, total);
    }
  }
  const kept = prompts.map((_, i) => i).filter((i) => !left.has(i));
  for (const i of kept) {
    for (const name of options.methods) {
      const [theirs] = times[i].get(plainName) as Answer[][];
      for (const [turn, { tokenIds }] of (times[i].get(name)?.[0] ?? []).entries()) {
        if (tokenIds.join() !== theirs[turn].tokenIds.join()) differing[name]++;
      }
    }
  }
  const surveyed: SurveyedPrompt[] = [];
  for (const i of options.survey ? kept : []) {
    const methods: Record<string, Survey[]> = {};
    for (const name of options.methods.filter((name) => times[i].has(name))) {
      const surveys: Survey[] = [];
      await answer(model, prompts[i], name, options, { surveys, prompt: i + 1 });
      methods[name] = surveys;
    }
    surveyed.push({ subtask: subtaskOf(prompts[i]), methods });
    options.onProgress?.(++done, total);
  }
  const measured = (i: number, name: string) => {
    const repeats = times[i].get(name);
    return repeats && measurement(subtaskOf(prompts[i]), repeats);
  };
  return {
    plain: kept.map((i) => measured(i, plainName) as PromptMeasurement),
    methods: Object.fromEntries(options.methods.map((name) => [name, kept.map((i) => measured(i, name))])),
    surveyed,
    skipped,
    differing,
  };
}

type Answer = GenerateResult;

function subtaskOf({ category }: PromptEntry): string {
  return category ?? "all";
}

async function answer(
  model: Model,
  prompt: PromptEntry,
  name: string,
  { generate, trace }: RunOptions,
  survey?: { readonly surveys: Survey[]; readonly prompt: number },
): Promise<Answer[]> {
  const { budget, ...plain } = generate;
  const draft = name === plainName ? "off" : name.split("+");
  const own = draft !== "off" && (name === "auto" || draft.includes("prediction"));
  const prediction = own ? prompt.prediction : undefined;
  const options =
    name === plainName ? { ...plain, draft } : { ...plain, draft: name === "auto" ? name : draft, budget, prediction };
  const answers: Answer[] = [];
  const messages: ChatMessage[] = [];
  for (const turn of "prompt" in prompt ? [prompt.prompt] : prompt.turns) {
    messages.push({ role: "user", content: turn });
    const input: Prompt = "prompt" in prompt ? turn : { messages: [...messages] };
    const rounds: Parameters<typeof toSurvey>[0][number][] = [];
    const line =
      survey &&
      trace?.generation({
        draft: name,
        survey: true,
        temperature: generate.temperature ?? 0,
        maxTokens: generate.maxTokens ?? 256,
        ...(budget !== undefined && { budget }),
        prompt: survey.prompt,
        turn: answers.length,
        subtask: subtaskOf(prompt),
        promptText: turn,
      });
    const result = await model.generate(
      input,
      survey
        ? {
            ...options,
            survey: true,
            onRound: (round) => {
              rounds.push(round);
              line?.round(round);
            },
          }
        : options,
    ).result;
    line?.end(result);
    survey?.surveys.push(toSurvey(rounds));
    answers.push(result);
    messages.push({ role: "assistant", content: result.text });
  }
  return answers;
}

/** What a method or a prompt cannot do is no reason to stop; anything else is. */
async function attempt<T>(run: () => Promise<T>): Promise<T | DraftwrightError> {
  try {
    return await run();
  } catch (error) {
    const known = error instanceof DraftwrightError;
    if (known && (error.code === "context-overflow" || /needs a predicted output/.test(error.message))) return error;
    throw error;
  }
}

function measurement(subtask: string, repeats: readonly Answer[][]): PromptMeasurement {
  const tokens = (answers: readonly Answer[]) => sum(answers.map((a) => a.tokens));
  const seconds = (answers: readonly Answer[], prefill: boolean) =>
    sum(answers.map(({ timings }) => timings.decodeMs + (prefill ? timings.prefillMs : 0))) / 1000;
  return {
    subtask,
    speed: mean(repeats.map((answers) => tokens(answers) / seconds(answers, true))),
    decodeSpeed: mean(repeats.map((answers) => tokens(answers) / seconds(answers, false))),
    emitted: sum(repeats.map(tokens)),
    rounds: sum(repeats.map((answers) => sum(answers.map(({ drafting }) => drafting.rounds)))),
  };
}
