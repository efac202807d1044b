import { expect, test } from "vitest";
import { tableModel } from "../lm/toy/index.ts";
import type { CostCurve } from "./cost-curve.ts";
import { lookupDrafter } from "./drafters/lookup.ts";
import { Generation } from "./generation.ts";
import type { GenerationOptions } from "./generation-options.ts";
import type { RoundReport } from "./round-report.ts";
import { repeatingTable } from "./testing/tables.ts";

const flat: CostCurve = { ms: (width) => 10 + 0.1 * (width - 1), observe() {} };
const model = tableModel({ vocabSize: 8, contextLength: 64, probabilities: repeatingTable(8, 3) });

function run(options: Partial<GenerationOptions>): RoundReport[] {
  let now = 0;
  const generation = new Generation({
    model,
    sequence: model.open(),
    promptTokens: [1, 2, 3, 1, 2, 3],
    sampling: { temperature: 0.8, repetitionPenalty: 1.01 },
    seed: 3,
    maxTokens: 20,
    curve: flat,
    clock: () => now++,
    drafters: [lookupDrafter()],
    ...options,
  });
  while (generation.prefillStep(64) > 0);
  const rounds: RoundReport[] = [];
  while (!generation.finishReason) rounds.push(generation.step());
  generation.close();
  return rounds;
}

const tokensOf = (rounds: readonly RoundReport[]) => rounds.flatMap(({ emitted }) => emitted.map(({ token }) => token));

test("recording changes no round, and says what was offered, drafted and accepted", () => {
  const silent = run({});
  const recorded = run({ record: true });
  expect(recorded.map(({ record: _, ...round }) => round)).toEqual(silent);
  const round = recorded.find(({ trace }) => trace.accepted > 2) as RoundReport;
  expect(round.record).toMatchObject({ kv: expect.any(Number), offers: [{ drafter: "lookup", draftMs: [] }] });
  const { tree, path, offers } = round.record as NonNullable<RoundReport["record"]>;
  expect(path.map((node) => tree.token[node])).toEqual(round.emitted.slice(0, -1).map(({ token }) => token));
  expect(new Set(tree.source)).toEqual(new Set(["lookup"]));
  expect(offers[0].drafted?.token).toEqual(expect.arrayContaining([...tree.token]));
});

test("a survey emits the same text one token a round, with a draft at every position", () => {
  const plain = run({ policy: { mode: "off" } });
  const survey = run({ policy: { mode: "survey", budget: 5 }, record: true });
  expect(tokensOf(survey)).toEqual(tokensOf(plain));
  expect(survey.every(({ emitted }) => emitted.length === 1)).toBe(true);
  expect(survey.map(({ record }) => record?.kv)).toEqual(survey.map((_, i) => 5 + i));
  // All but the last position, where nothing can be drafted any more.
  expect(survey.slice(0, -1).every(({ record }) => record?.offers[0]?.drafted?.token.length)).toBe(true);
  expect(survey.at(-1)?.record?.offers).toEqual([]);
});
