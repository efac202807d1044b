import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { checkOutput, parseState } from "../src/cli/game-file.ts";
import { DraftwrightError } from "../src/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-game-file-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("states in files", () => {
  test("lines: any case, comments, Windows ends, unknown hands", () => {
    const text =
      "# mine\r\nMenu: My First Meal\r\nPLAYERS: 3\r\nhand: 2x squid, tea x 2\r\nknown: ?\r\nknown: egg, tea\r\nscores: 3, 4, 5\r\n";
    expect(parseState(text)).toEqual({
      menu: "My First Meal",
      players: 3,
      hand: ["squid", "squid", "tea", "tea"],
      known: [null, ["egg", "tea"]],
      scores: [3, 4, 5],
    });
  });

  test.each([
    ["", "needs the lines menu and hand"],
    ["{", "is no JSON"],
    ["[]", "is a list"],
    ["hand squid", "Lines begin with menu, players"],
    ["trays: tea", "Lines begin with menu, players"],
    ["menu: sushi-go\nhand: egg\nhand: tea", 'two lines "hand"'],
    ["menu: sushi-go\nhand: egg\nround:", "needs a number"],
    ["menu: sushi-go\nhand: egg\nscores: 1,x", "needs a number for each player"],
    ['{"game": "chess"}', '"game" is wrong'],
    ['{"game": "sushi-go-party", "moves": []}', '"opponents" is wrong'],
    [
      JSON.stringify({ game: "sushi-go-party", opponents: [3], seed: 1, players: 2, menu: [], moves: [] }),
      '"opponents.0"',
    ],
    [
      JSON.stringify({ game: "sushi-go-party", opponents: [], seed: 1, players: 2, menu: [], moves: [null] }),
      '"moves.0"',
    ],
  ])("%j is refused in one line", (text, words) => {
    const read = () => parseState(text);
    expect(read).toThrow(DraftwrightError);
    expect(read).toThrow(words);
    expect(read).not.toThrow("\n");
  });
});

test("where nothing can be written is known before the work", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  expect(() => checkOutput(join(folder, "new", "folder", "x.sgn"))).not.toThrow();
  expect(() => checkOutput(file)).not.toThrow();
  for (const path of [folder, join(file, "x.sgn")]) expect(() => checkOutput(path)).toThrow("Name another file");
});
