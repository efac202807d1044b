import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { toyModel } from "../../lm/toy/index.ts";
import type { LoadModelFile } from "../runtime.ts";
import { toyEngineModel, vocabSize } from "../testing/toy-runtime.ts";
import { readSkipSet, writeSkipSet } from "./files.ts";
import { type SkipSearchOptions, searchSkipSet } from "./search.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-skip-search-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const load: LoadModelFile = (path, { kvRows }) =>
  toyEngineModel(path, toyModel({ vocabSize, layerCount: 6, contextLength: 256, maxRows: kvRows, logitScale: 6 }));
const base = { load: {}, prompts: ["abc", "the rent", "x".repeat(400)], tokens: 6, maxDraft: 2, seed: 3 } as const;
const search = (name: string, options: Partial<SkipSearchOptions> = {}) =>
  searchSkipSet("toy", { ...base, objective: "modelled", iterations: 5, out: join(folder, name), ...options }, load);
const state = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.search`), "utf8"));

describe("searching a skip set for a file", () => {
  test("saves the best set with its key, its measurements and a verdict", async () => {
    const saved = await search("a");
    expect(readSkipSet(join(folder, "a"))).toEqual(saved);
    expect(saved).toMatchObject({
      modelHash: "toy toy",
      device: "none",
      threads: 1,
      numerics: "exact",
      layerCount: 6,
      gamma: 0.6,
      acceptanceRate: 0,
      calibration: { prompts: 3, acceptance: expect.any(Array) },
      search: { objective: "modelled", seed: 3, evaluated: state("a").evaluations.length },
      verdict: expect.stringMatching(/^(gain|no gain here): /),
    });
    expect(saved.draftMs).toBeGreaterThan(0);
    expect(readdirSync(folder).filter((file) => file.startsWith("a"))).toEqual(["a", "a.search"]);
  });

  test("an interrupted search goes on with the times and sets it had", async () => {
    const controller = new AbortController();
    const onEvaluation = () => controller.abort();
    await expect(search("b", { signal: controller.signal, onEvaluation })).rejects.toThrow(/--resume/);
    expect(existsSync(join(folder, "b"))).toBe(false);
    const before = state("b");
    expect(before.evaluations).toHaveLength(1);
    const tried: number[] = [];
    await search("b", { resume: true, onEvaluation: (_, __, count) => tried.push(count) });
    expect(tried[0]).toBe(2);
    expect(state("b").costs).toEqual(before.costs);
    expect(state("b").evaluations[0]).toEqual(before.evaluations[0]);
  });

  test("a search with other settings is not gone on with", async () => {
    await search("c", { iterations: 1 });
    await expect(search("c", { seed: 4, resume: true })).rejects.toThrow(/another seed/);
    await expect(search("c", { prompts: ["other"], resume: true })).rejects.toThrow(/another prompts/);
    await search("c", { seed: 4, iterations: 1 });
    writeFileSync(join(folder, "c.search"), "{");
    await expect(search("c", { resume: true })).rejects.toThrow(/damaged/);
    rmSync(join(folder, "c.search"));
    await search("c", { iterations: 1, resume: true });
  });

  test("ends when its seconds are over", async () => {
    expect((await search("d", { budgetSeconds: 0 })).search.evaluated).toBe(1);
  });

  test("files that cannot be read or written are named", async () => {
    expect(() => readSkipSet(join(folder, "none"))).toThrow(/Cannot read .*none/);
    expect(() => writeSkipSet(join(folder, "a", "x"), readSkipSet(join(folder, "a")))).toThrow(/Cannot write/);
    await expect(search("a/x")).rejects.toThrow(/Cannot write/);
  });
});
