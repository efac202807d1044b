import { describe, expect, test } from "vitest";
import { layerSkipDrafter } from "./drafter.ts";
import { parseSkipSet, requireSameWeights, type SavedSkipSet, skipSetText, timesApply } from "./saved.ts";

const saved: SavedSkipSet = {
  modelHash: "abc",
  device: "CPU",
  threads: 2,
  numerics: "exact",
  skipAttn: [1, 2],
  skipMlp: [2],
  layerCount: 4,
  maxDraft: 3,
  gamma: 0.4375,
  acceptanceRate: 0.8125,
  draftMs: 0.5,
  stepMs: 1,
  calibration: { prompts: 3, tokens: 48, acceptance: [0.75, 0.5] },
  tokensPerSec: 90,
  plainTokensPerSec: 100,
  search: { objective: "modelled", seed: 4, evaluated: 60, ceiling: 0.9 },
  verdict: "no gain here",
};

describe("saved skip sets", () => {
  test("come back as they were", () => {
    expect(parseSkipSet(skipSetText(saved), "file")).toEqual(saved);
  });

  test("a drafter goes on with their threshold and skips their layers", () => {
    const drafter = layerSkipDrafter({ skip: parseSkipSet(skipSetText(saved), "file") });
    expect(drafter.state).toEqual({ gamma: 0.4375, acceptanceRate: 0.8125 });
    expect(drafter.report().skip).toEqual({ attention: [1, 2], mlp: [2] });
    const later = { gamma: 0.25, acceptanceRate: 1 };
    expect(layerSkipDrafter({ skip: saved, state: later }).state).toEqual(later);
  });

  test("belong to one model; their times to one way of running it", () => {
    requireSameWeights(saved, "abc");
    expect(() => requireSameWeights(saved, "other")).toThrow(/another model.*layer-skip search/);
    expect(timesApply(saved, saved)).toBe(true);
    for (const other of [{ device: "Vulkan0" }, { threads: 1 }, { numerics: "fast" }]) {
      expect(timesApply(saved, { ...saved, ...other })).toBe(false);
    }
  });

  test.each<[string, string]>([
    ["nothing", ""],
    ["half a file", skipSetText(saved).slice(0, 100)],
    ["another format", '{"format":"gguf"}'],
    ["null", "null"],
    ["layers that are not there", skipSetText({ ...saved, skipMlp: [4] })],
    ["gamma outside of 0..1", skipSetText({ ...saved, gamma: 2 })],
    ["a time of zero", skipSetText({ ...saved, draftMs: 0 })],
    ["no verdict", skipSetText({ ...saved, verdict: undefined as unknown as string })],
    ["shares above 1", skipSetText({ ...saved, calibration: { ...saved.calibration, acceptance: [2] } })],
    ["no ceiling", skipSetText({ ...saved, search: {} as SavedSkipSet["search"] })],
  ])("%s is refused by name", (_, text) => {
    expect(() => parseSkipSet(text, "mine.json")).toThrow(
      /^mine\.json is not a saved skip set: .*layer-skip search\.$/s,
    );
  });
});
