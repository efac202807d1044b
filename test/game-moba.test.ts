import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { command } from "./support/command.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-moba-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const run = (args: string, input?: string) => command(["game", "moba", ...args.split(" ")], process.env, input);

interface Pick {
  champion: string;
  reasons: string[];
}
const number = expect.any(Number);
const interval = { lo: number, hi: number };

describe("game moba", () => {
  test("synth, train and eval: the documented object, the same from the checkpoint", async () => {
    const file = join(folder, "drawn.json");
    const checkpoint = join(folder, "drawn.gguf");
    expect(await run(`synth --out ${file} --matches 200 --champions 40 --seed 3`)).toMatchObject({
      code: 0,
      stdout: "",
    });
    const shape = "--hidden 16 --history 6 --epochs 1 --no-sasrec --json";
    const trained = await run(`train --data ${file} --format synthetic --out ${checkpoint} ${shape}`);
    const report = JSON.parse(trained.stdout);
    expect(report).toMatchObject({
      n: 40,
      hr1: number,
      hr5: number,
      hr10: number,
      ndcg10: number,
      accuracy: number,
      mae: number,
      intervals: { hr10: interval, accuracy: interval },
      baselines: { pop: { hr10: number, ndcg10: number, accuracy: null }, lr: { hr10: null, accuracy: number } },
      versusBest: { baseline: expect.any(String), hr10Diff: number, ...interval },
      bayes: { hr10: number, gapRecovered: number },
    });
    expect(report.hr10).toBeGreaterThan(report.baselines.pop.hr10);
    expect(report.hr10).toBeLessThan(report.bayes.hr10);
    const measured = await run(`eval --data ${file} --format synthetic --checkpoint ${checkpoint} --no-sasrec --json`);
    expect(JSON.parse(measured.stdout)).toEqual(report);
    const later = await run(
      `eval --data ${file} --format synthetic --checkpoint ${checkpoint} --no-sasrec --json --test-from 180`,
    );
    expect(JSON.parse(later.stdout).n).toBe(20);
  });

  test("advise: Dota 2 from the shipped checkpoint, as JSON and in 80 columns", async () => {
    const draft = JSON.stringify({
      bans: ["Pudge", "rubick"],
      blue: [{ champion: "Lina" }, { history: ["Axe", "Axe", { champion: "Mars", win: true }] }],
      red: [{ champion: "Sniper" }, { champion: "Crystal Maiden" }],
    });
    const [json, text] = await Promise.all([run("advise --state - --json", draft), run("advise --state -", draft)]);
    const advice = JSON.parse(json.stdout);
    expect(advice.next).toEqual({ team: "blue", seat: 2 });
    expect(advice.picks).toHaveLength(5);
    const own = advice.picks.slice(0, 2).map(({ champion, reasons }: Pick) => `${champion}: ${reasons[0]}`);
    expect(own.sort()).toEqual([
      "Axe: habit: 2 of the player's 3 matches",
      "Mars: habit: 1 of the player's 3 matches, 1 won",
    ]);
    expect(text.stdout).toContain("blue, seat 2, picks next:");
    expect(text.stdout).toMatch(/trained on the oldest .*\(opendota\)[\s\S]* 20\d\d-\d\d-\d\d/);
    expect(text.stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("what is wrong says what would be right; usage ends with 2, a file of another kind with 1", async () => {
    const bad = join(folder, "bad.csv");
    writeFileSync(bad, "match_id,hero\n1,2\n");
    const outcomes = await Promise.all([
      run(`eval --data ${bad} --format opendota`),
      run(`eval --data ${bad} --format riot`),
      run("advise --state -", '{"bans": ["Gandalf"]}'),
      run("advise --state -", "no json"),
      run(`advise --state - --checkpoint ${bad}`, "{}"),
    ]);
    expect(outcomes.map(({ code }) => code)).toEqual([2, 2, 2, 2, 1]);
    const words = ['no column "start_time"', "Use opendota", 'no champion "Gandalf"', "no JSON", "GGUF"];
    outcomes.forEach(({ stderr }, i) => {
      expect(stderr).toContain(words[i]);
    });
  });
});
