// `draftwright train` as a user runs it: a child process that can be interrupted, and goes on where it stopped.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { seededRandom } from "../src/lm/toy/index.ts";
import { command, startNode, workplace } from "./support/command.ts";

const { folder, env, remove } = workplace();
afterAll(remove);
const data = join(folder, "texts.jsonl");
writeFileSync(
  data,
  Array.from({ length: 30 }, (_, i) => JSON.stringify({ text: `abc abd ${"abc ".repeat(4 + i)}` })).join("\n"),
);
const lora = ["train", "lora", "-m", "tiny", "--data", data, "--context", "16", "--texts", "1", "--threads", "1"];
const ready = async (file: string, times = 2000) => {
  for (let i = 0; i < times && !existsSync(file); i++) await setTimeout(50);
};

describe("train", () => {
  test("lora: interrupted it saves and exits with 130, resumed it ends its budget", async () => {
    const out = join(folder, "adapter.gguf");
    const log = join(folder, "log.jsonl");
    const args = [...lora, "--out", out, "--steps", "60", "--patience", "1000", "--json", "--json-log", log];
    // The artefact of the first evaluation shows that training has begun.
    const running = startNode(["bin/draftwright.js", ...args, "--steps", "100000"], env);
    await ready(out);
    running.kill("SIGINT");
    const stopped = await running.outcome;
    expect({ ...stopped, stdout: "" }).toMatchObject({ code: 130 });
    expect(JSON.parse(stopped.stdout).reason).toBe("interrupted");
    expect(existsSync(`${out}.state`)).toBe(true);
    const { steps } = JSON.parse(stopped.stdout);
    const { code, stdout } = await command([...args, "--steps", String(steps + 5), "--resume"], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ reason: "budget", steps: steps + 5 });
    const events = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.filter((e) => e.event === "start").map((e) => e.resumed)).toEqual([false, true]);
    expect((await command(["train", "merge", "tiny", out, "--out", join(folder, "merged.gguf")], env)).code).toBe(0);
    const merged = await command(["generate", "abc", "-m", join(folder, "merged.gguf"), "--max-tokens", "4"], env);
    expect(merged.code).toBe(0);
  });

  // The training process is found as the command's child, which Linux tells.
  const tells = existsSync("/proc/self/task");
  if (!tells) console.log("skipped: kill -9 at random moments, as /proc does not tell a process's children here");
  test.runIf(tells)("kill -9 at any moment: what was saved last is whole, and the run goes on from it", async () => {
    const out = join(folder, "killed.gguf");
    const log = join(folder, "killed.jsonl");
    const args = [...lora, "--out", out, "--steps", "1000000", "--save-every", "0.05", "--json-log", log, "--resume"];
    const events = () =>
      existsSync(log)
        ? readFileSync(log, "utf8")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as { event: string; steps: number; resumed?: boolean })
        : [];
    const random = seededRandom(7);
    for (let round = 0; round < 2; round++) {
      const before = events().length;
      const running = startNode(["bin/draftwright.js", ...args], env);
      while (
        !events()
          .slice(before)
          .some(({ event }) => event === "saved")
      )
        await setTimeout(20);
      await setTimeout(200 * random());
      const [trainer] = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, "utf8").trim().split(" ");
      process.kill(Number(trainer), "SIGKILL");
      const { code, stderr } = await running.outcome;
      expect(code).toBe(1);
      expect(stderr).toContain("--resume");
      const [saved] = events()
        .filter(({ event }) => event === "saved")
        .slice(-1);
      const { code: resumed } = await command([...args, "--steps", String(saved.steps + 3)], env);
      expect(resumed).toBe(0);
      const [start] = events()
        .filter(({ event }) => event === "start")
        .slice(-1);
      expect(start.resumed).toBe(true);
      // The state is renamed into place before the log tells of it.
      expect(start.steps).toBeGreaterThanOrEqual(saved.steps);
      rmSync(`${out}.state`, { force: true });
    }
  });

  test("data, a head, its evaluation and its use; plain and drafted text are the same", async () => {
    const [made, head] = [join(folder, "made"), join(folder, "falcon.gguf")];
    const args = [
      "-m",
      "tiny",
      "--data",
      data,
      "--out",
      made,
      "--texts",
      "6",
      "--length",
      "48",
      "--prompt-tokens",
      "8",
    ];
    expect((await command(["train", "data", ...args], env)).code).toBe(0);
    const trained = await command(
      ["train", "falcon", "-m", "tiny", "--data", made, "--out", head, "--steps", "3", "--rows", "8", "--windows", "2"],
      env,
    );
    expect(trained).toMatchObject({ code: 0 });
    const prompts = join(folder, "prompts.jsonl");
    writeFileSync(prompts, '{"prompt": "abc abd"}\n');
    const evaluated = await command(
      ["drafter", "eval", "-m", "tiny", "--draft-model", head, "--prompts", prompts, "--tokens", "16", "--json"],
      env,
    );
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ prompts: 1, head: { kind: "falcon", block: 2 } });
    const generate = ["generate", "abc abd", "-m", "tiny", "--max-tokens", "16"];
    const plain = await command([...generate, "--draft", "off"], env);
    const drafted = await command([...generate, "--head", head, "--draft", "falcon", "--budget", "4"], env);
    expect(drafted).toMatchObject({ code: 0, stdout: plain.stdout });
    const other = await command([...generate, "-m", "tiny-draft", "--head", head], env);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain("drafts for the target with hash");
  });

  test("a vocabulary, and a new model with it that drafts losslessly; Ctrl-C leaves no file", async () => {
    const [vocabulary, model, log] = ["vocabulary.gguf", "new.gguf", "tokenizer.jsonl"].map((name) =>
      join(folder, name),
    );
    const tokenizer = ["train", "tokenizer", "--data", data, "--vocabulary", "268", "--special", "<|table|>", "--json"];
    const trained = await command([...tokenizer, "--out", vocabulary, "--json-log", log], env);
    expect(JSON.parse(trained.stdout)).toMatchObject({ out: vocabulary, tokens: 268 });
    const events = readFileSync(log, "utf8").trim().split("\n");
    expect(events.map((line) => JSON.parse(line).event)).toEqual(["start", "read", "counted", "end"]);

    const shape = ["--layers", "1", "--width", "32", "--heads", "2", "--kv-heads", "1", "--feed-forward", "64"];
    const lm = ["train", "lm", "--data", data, "--out", model, "--steps", "20", "--context", "16", "--threads", "1"];
    expect((await command([...lm, ...shape, "--tokenizer", vocabulary], env)).code).toBe(0);
    const unknown = await command([...lm, ...shape], env);
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.stderr).toContain("--tokenizer");
    const prompts = join(folder, "vocabulary-prompts.jsonl");
    writeFileSync(prompts, '{"prompt": "abc abd abc abd abc"}\n');
    const verify = ["verify", "-m", model, "--prompts", prompts, "-n", "16", "--json"];
    const verified = await command([...verify, "--draft", "lookup", "--budget", "4"], env);
    expect(verified).toMatchObject({ code: 0 });
    const paired = await command(["pair", vocabulary], env);
    expect(paired.code).toBe(0);
    expect(paired.stdout).toContain("a vocabulary-only file");

    const none = join(folder, "none.gguf");
    const [large, started] = [join(folder, "large.txt"), join(folder, "started.jsonl")];
    writeFileSync(large, "abc abd, abe.\n".repeat(3_000_000));
    const other = ["train", "tokenizer", "--data", large, "--vocabulary", "264", "--json-log", started];
    const running = startNode(["bin/draftwright.js", ...other, "--out", none], env);
    await ready(started);
    running.kill("SIGINT");
    expect((await running.outcome).code).toBe(130);
    expect(existsSync(none)).toBe(false);
  });

  test("wrong use is said: no budget, no data of this target", async () => {
    const none = await command([...lora, "--out", join(folder, "x.gguf")], env);
    expect(none).toMatchObject({ code: 2 });
    expect(none.stderr).toContain("needs a budget");
    const wrong = await command(["train", "medusa", "-m", "tiny", "--data", data, "--out", "x", "--steps", "1"], env);
    expect(wrong.code).toBe(1);
  });
});
