import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { command, workplace } from "./support/command.ts";

const { folder, env, remove } = workplace();
afterAll(remove);
const model = ["--model", "tiny", "--draft-model", "tiny-draft", "--threads", "1", "-n", "10"];
const file = (name: string) => join(folder, name);

test("bench measures, surveys and replays; the result is the documented object", async () => {
  const prompts = [
    { prompt: "one two three, one two three, one two", category: "copy", prediction: "three, one two three" },
    { turns: ["one two one two", "and again"], category: "writing" },
    { prompt: "x ".repeat(600), category: "copy" },
  ];
  writeFileSync(file("p.jsonl"), prompts.map((prompt) => JSON.stringify(prompt)).join("\n"));
  const bench = ["bench", "--prompts", file("p.jsonl"), ...model, "--repeats", "2", "--warmups", "1", "--json"];
  const { code, stdout, stderr } = await command(
    [...bench, "--draft", "lookup,lookup+model,prediction", "--trace-out", file("t")],
    env,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const result = JSON.parse(stdout);
  const interval = { speedup: expect.any(Number), lo: expect.any(Number), hi: expect.any(Number) };
  const cell = {
    ...interval,
    meanEmitted: expect.any(Number),
    tokensPerSecond: expect.any(Number),
    decode: expect.any(Object),
  };
  expect(result).toMatchObject({
    numerics: "exact",
    prompts: 2,
    load: expect.any(Number),
    machine: { cores: expect.any(Number) },
  });
  expect(result.differing).toEqual({ lookup: 0, "lookup+model": 0, prediction: 0 });
  expect(result.methods.lookup).toEqual({ subtasks: { copy: cell, mt: cell }, overall: cell });
  expect(Object.keys(result.methods.prediction.subtasks)).toEqual(["copy"]);
  expect(result.skipped.map(({ prompt, method }: { prompt: number; method?: string }) => [prompt, method])).toEqual(
    expect.arrayContaining([
      [3, undefined],
      [2, "prediction"],
    ]),
  );
  const flat = await command(["bench", "--replay", file("t"), "--cost-curve", "flat", "--json"], env);
  const { oracle } = JSON.parse(flat.stdout);
  expect(oracle.assumption).toMatch(/any width/);
  for (const method of ["lookup", "lookup+model"]) {
    for (const subtask of ["copy", "mt"]) {
      expect(oracle.subtasks[subtask].speedup).toBeGreaterThanOrEqual(oracle.methods[method].subtasks[subtask].speedup);
    }
  }
  expect(oracle.overall.speedup).toBeGreaterThanOrEqual(1);
  expect(readFileSync(file("t"), "utf8")).not.toMatch(/one two|"texts"/);
  expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
}, 60_000);

test("generate writes a trace, trace view renders it; texts only if asked", async () => {
  const generate = (...more: string[]) =>
    command(["generate", "secret words", ...model, "--budget", "3", "--trace-out", file("g"), ...more], env);
  expect((await generate()).code).toBe(0);
  expect(readFileSync(file("g"), "utf8")).not.toContain("secret");
  expect((await generate("--trace-text")).code).toBe(0);
  expect((await command(["trace", "view", file("g"), "--out", file("g.html")], env)).code).toBe(0);
  expect(readFileSync(file("g.html"), "utf8")).toContain("secret words");
  const long = await command(["generate", "x ".repeat(600), ...model, "--trace-out", file("long")], env);
  expect([long.code, readdirSync(folder).filter((name) => name.startsWith("long"))]).toEqual([1, []]);
  const bad = await command(["trace", "view", file("tiny.gguf")], env);
  expect(bad.code).toBe(2);
}, 30_000);
