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
    ]);
    expect(outcomes.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
    const words = [/named \.sgn/, /does not allow spoon/, /Train one: draftwright game sushi train/, /Cannot read/];
    outcomes.forEach(({ stderr }, i) => {
      expect(stderr).toMatch(words[i]);
    });
  });
});

describe("networks that are shipped", () => {
  const menus = ["my-first-meal", "sushi-go", "party-sampler", "master-menu"];
  menus.push("points-platter", "cutthroat-combo", "big-banquet", "dinner-for-two");

  test("one for each stock menu, under a megabyte, better than the heuristic at its table", async () => {
    for (const menu of menus) {
      const path = `${root}/models/sushi-go/${menu}.4p.sgn`;
      expect([menu, existsSync(path)]).toEqual([menu, true]);
      expect(statSync(path).size).toBeLessThan(1_000_000);
    }
    const results = await Promise.all(
      menus.map((menu) => run(`eval --vs heuristic --menu ${menu} --players 4 --games 200 --seed 5 --json`)),
    );
    // Four players: the fair share is a quarter.
    for (const [i, { stdout }] of results.entries()) {
      const { lo, agent } = JSON.parse(stdout);
      expect([agent, menus[i], lo > 0.25]).toEqual(["dqn", menus[i], true]);
    }
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
