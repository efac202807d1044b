// Examples of the rulebook that need more than one card or turn: the rest of rules.test.ts.
import { describe, expect, test } from "vitest";
import { faceCount, type TileName } from "./cards.ts";
import { legalMenus } from "./menus.ts";
import { faceNamed } from "./names.ts";
import { fruitPoints } from "./scoring.ts";
import { kindOfFace } from "./setup.ts";
import { at, type SushiState } from "./state.ts";
import { stateOfTable } from "./table.ts";
import { legalNames, moves } from "./testing/tools.ts";

function menuWith(players: number, ...tiles: TileName[]): readonly TileName[] {
  const menu = legalMenus(players).find((found) => tiles.every((name) => found.includes(name)));
  if (!menu) throw new Error(`no menu has ${tiles}`);
  return menu;
}

const hold = (s: SushiState, p: number, card: string) => s.tray[p * faceCount + faceNamed(card)];

describe("miso spoils miso, however it came", () => {
  test("by a spoon: the second miso of the turn is another player's card", () => {
    const table = { menu: menuWith(3, "miso", "spoon"), players: 3, trays: [["spoon"]] };
    const deal = (second: string) =>
      stateOfTable(
        {
          ...table,
          hand: ["miso", "egg"],
          known: [
            [second, "egg"],
            ["egg", "egg"],
          ],
        },
        1,
      );
    const s = moves(deal("miso"), "0 miso", "0 call-spoon", "1 egg-nigiri", "2 egg-nigiri", "0 miso");
    expect([hold(s, 0, "miso"), hold(s, 1, "miso")]).toEqual([0, 0]);
    const other = moves(deal("miso"), "0 egg-nigiri", "0 call-spoon", "1 egg-nigiri", "2 egg-nigiri", "0 miso");
    expect(hold(other, 0, "miso")).toBe(1);
  });

  test("by a menu", () => {
    const table = { menu: menuWith(3, "miso", "menu"), players: 3 } as const;
    const s = stateOfTable(
      {
        ...table,
        hand: ["menu", "egg"],
        known: [
          ["miso", "egg"],
          ["egg", "egg"],
        ],
      },
      1,
    );
    s.deck[s.scalars[at.deckSize] - 1] = kindOfFace[faceNamed("miso")];
    moves(s, "0 menu", "1 miso", "2 egg-nigiri");
    expect(legalNames(s, 0)).toContain("miso");
    moves(s, "0 miso");
    expect([hold(s, 0, "miso"), hold(s, 1, "miso")]).toEqual([0, 0]);
  });

  test("by a special order; the miso that was copied stays", () => {
    const table = { menu: menuWith(3, "miso", "special-order"), players: 3, trays: [["miso"]] };
    const s = stateOfTable(
      {
        ...table,
        hand: ["special-order", "egg"],
        known: [
          ["miso", "egg"],
          ["egg", "egg"],
        ],
      },
      1,
    );
    moves(s, "0 special-order", "0 miso", "1 miso", "2 egg-nigiri");
    expect([hold(s, 0, "miso"), hold(s, 1, "miso")]).toEqual([1, 0]);
  });
});

test("uramaki: one player may score several times", () => {
  const s = stateOfTable(
    {
      menu: "dinner-for-two",
      players: 2,
      hand: ["5-uramaki", "4-uramaki", "squid", "salmon", "egg"],
      known: [["egg", "4-uramaki", "tofu", "3-uramaki", "salmon"]],
      trays: [["5-uramaki"]],
    },
    1,
  );
  moves(s, "0 5-uramaki", "1 egg-nigiri");
  expect([...s.score]).toEqual([8, 0]);
  moves(s, "0 4-uramaki", "1 squid-nigiri", "0 4-uramaki", "1 tofu");
  expect([...s.score]).toEqual([8, 0]);
  moves(s, "0 3-uramaki", "1 salmon-nigiri");
  expect([...s.score]).toEqual([8 + 5, 0]);
});

test("spoon: the direction is the same in the second round", () => {
  for (const round of [1, 2, 3]) {
    const table = { menu: "master-menu", players: 4, round, trays: [["spoon"]] } as const;
    const known = [
      ["salmon", "squid"],
      ["tofu", "salmon"],
      ["tofu", "squid"],
    ];
    const s = stateOfTable({ ...table, hand: ["egg", "egg"], known }, 1);
    moves(s, "0 egg-nigiri", "0 call-spoon", "1 squid", "2 salmon", "3 squid", "0 tofu");
    // Seat 2 gave it: the hand it passed on holds the spoon, and seat 3's tofu is still there.
    expect(legalNames(s, 3)).toEqual(["spoon"]);
    expect(legalNames(s, 0)).toEqual(["tofu"]);
  }
});

test("takeout: what was played this turn stays face up, and the box is gone", () => {
  const table = { menu: menuWith(3, "takeout", "chopsticks"), players: 3, trays: [["chopsticks", "egg"]] };
  const s = stateOfTable(
    {
      ...table,
      hand: ["takeout", "salmon", "egg"],
      known: [
        ["salmon", "salmon", "squid"],
        ["salmon", "squid", "squid"],
      ],
    },
    1,
  );
  moves(s, "0 takeout", "0 call-chopsticks", "1 squid-nigiri", "2 squid-nigiri", "0 salmon-nigiri");
  expect(legalNames(s, 0)).toEqual(["egg-nigiri", "stop"]);
  moves(s, "0 egg-nigiri");
  expect([s.faceDown[0], hold(s, 0, "salmon"), hold(s, 0, "takeout")]).toEqual([1, 1, 0]);
});

test("menu: a menu that was drawn cannot be played", () => {
  const s = stateOfTable({ menu: "party-sampler", players: 2, hand: ["menu", "egg"], known: [["egg", "egg"]] }, 3);
  const size = s.scalars[at.deckSize];
  s.deck[size - 1] = kindOfFace[faceNamed("menu")];
  moves(s, "0 menu", "1 egg-nigiri");
  expect(legalNames(s, 0)).not.toContain("menu");
  expect(legalNames(s, 0).length).toBeGreaterThan(0);
});

test("fruit: no watermelon, one orange, four pineapples are -2 + 0 + 6", () => {
  expect(fruitPoints[0] + fruitPoints[1] + fruitPoints[4]).toBe(4);
});
