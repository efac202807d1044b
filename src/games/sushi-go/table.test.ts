import { describe, expect, test } from "vitest";
import { DraftwrightError } from "../../errors.ts";
import { adviseTable } from "./advise.ts";
import { stateOfTable, type Table } from "./table.ts";

const good: Table = { menu: "my-first-meal", players: 2, hand: ["squid", "tea"], trays: [["wasabi"], ["sashimi"]] };
const wrong = (part: object) => () => stateOfTable({ ...good, ...part } as unknown as Table, 1);

describe("tables that cannot be are refused", () => {
  test.each<[string, object, string]>([
    ["a card that is no name", { hand: [1] }, '"hand" must name cards'],
    ["a hand that is no list", { hand: "squid" }, '"hand" must be a list'],
    ["an empty hand", { hand: [] }, "needs 1 to 10 cards"],
    ["eleven cards", { hand: Array(11).fill("egg") }, "it has 11"],
    ["a tray with a number", { trays: [[1]] }, '"trays" must name cards'],
    ["a tray that is null", { trays: [null] }, '"trays" must be a list'],
    ["a tray too many", { trays: [[], [], []] }, "3 lists for 2 players"],
    ["more cards before a player than turns", { trays: [[], Array(9).fill("tempura")] }, "8 turns were"],
    ["four squid", { hand: Array(4).fill("squid") }, "more squid-nigiri"],
    ["six ice creams in the first round", { trays: [Array(6).fill("ice-cream")] }, "only 5 are in the game by round 1"],
    ["a fridge in the first round", { fridges: [["ice-cream"]] }, "say which round"],
    ["a fridge with tea", { fridges: [["tea"]], round: 2 }, "is no dessert"],
    ["known hands that are text", { known: "egg" }, '"known" must be a list'],
    ["known hands with a number", { known: [[5, 6]] }, '"known" must name cards'],
    ["a known hand too many", { known: [null, null] }, "2 lists for 1 other players"],
    ["a known hand of another size", { known: [["egg"]] }, "all hands are equal"],
    ["scores that are text", { scores: "x" }, '"scores" must be a list'],
    ["a score that is text", { scores: ["a", 1] }, 'from -500 to 500, not "a"'],
    ["a score too few", { scores: [1] }, "1 numbers for 2 players"],
    ["round four", { round: 4 }, "from 1 to 3, not 4"],
    ["a copy by a card that copies none", { trays: [["tea=tea"]] }, "only a special-order"],
    ["a face-down card without takeout", { trays: [["face-down"]] }, "Without a takeout box"],
    ["uramaki places without uramaki", { uramakiPlaces: 1 }, '"uramakiPlaces" must be 0 here'],
    ["a card of another menu", { discard: ["pudding"] }, "not on this menu"],
    ["an unknown field", { colour: "red" }, 'has no "colour"'],
    ["nine players", { players: 9 }, "2 to 8 players"],
    ["players as text", { players: "2" }, "2 to 8 players"],
    ["a menu that is a number", { menu: 5 }, "list of seven tiles"],
    ["a menu named like a property", { menu: "constructor" }, 'no menu "constructor"'],
    ["rules that are null", { rules: null }, "Rules are options by name"],
    ["rules that are a number", { rules: 5 }, "Rules are options by name"],
  ])("%s", (_, part, words) => {
    expect(wrong(part)).toThrow(DraftwrightError);
    expect(wrong(part)).toThrow(words);
  });

  test("the table they were made from is fine", () => {
    expect(adviseTable(good, { worlds: 2 }).picks).toHaveLength(2);
  });
});
