// The drafter on a real thread, run as a user does: the thread needs compiled files.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { devices, usableCores } from "../src/ggml/index.ts";
import { command, workplace } from "./support/command.ts";

const { folder, env, remove } = workplace();
afterAll(remove);
const run = (...args: string[]) => command(args, env);
const model = ["--model", "tiny", "--draft-model", "tiny-draft", "--threads", "1"];
const prompt = "one two three four five, one two three four five, one two";
const prompts = join(folder, "prompts.jsonl");
const more = ["seven eight nine", "ten and ten", "eleven, twelve", "one hundred", "a dozen or so"];
writeFileSync(prompts, [prompt, ...more].map((text) => `${JSON.stringify({ prompt: text })}\n`).join(""));

const cores = usableCores().length;
if (cores < 2) console.log("parallel drafting needs two cores: skipped");

const gpu = devices().find(({ kind }) => kind === "gpu" || kind === "integrated-gpu");
if (!gpu) console.log("skipped: a target on a GPU, its drafter on the CPU (no GPU here; see npm run test:vulkan)");

test.runIf(gpu)("a target on a GPU, its drafter on the CPU", { timeout: 300_000 }, async () => {
  const flags = ["--draft-model", "tiny", "--device", "gpu", "--draft", "parallel", "--budget", "3"];
  const { code, stdout } = await run("verify", "--prompts", prompts, "--model", "tiny", ...flags, "-n", "24", "--json");
  expect(code).toBe(0);
  const { differing, tokens, numerics, perMethod } = JSON.parse(stdout);
  expect({ differing, numerics }).toEqual({ differing: 0, numerics: "fast" });
  expect(tokens).toBeGreaterThan(24);
  expect(perMethod.parallel.accepted).toBeGreaterThan(0);
});

describe.skipIf(cores < 2)("--draft parallel", () => {
  test.each([
    ["greedy, what pays", ["--draft", "parallel"]],
    ["greedy, forced", ["--draft", "parallel", "--budget", "4"]],
    ["seeded sampling", ["--draft", "parallel", "--budget", "3", "--temperature", "0.9", "--seed", "5"]],
    ["beside another drafter", ["--draft", "parallel,lookup", "--budget", "6"]],
    ["the target itself", ["--draft", "parallel", "--budget", "4", "--draft-model", "tiny"]],
    // Whether the thread gets a core in time is up to the machine.
  ])("%s: the text is that of plain decoding", { retry: 3 }, async (name, flags) => {
    const { code, stdout, stderr } = await run(
      "verify",
      "--prompts",
      prompts,
      ...model,
      ...flags,
      "-n",
      "400",
      "--json",
    );
    expect([code, stderr]).toEqual([0, ""]);
    const { differing, tokens, perMethod } = JSON.parse(stdout);
    expect(differing).toBe(0);
    expect(tokens).toBeGreaterThan(200);
    if (name === "the target itself") expect(perMethod.parallel.accepted).toBeGreaterThan(0);
  });

  test("profile --simulate prints both machines", async () => {
    const { code, stdout } = await run(
      "profile",
      ...model,
      "--widths",
      "1,2,4",
      "--kv",
      "0,64",
      "--simulate",
      "parallel",
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/target and drafter on cores of their own\n +accepted +serial/);
    expect(stdout).toMatch(/at any width\n +accepted/);
  });

  test.each([
    ["no draft model", ["--draft-model", "none"], /needs a draft model/],
    ["too many threads", ["--threads", String(cores)], /cores that nobody shares/],
    ["verification by ratio", ["--verify", "ratio", "--temperature", "1"], /matter of time/],
  ])("refuses %s", async (_, flags, message) => {
    const { code, stderr } = await run("generate", prompt, ...model, "--draft", "parallel", "-n", "4", ...flags);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
  });
});
