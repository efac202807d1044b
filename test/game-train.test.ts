import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { command, root } from "./support/command.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-train-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const run = (args: string, input?: string) => command(["game", "sushi", ...args.split(" ")], process.env, input);
const small = "--games 24 --hidden 12,8 --seed 3";

describe("game sushi train", () => {
  test("writes a network that plays, and goes on from its resume file to the same network", async () => {
    const [whole, part] = ["whole.sgn", "part.sgn"].map((name) => join(folder, name));
    const { code, stdout } = await run(`train ${small} --out ${whole} --json`);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ finished: true, games: 24, updates: expect.any(Number) });
    const again = await run(`train ${small} --out ${part} --json`);
    expect(JSON.parse(again.stdout).best).toEqual(JSON.parse(stdout).best);
    // Nothing is left to do: the network is written again as it was.
    const resumed = await run(`train --out ${part} --resume --json`);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ finished: true, games: 24 });
    const other = await run(`train --out ${part} --resume --games 30`);
    expect([other.code, other.stderr]).toEqual([
      2,
      expect.stringMatching(/was begun with games 24\. Leave that option/),
    ]);
    const weights = (path: string) => readFileSync(path).subarray(-4 * 12 * 8);
    expect(weights(part)).toEqual(weights(whole));
    const evaluation = await run(`eval --agent ${whole} --vs random --games 20 --json`);
    expect(JSON.parse(evaluation.stdout)).toMatchObject({ games: 20, winRate: expect.any(Number) });
  });

  test("what is wrong ends with 2 and says what would be right", async () => {
    const outcomes = await Promise.all([
      run(`train ${small} --out network.bin`),
      run(`train ${small} --menu big-banquet --out ${folder}/x.sgn`),
      run("eval --menu maki,tempura,sashimi,miso,wasabi,soy,ice-cream --games 2"),
      run(`eval --agent ${root}/package.json.sgn --games 2`),
      run(`train ${small} --out ${root}/package.json/x.sgn`),
    ]);
    expect(outcomes.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2]);
    expect(outcomes[4].stderr).toMatch(/^draftwright: Cannot write .*\n$/);
    const words = [/named \.sgn/, /does not allow spoon/, /Train one: draftwright game sushi train/, /Cannot read/];
    outcomes.forEach(({ stderr }, i) => {
      expect(stderr).toMatch(words[i]);
    });
  });
});

describe("networks that are shipped", () => {
  const forTwo = ["my-first-meal", "sushi-go", "party-sampler", "dinner-for-two"];
  const menus = [...forTwo, "master-menu", "points-platter", "cutthroat-combo", "big-banquet"];

  test("one for each stock menu, under a megabyte; for two players all beat the heuristic", async () => {
    for (const menu of menus) {
      const path = `${root}/models/sushi-go/${menu}.4p.sgn`;
      expect([menu, existsSync(path)]).toEqual([menu, true]);
      expect(statSync(path).size).toBeLessThan(1_000_000);
    }
    const lowest = async (args: string) => {
      const { agent, lo } = JSON.parse((await run(`eval ${args} --games 200 --seed 5 --json`)).stdout);
      expect(agent).toBe("dqn");
      return lo;
    };
    const [two, four] = await Promise.all([
      Promise.all(forTwo.map((menu) => lowest(`--vs heuristic --menu ${menu} --players 2`))),
      Promise.all(menus.map((menu) => lowest(`--vs greedy --menu ${menu} --players 4`))),
    ]);
    for (const [i, lo] of two.entries()) expect([forTwo[i], lo > 0.58]).toEqual([forTwo[i], true]);
    // The fair share is a quarter.
    for (const [i, lo] of four.entries()) expect([menus[i], lo > 0.25]).toEqual([menus[i], true]);
  });

  test("advice comes from the network where there is one", async () => {
    const table =
      "menu: my-first-meal\nplayers: 2\nhand: squid, 2x tempura, tea\ntray: wasabi\ntray:\nknown: egg, 3x miso\n";
    const { stdout } = await run("advise --state - --worlds 6 --json", table);
    expect(JSON.parse(stdout)).toMatchObject({ drafter: "dqn", verifier: "rollouts of dqn", horizon: "game" });
    const plain = await run("advise --state - --worlds 6 --agent heuristic --json", table);
    expect(JSON.parse(plain.stdout)).toMatchObject({ drafter: "heuristic", horizon: "round" });
  });
});
