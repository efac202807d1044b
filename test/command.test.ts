import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { command, startNode, workplace } from "./support/command.ts";

const { folder, env, remove } = workplace();
afterAll(remove);
const run = (args: string[], input?: string, extra: NodeJS.ProcessEnv = {}) =>
  command(args, { ...env, ...extra }, input);
// Two threads that wait for each other crawl on a busy machine.
const model = ["--model", "tiny", "--draft-model", "tiny-draft", "--threads", "1"];
const prompt = "one two three four five, one two three four five, one two";

describe("generate", () => {
  test("--json prints the documented object and nothing else", async () => {
    const { code, stdout, stderr } = await run(["generate", prompt, ...model, "-n", "12", "--json", "--budget", "3"]);
    const result = JSON.parse(stdout);
    expect(result).toEqual({
      text: expect.any(String),
      tokenIds: expect.any(Array),
      tokens: result.tokenIds.length,
      promptTokens: expect.any(Number),
      cachedTokens: 0,
      finishReason: expect.stringMatching(/^(stop|length|context)$/),
      timings: {
        loadMs: expect.any(Number),
        prefillMs: expect.any(Number),
        decodeMs: expect.any(Number),
        tokensPerSecond: expect.any(Number),
      },
      drafting: {
        rounds: expect.any(Number),
        proposed: expect.any(Number),
        accepted: expect.any(Number),
        meanEmitted: expect.any(Number),
        bySource: { lookup: expect.any(Object), model: expect.any(Object) },
        numerics: "exact",
      },
    });
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("the text goes to stdout, everything else to stderr; drafting does not change it", async () => {
    const flags = [...model, "-n", "16", "--temperature", "0.9", "--seed", "5"];
    const plain = await run(["generate", prompt, ...flags, "--draft", "off"]);
    const drafted = await run(
      ["generate", "-", ...flags, "--draft", "lookup,model", "--budget", "4", "--stats", "--trace"],
      prompt,
    );
    expect(drafted.stdout).toBe(plain.stdout);
    expect(plain.stderr).toBe("");
    expect(drafted.stderr).toMatch(/^round {3}1 {2}lookup \d+\/\d+ {2}model \d+\/\d+ {2}forced {2}width/);
    expect(drafted.stderr).toMatch(/numerics +exact\n$/);
  });

  test("--color paints accepted tokens, NO_COLOR forbids it", async () => {
    const args = ["generate", prompt, ...model, "-n", "40", "--draft", "lookup", "--budget", "4", "--color"];
    const painted = await run(args);
    const plain = await run(args, undefined, { NO_COLOR: "1" });
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");
    expect(painted.stdout.replaceAll(escapes, "")).toBe(plain.stdout);
    expect(plain.stdout).not.toMatch(escapes);
  });

  test("--out writes a file", async () => {
    const out = join(folder, "out.json");
    const { code, stdout } = await run(["generate", prompt, ...model, "-n", "2", "--json", "--out", out]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(JSON.parse(readFileSync(out, "utf8")).tokens).toBe(2);
  });

  test("Ctrl-C ends it with 130", async () => {
    const running = startNode(["bin/draftwright.js", "generate", prompt, ...model, "-n", "400"], env);
    await running.firstOutput;
    running.kill("SIGINT");
    expect((await running.outcome).code).toBe(130);
  });
});

describe("exit codes", () => {
  test.each<[string, string[], RegExp]>([
    ["an unknown command", ["generat"], /Did you mean generate/],
    ["an unknown option", ["generate", "x", "--temprature", "1"], /Did you mean --temperature/],
    ["a number that is none", ["generate", "x", "-n", "many"], /integer >= 1/],
    ["an unknown drafter", ["generate", "x", "--model", "tiny", "--draft", "magic"], /auto, off, or some of: lookup/],
    [
      "a budget for nothing",
      ["generate", "x", "--model", "tiny", "--draft", "off", "--budget", "2"],
      /needs a drafter/,
    ],
    ["a temperature without meaning", ["generate", "x", "--model", "tiny", "-t", "-1"], /temperature/],
    [
      "a missing prompts file",
      ["verify", "--prompts", "nowhere.jsonl", "--model", "tiny"],
      /Cannot read nowhere.jsonl/,
    ],
  ])("2 for %s", async (_, args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, ""]);
  });

  test.each<[string, string[], RegExp]>([
    ["a model that is not there", ["generate", "x", "--model", "tinny"], /no model "tinny".*Did you mean: .*tiny/s],
    [
      "a prompt that is too long",
      ["generate", "word ".repeat(600), "--model", "tiny"],
      /\d+ tokens and the context holds 512/,
    ],
  ])("1 for %s", async (_, args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([1, ""]);
  });

  test("0 for help and version", async () => {
    const help = await run(["--help"]);
    expect(help.code).toBe(0);
    for (const name of ["generate", "chat", "models", "profile", "verify", "demo"])
      expect(help.stdout).toContain(`  ${name}`);
    expect(await run(["--version"])).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
  });
});

describe("verify", () => {
  const prompts = join(folder, "prompts.jsonl");
  writeFileSync(
    prompts,
    [
      { prompt },
      { turns: ["say it", "again"], category: "mt" },
      { prompt: "word ".repeat(600), prediction: "ignored here" },
    ]
      .map((line) => JSON.stringify(line))
      .join("\n"),
  );
  const verify = ["verify", "--prompts", prompts, ...model, "--max-tokens", "16", "--seed", "3"];

  test.each(["0", "0.8"])("counts no differing token at temperature %s", async (temperature) => {
    const flags = ["--draft", "lookup,model", "--temperature", temperature, "--budget", "4", "--json"];
    const { code, stdout } = await run([...verify, ...flags]);
    const report = JSON.parse(stdout);
    const method = {
      tokens: report.tokens,
      differing: 0,
      rounds: expect.any(Number),
      proposed: expect.any(Number),
      accepted: expect.any(Number),
    };
    expect(report).toEqual({
      prompts: 2,
      skipped: 1,
      tokens: expect.any(Number),
      differing: 0,
      numerics: "exact",
      perMethod: { lookup: method, model: method },
    });
    expect(report.perMethod.lookup.proposed).toBeGreaterThan(0);
    expect(report.perMethod.model.proposed).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  test("says it in words, and cuts long prompts when asked", async () => {
    const { stdout } = await run([...verify, "--draft", "auto", "--truncate"]);
    expect(stdout).toMatch(/^3 prompts, \d+ tokens, numerics exact\nauto +0 differing; .*\nsame output: yes\n$/s);
  });

  test.each([
    ["not json", /line 1: not JSON/],
    ['{"text":"a"}', /line 1: needs "prompt"/],
    ["", /holds no prompts/],
  ])("refuses a prompts file with %j", async (text, message) => {
    const { code, stderr } = await run(["verify", "--prompts", "-", "--model", "tiny"], text);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});

describe("profile", () => {
  const flags = ["--widths", "1,2,4", "--kv", "0,64", "--model", "tiny", "--threads", "1"];

  test("--json prints the documented object", async () => {
    const { stdout } = await run(["profile", ...flags, "--json"]);
    const row = [expect.any(Number), expect.any(Number)];
    expect(JSON.parse(stdout)).toEqual({
      widths: [1, 2, 4],
      kv: [0, 64],
      ms: [row, row, row],
      model: join(folder, "tiny.gguf"),
      threads: 1,
      numerics: "exact",
    });
  });

  test("plots in 80 columns otherwise", async () => {
    const { stdout } = await run(["profile", ...flags]);
    expect(stdout).toMatch(/after 64 tokens of context\nwidth +time +price\n +1 .* 1\.00x +#+\n/);
    expect(stdout).toContain("all bits equal");
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

describe("models", () => {
  test("list and show know the user's own files", async () => {
    const list = JSON.parse((await run(["models", "list", "--json"])).stdout);
    expect(list.map((entry: { name: string }) => entry.name)).toEqual(expect.arrayContaining(["tiny", "tiny-draft"]));
    const shown = JSON.parse((await run(["models", "show", "tiny", "--json"])).stdout);
    expect(shown).toMatchObject({ architecture: "llama", context: 512, runs: "yes", path: join(folder, "tiny.gguf") });
    expect((await run(["models", "show", "tiny"])).stdout).toContain("architecture   llama\n");
  });

  test("pull and remove say what is wrong", async () => {
    const offline = await run(["models", "pull", "org/name", "--offline"]);
    expect(offline.code).toBe(1);
    expect(offline.stderr).toMatch(/offline/i);
    expect((await run(["models", "remove", "org/name"])).code).toBe(1);
  });
});

describe("chat", () => {
  test("answers every line of standard input, with what was said before", async () => {
    const { code, stdout, stderr } = await run(["chat", ...model, "-n", "4", "--stats"], "hello\n\nagain\n");
    expect(stdout.split("\n").length).toBeGreaterThan(2);
    const prompts = [...stderr.matchAll(/^prompt +(\d+) tokens/gm)].map((match) => Number(match[1]));
    expect(prompts).toHaveLength(2);
    expect(prompts[1]).toBeGreaterThan(prompts[0]);
    expect(code).toBe(0);
  });
});

describe("demo", () => {
  test("shows both texts beside each other in 80 columns and ends by itself", async () => {
    const { code, stdout } = await run(["demo", ...model]);
    expect(stdout).toContain("draft first, verify always");
    expect(stdout.match(/^same output: yes/gm)).toHaveLength(2);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(code).toBe(0);
  });
});
