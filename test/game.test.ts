import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { command, root } from "./support/command.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-game-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const run = (args: string, input?: string) => command(["game", "sushi", ...args.split(" ")], process.env, input);

describe("game sushi", () => {
  test("eval and simulate print the documented objects; eval repeats itself", async () => {
    const args = "eval --agent heuristic --vs random --games 200 --seed 3 --json";
    const [first, second, simulated] = await Promise.all([run(args), run(args), run("simulate --games 50 --json")]);
    const result = JSON.parse(first.stdout);
    expect(result).toMatchObject({ games: 200, winRate: expect.any(Number), meanScore: expect.any(Number) });
    expect(result.lo).toBeGreaterThan(0.85);
    expect(second.stdout).toBe(first.stdout);
    expect(JSON.parse(simulated.stdout)).toEqual({
      gamesPerSecond: expect.any(Number),
      meanScores: Array(4).fill(expect.any(Number)),
    });
  });

  test("play: undo takes back the last choice, a saved game goes on, 80 columns are kept", async () => {
    const file = join(folder, "game.json");
    const { code, stdout } = await run(
      `play --players 3 --menu party-sampler --seed 5 --save ${file}`,
      "1\n2\nh\nu\nq\n",
    );
    expect(code).toBe(0);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    const saved = JSON.parse(readFileSync(file, "utf8"));
    expect(saved.moves.filter(([p]: [number]) => p === 0)).toHaveLength(1);
    const resumed = await run(`play --resume ${file}`, "q\n");
    expect(resumed.stdout).toContain("Round 1 of 3, turn 2 of 10");
    const advice = await run(`advise --state ${file} --worlds 4 --json`);
    expect(JSON.parse(advice.stdout).picks[0]).toMatchObject({ action: expect.any(String), value: expect.any(Number) });
  });

  test("play: a whole game without a terminal ends by naming the winner", async () => {
    const { code, stdout } = await run("play --seed 2 --players 8", "1\n".repeat(60));
    expect([code, /(Won|Shared) by/.test(stdout)]).toEqual([0, true]);
    for (const part of ["Round 1", "Round 2", "Round 3 and desserts"])
      expect(stdout).toContain(`${part} scored: you +`);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("advise: lines; a squid on a free wasabi comes first, and known hands are told", async () => {
    const table =
      "menu: my-first-meal\nplayers: 2\nhand: squid, 2x tempura, tea\ntray: wasabi\ntray:\nknown: egg, 3x miso\n";
    const { stdout } = await run("advise --state - --json", table);
    const advice = JSON.parse(stdout);
    expect(advice.picks[0].action).toBe("squid-nigiri");
    expect(advice.picks[0].reasons).toContain("on wasabi: 9 points");
    expect(advice.knownHands).toEqual([["egg-nigiri", "miso", "miso", "miso"]]);
  });

  test("what is wrong ends with 2 and says what would be right", async () => {
    const outcomes = await Promise.all([
      run("eval --agent clever"),
      run("simulate --menu pizza"),
      run("simulate --players 2 --menu big-banquet"),
      run("advise --state -", "hand: squid"),
      run("advise --state -", "menu: sushi-go\nplayers: 2\nhand: sandwich"),
      run("bench --players 9"),
      run(`play --resume ${root}/package.json`),
    ]);
    expect(outcomes.map(({ code }) => code)).toEqual(Array(7).fill(2));
    const words = [
      /Use dqn, search/,
      /my-first-meal/,
      /does not allow spoon/,
      /needs the lines/,
      /no card "sandwich"/,
    ].concat(/2 to 8 players/, /is no saved game/);
    outcomes.forEach(({ stderr }, i) => {
      expect(stderr).toMatch(words[i]);
    });
  });
});
