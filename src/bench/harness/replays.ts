import { pairedSpeedup } from "./bootstrap.ts";
import type { AssumedCosts } from "./costs.ts";
import { oracle, type Replayed, type ReplayPolicy, replay, type Survey } from "./replay.ts";
import { bySubtask, type ReplayCell, type ReplayResult, sum } from "./result.ts";

/** All turns of one prompt, surveyed once for each method that could run it. */
export interface SurveyedPrompt {
  readonly subtask: string;
  readonly methods: Readonly<Record<string, readonly Survey[]>>;
}

interface Speeds {
  readonly subtask: string;
  readonly method: Replayed;
  readonly plain: Replayed;
}

/** Replays every method and the oracle over all of them. `budgets`: nodes where a method's number is fixed. */
export function replayAll(
  prompts: readonly SurveyedPrompt[],
  budgets: Readonly<Record<string, number | undefined>>,
  costs: AssumedCosts,
): ReplayResult | null {
  const surveyed = prompts.filter(({ methods }) => Object.keys(methods).length > 0);
  if (surveyed.length === 0) return null;
  const names = [...new Set(surveyed.flatMap(({ methods }) => Object.keys(methods)))];
  const compare = (run: (prompt: SurveyedPrompt) => Replayed | undefined) => {
    const speeds = surveyed.flatMap((prompt): Speeds[] => {
      const method = run(prompt);
      return method ? [{ subtask: prompt.subtask, method, plain: turns(anyOf(prompt), null, costs) }] : [];
    });
    return bySubtask(speeds, ({ subtask }) => subtask, cell);
  };
  const methods = names.map((name) => [
    name,
    compare((prompt) => prompt.methods[name] && turns(prompt.methods[name], { budget: budgets[name] }, costs)),
  ]);
  return {
    curve: costs.name,
    assumption: costs.assumption,
    ...compare((prompt) => add(anyOf(prompt).map((_, turn) => oracle(turnOf(prompt, turn), costs)))),
    methods: Object.fromEntries(methods),
  };
}

function anyOf({ methods }: SurveyedPrompt): readonly Survey[] {
  return Object.values(methods)[0];
}

function turnOf({ methods }: SurveyedPrompt, turn: number): Survey[] {
  return Object.values(methods).map((surveys) => surveys[turn]);
}

function turns(surveys: readonly Survey[], policy: ReplayPolicy, costs: AssumedCosts): Replayed {
  return add(surveys.map((survey) => replay(survey, policy, costs)));
}

function add(parts: readonly Replayed[]): Replayed {
  return {
    tokens: sum(parts.map(({ tokens }) => tokens)),
    rounds: sum(parts.map(({ rounds }) => rounds)),
    milliseconds: sum(parts.map(({ milliseconds }) => milliseconds)),
  };
}

function cell(speeds: readonly Speeds[]): ReplayCell {
  const speed = ({ tokens, milliseconds }: Replayed) => tokens / milliseconds;
  return {
    ...pairedSpeedup(
      speeds.map(({ method }) => speed(method)),
      speeds.map(({ plain }) => speed(plain)),
    ),
    meanEmitted: sum(speeds.map(({ method }) => method.tokens)) / sum(speeds.map(({ method }) => method.rounds)),
  };
}
