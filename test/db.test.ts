import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { command, workplace } from "./support/command.ts";

const { folder, env, remove } = workplace();
afterAll(remove);
const run = (args: string[], input?: string) => command(["db", ...args], env, input);
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const clause = "The Tenant shall pay the rent on the first day of each month.\n";

describe("db build stats", () => {
  test("texts become a database that inspect can read back", async () => {
    const clauses = file("clauses.txt", clause.repeat(3));
    const picture = file("picture.png", Uint8Array.of(137, 80, 0, 1));
    const out = join(folder, "clauses.db");
    const built = await run(["build", "stats", clauses, picture, "--model", "tiny", "--out", out]);
    expect(built).toMatchObject({ code: 0, stdout: "" });
    expect(built.stderr).toMatch(/clauses\.db: \d+ tokens of 1 documents, .*; left out: 1 files are no text\n$/);
    const { stdout, code } = await run([
      "inspect",
      out,
      "--model",
      "tiny",
      "--text",
      "--after",
      "The Tenant shall",
      "--top",
      "2",
      "--json",
    ]);
    const facts = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(facts).toMatchObject({ kind: "statistics", documents: 1, description: "Texts of clauses.txt, picture.png" });
    expect(facts.entries).toHaveLength(2);
    expect(facts.entries[0].count).toBe(3);
    expect(facts.drafts).toEqual([{ count: 3, text: expect.stringMatching(/^ pay/) }]);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("nothing to build from is the caller's mistake", async () => {
    const out = join(folder, "none.db");
    expect((await run(["build", "stats", "--out", out])).code).toBe(2);
    const missing = await run(["build", "stats", join(folder, "nowhere"), "--model", "tiny", "--out", out]);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringMatching(/Cannot read .*nowhere/) });
  });
});

describe("db build model", () => {
  test("--json says what was built", async () => {
    const out = join(folder, "answers.db");
    const prompts = '{"prompt": "one two three"}\n{"turns": ["four"]}\n';
    const flags = ["--model", "tiny", "--draft-model", "none", "--threads", "1", "--max-tokens", "12", "--ngram", "3"];
    const { code, stdout } = await run(["build", "model", "--prompts", "-", ...flags, "--out", out, "--json"], prompts);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ out, answers: 2, skipped: 0 });
    expect(report.ngrams).toBeGreaterThan(0);
    const { stdout: shown } = await run(["inspect", out]);
    expect(shown).toMatch(/^kind +model\nngrams +\d+\norder +3\n/);
  });
});

test("inspect exits with 1 for what is no database", async () => {
  const path = file("text.db", "just a text");
  const { code, stdout, stderr } = await run(["inspect", path]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/text\.db is not a drafting database/);
});
