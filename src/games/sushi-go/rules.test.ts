// The worked examples of the rulebook, each as a test, and how cards with actions are carried out.
import { describe, expect, test } from "vitest";
import { actionCount } from "./actions.ts";
import type { TileName } from "./cards.ts";
import { faceCount, kindCount, tileNames } from "./cards.ts";
import { checkedMenu, legalMenus, menuProblem, stockMenus } from "./menus.ts";
import { faceNamed } from "./names.ts";
import { observationSize } from "./observe.ts";
import { makeSetup } from "./setup.ts";
import { at } from "./state.ts";
import { stateOfTable } from "./table.ts";
import { dessertPointsNow, laid, legalNames, moves, roundPointsNow } from "./testing/tools.ts";

/** A legal menu with these tiles. */
function menuWith(players: number, ...tiles: TileName[]): readonly TileName[] {
  const menu = legalMenus(players).find((menu) => tiles.every((name) => menu.includes(name)));
  if (!menu) throw new Error(`no menu has ${tiles}`);
  return menu;
}

const times = (n: number, name: string) => Array<string>(n).fill(name).join();
const four = (name: TileName, trays: string[], ...more: TileName[]) =>
  roundPointsNow(laid({ menu: menuWith(trays.length, name, ...more), players: trays.length, trays }));
const one = (name: TileName, tray: string, ...more: TileName[]) => four(name, [tray, "", ""], ...more)[0];
const hold = (s: ReturnType<typeof laid>, p: number, card: string) => s.tray[p * faceCount + faceNamed(card)];

describe("components", () => {
  test("37 faces, 45 kinds, 22 tiles, 63 actions, 381 numbers for four players", () => {
    expect([faceCount, kindCount, tileNames.length, actionCount, observationSize(4)]).toEqual([37, 45, 22, 63, 381]);
  });

  test("every deck has 54 cards and 15 desserts; hands have 10, 10, 9, 9, 8, 8, 7 cards", () => {
    const sizes = [2, 3, 4, 5, 6, 7, 8].map((players) => {
      const setup = makeSetup({ players, menu: menuWith(players) });
      expect([setup.deckCounts.reduce((a, b) => a + b, 0), setup.dessertKinds.length]).toEqual([54, 15]);
      return setup.handSize;
    });
    expect(sizes).toEqual([10, 10, 9, 9, 8, 8, 7]);
  });

  test("14,112 legal menus for 3-6 players, 6,615 for 2, 7,560 for 7 and 8", () => {
    expect([2, 3, 6, 7, 8].map((n) => legalMenus(n).length)).toEqual([6615, 14112, 14112, 7560, 7560]);
    for (const menu of legalMenus(3)) expect(menuProblem(menu, 3)).toBeUndefined();
  });

  test("only four stock menus are legal for two", () => {
    const legal = Object.keys(stockMenus).filter((slug) => menuProblem(stockMenus[slug], 2) === undefined);
    expect(legal).toEqual(["my-first-meal", "sushi-go", "party-sampler", "dinner-for-two"]);
  });

  test("bad menus say what is wrong and what would fit", () => {
    expect(() => checkedMenu("big-banquet", 2)).toThrow(/does not allow spoon with 2.*my-first-meal/s);
    expect(() => checkedMenu("pizza", 4)).toThrow(/no menu "pizza"/);
    expect(() => checkedMenu(["maki", "temaki"] as TileName[], 4)).toThrow(/needs 1 roll/);
    expect(() => makeSetup({ players: 9 })).toThrow(/2 to 8/);
    expect(() => makeSetup({ players: 4, rules: { allTied: "x" as never } })).toThrow(/literal or nothing/);
  });
});

describe("round scoring", () => {
  test("nigiri 1, 2, 3; on wasabi 3, 6, 9; an empty wasabi nothing; wasabi takes the next nigiri only", () => {
    expect(one("wasabi", "egg, salmon, squid")).toBe(6);
    expect(["egg", "salmon", "squid"].map((name) => one("wasabi", `wasabi, ${name}`))).toEqual([3, 6, 9]);
    expect(one("wasabi", "squid, wasabi")).toBe(3);
    expect(one("wasabi", "wasabi, wasabi, egg, squid, squid")).toBe(3 + 9 + 3);
  });

  test("maki 5,5,3,1 gives 6,6,3,0", () => {
    const trays = ["2-maki,3-maki", "2-maki,3-maki", "3-maki", "1-maki"];
    expect(four("maki", trays)).toEqual([6, 6, 3, 0]);
    const rules = { makiPlaces: "swallow" } as const;
    expect(roundPointsNow(laid({ menu: "my-first-meal", players: 4, trays, rules }))).toEqual([6, 6, 0, 0]);
  });

  test("maki: three places with six players, none without maki, 10 icons beat 9", () => {
    expect(four("maki", ["3-maki", "2-maki", "1-maki", "", "", ""])).toEqual([6, 4, 2, 0, 0, 0]);
    expect(four("maki", ["", "", ""])).toEqual([0, 0, 0]);
    expect(four("maki", [`${times(3, "3-maki")},1-maki`, `${times(4, "2-maki")},1-maki`, ""])).toEqual([6, 3, 0]);
  });

  test("temaki 3,2,0,0 gives 4,0,-4,-4; no penalty with two; all tied is an option", () => {
    expect(four("temaki", [times(3, "temaki"), times(2, "temaki"), "", ""])).toEqual([4, 0, -4, -4]);
    expect(four("temaki", ["temaki", ""])).toEqual([4, 0]);
    const tied = (players: number, allTied: "literal" | "nothing" | "zero-pays", card = "temaki") => {
      const trays = Array<string>(players).fill(card);
      return roundPointsNow(laid({ menu: menuWith(players, "temaki"), players, trays, rules: { allTied } }))[0];
    };
    expect([tied(3, "literal"), tied(2, "literal"), tied(3, "nothing"), tied(2, "nothing")]).toEqual([0, 4, 0, 0]);
    expect([tied(3, "zero-pays"), tied(3, "zero-pays", ""), tied(2, "zero-pays", "")]).toEqual([0, -4, 0]);
  });

  test("tempura, sashimi, dumplings, eel, tofu by count", () => {
    const by = (name: TileName, most: number) =>
      Array.from({ length: most + 1 }, (_, count) => one(name, times(count, name).replace(/^$/, "")));
    expect(by("tempura", 4)).toEqual([0, 0, 5, 5, 10]);
    expect(by("sashimi", 6)).toEqual([0, 0, 0, 10, 10, 10, 20]);
    expect(by("dumpling", 6)).toEqual([0, 1, 3, 6, 10, 15, 15]);
    expect(by("eel", 4)).toEqual([0, -3, 7, 7, 7]);
    expect(by("tofu", 4)).toEqual([0, 2, 6, 0, 0]);
  });

  test("onigiri circle, triangle, square, square: a set of three and one more, 10", () => {
    expect(one("onigiri", "circle, triangle, square, square")).toBe(10);
    expect(one("onigiri", "circle, triangle, square, rectangle, circle, triangle")).toBe(20);
  });

  test("edamame 3,2,1,0 gives 6,4,2,0; alone nothing; at most four a card", () => {
    expect(four("edamame", [times(3, "edamame"), times(2, "edamame"), "edamame", ""])).toEqual([6, 4, 2, 0]);
    expect(four("edamame", ["edamame", "", ""])).toEqual([0, 0, 0]);
    expect(four("edamame", Array<string>(6).fill("edamame"))[0]).toBe(4);
  });

  test("soy: four each with most colours or a tie for them; soy and this round's desserts count", () => {
    expect(four("soy", ["soy,tempura", "sashimi,tempura", ""], "tempura", "sashimi")).toEqual([4, 0, 0]);
    expect(four("soy", ["soy", "sashimi,tempura", ""], "tempura", "sashimi")).toEqual([0, 0, 0]);
    expect(four("soy", ["soy,soy,pudding", "egg,tempura", ""], "tempura", "pudding")[0]).toBe(8);
    expect(four("soy", ["soy,egg", "egg,wasabi", ""], "wasabi")[0]).toBe(4 + 1);
  });

  test("tea: wasabi, squid and two salmon are four yellow cards", () => {
    expect(one("tea", "wasabi, squid, salmon, salmon, tea", "wasabi")).toBe(9 + 4 + 4);
    expect(one("tea", "tea, tea", "wasabi")).toBe(4);
  });

  test("face-down cards: two points each, colourless by default", () => {
    const tray = ["tea, face-down, face-down, face-down", "", ""];
    const menu = menuWith(3, "tea", "takeout");
    expect(roundPointsNow(laid({ menu, players: 3, trays: tray }))[0]).toBe(6 + 1);
    expect(roundPointsNow(laid({ menu, players: 3, trays: tray, rules: { faceDownColor: "back" } }))[0]).toBe(6 + 3);
  });
});

describe("desserts", () => {
  const final = (dessert: TileName, fridges: string[][]) =>
    dessertPointsNow(
      stateOfTable(
        { menu: menuWith(fridges.length, dessert), players: fridges.length, hand: ["egg"], fridges, round: 3 },
        1,
      ),
    );
  const some = (n: number, name: string) => Array<string>(n).fill(name);

  test("pudding 4,2,1,1 gives 6,0,-6,-6; no penalty with two", () => {
    expect(
      final(
        "pudding",
        [4, 2, 1, 1].map((n) => some(n, "pudding")),
      ),
    ).toEqual([6, 0, -6, -6]);
    expect(final("pudding", [some(1, "pudding"), []])).toEqual([6, 0]);
  });

  test("ice cream: three nothing, four 12, eight 24", () => {
    expect(
      final(
        "ice-cream",
        [3, 4, 8, 0, 0, 0].map((n) => some(n, "ice-cream")),
      ),
    ).toEqual([0, 12, 24, 0, 0, 0]);
  });

  test("fruit: no watermelon, one orange, four pineapples give 4; none at all -6", () => {
    const wop = ["2-pineapple-fruit", "mixed-po-fruit", "mixed-wp-fruit"];
    expect(final("fruit", [["2-pineapple-fruit", "mixed-po-fruit", "2-orange-fruit"], [], wop])).toEqual([
      -2 + 3 + 3,
      -6,
      0 + 6 + 0,
    ]);
    // W0 O1 P4 needs three pineapples from two cards and a mixed one: 2 + 1 + 1 with one orange.
    expect(final("fruit", [["2-pineapple-fruit", "mixed-po-fruit"], [], []])[0]).toBe(-2 + 0 + 3);
    expect(final("fruit", [["2-pineapple-fruit", "2-pineapple-fruit", "mixed-wo-fruit"], [], []])[0]).toBe(0 + 0 + 6);
  });
});

describe("uramaki", () => {
  const menu = menuWith(4, "uramaki");
  const hands = (...cards: string[]) => ({
    hand: [cards[0], "salmon"],
    known: cards.slice(1).map((card) => [card, "salmon"]),
  });
  const uramaki = (trays: string[], cards: string[], uramakiPlaces = 0) =>
    stateOfTable(
      {
        menu,
        players: 4,
        ...hands(...cards),
        trays: trays.map((tray) => (tray ? tray.split(",") : [])),
        uramakiPlaces,
      },
      1,
    );

  test("two reach 12 in the same turn: 8 and 8, the next to reach ten gets 2", () => {
    const s = uramaki(["4-uramaki,4-uramaki", "5-uramaki,3-uramaki", "", ""], ["4-uramaki", "4-uramaki", "egg", "egg"]);
    moves(s, "0 4-uramaki", "1 4-uramaki", "2 egg", "3 egg");
    expect([...s.score]).toEqual([8, 8, 0, 0]);
    expect(s.scalars[at.uramakiPlaces]).toBe(2);
    expect([hold(s, 0, "4-uramaki"), hold(s, 1, "4-uramaki")]).toEqual([0, 0]);
    const next = uramaki(["", "", "5-uramaki", ""], ["egg", "egg", "5-uramaki", "egg"], 2);
    moves(next, "0 egg", "1 egg", "2 5-uramaki", "3 egg");
    expect([...next.score]).toEqual([0, 0, 2, 0]);
  });

  test("the same turn: the higher total comes first", () => {
    const s = uramaki(["5-uramaki", "5-uramaki,3-uramaki", "", ""], ["5-uramaki", "4-uramaki", "egg", "egg"]);
    moves(s, "0 5-uramaki", "1 4-uramaki", "2 egg", "3 egg");
    expect([...s.score]).toEqual([5, 8, 0, 0]);
  });

  test("round end: most icons left take the next free place; nothing when three are gone", () => {
    const trays = ["4-uramaki", "3-uramaki", "4-uramaki", ""];
    expect(roundPointsNow(uramaki(trays, ["egg", "egg", "egg", "egg"], 1))).toEqual([5, 0, 5, 0]);
    expect(roundPointsNow(uramaki(trays, ["egg", "egg", "egg", "egg"], 3))).toEqual([0, 0, 0, 0]);
    const all = laid({ menu, players: 4, trays, rules: { uramakiLeftovers: "all" } });
    expect(roundPointsNow(all)).toEqual([8, 2, 8, 0]);
  });
});

describe("miso", () => {
  const table = { menu: menuWith(3, "miso", "chopsticks"), players: 3 } as const;
  test("one in a turn counts, two in the same turn are both discarded", () => {
    const deal = () =>
      stateOfTable(
        {
          ...table,
          hand: ["miso", "egg"],
          known: [
            ["miso", "egg"],
            ["egg", "egg"],
          ],
        },
        1,
      );
    const alone = moves(deal(), "0 miso", "1 egg", "2 egg");
    expect(hold(alone, 0, "miso")).toBe(1);
    const both = moves(deal(), "0 miso", "1 miso", "2 egg");
    expect([hold(both, 0, "miso"), hold(both, 1, "miso")]).toEqual([0, 0]);
  });

  test("a second one by chopsticks spoils both, an earlier one stays", () => {
    const s = stateOfTable(
      {
        ...table,
        hand: ["miso", "miso"],
        known: [
          ["egg", "egg"],
          ["egg", "egg"],
        ],
        trays: [["chopsticks", "miso"]],
      },
      1,
    );
    moves(s, "0 miso", "0 call-chopsticks", "1 egg", "2 egg", "0 miso");
    expect(hold(s, 0, "miso")).toBe(1);
  });
});

describe("cards with actions", () => {
  test("chopsticks: a second card from the same hand, which gets the chopsticks and still shrinks by one", () => {
    const s = stateOfTable(
      {
        menu: "sushi-go",
        players: 2,
        hand: ["egg", "squid", "tempura"],
        known: [["egg", "egg", "salmon"]],
        trays: [["chopsticks", "wasabi"]],
      },
      1,
    );
    moves(s, "0 tempura");
    expect(legalNames(s, 0)).toEqual(["no-call", "call-chopsticks"]);
    moves(s, "0 call-chopsticks", "1 egg");
    expect([s.scalars[at.actor], legalNames(s, 0)]).toEqual([0, ["egg-nigiri", "squid-nigiri"]]);
    moves(s, "0 squid-nigiri");
    // The hand went to the left, with the chopsticks in it.
    expect(legalNames(s, 1)).toEqual(["egg-nigiri", "chopsticks"]);
    expect([hold(s, 0, "chopsticks"), s.bound[2], s.handSizes[0], s.handSizes[1]]).toEqual([0, 1, 2, 2]);
  });

  test("chopsticks played this turn cannot be used, nor with nothing left in the hand", () => {
    const s = stateOfTable({ menu: "sushi-go", players: 2, hand: ["chopsticks", "egg"], known: [["egg", "egg"]] }, 1);
    moves(s, "0 chopsticks", "1 egg");
    moves(s, "0 egg-nigiri");
    expect(legalNames(s, 0)).toEqual([]);
  });

  const spoonTable = { menu: "master-menu", players: 4, hand: ["egg", "egg"], trays: [["spoon"]] } as const;
  test("spoon: the first to the left who has it gives it and gets the spoon", () => {
    const s = stateOfTable(
      {
        ...spoonTable,
        known: [
          ["salmon", "squid"],
          ["tofu", "salmon"],
          ["tofu", "salmon"],
        ],
      },
      1,
    );
    moves(s, "0 egg-nigiri", "0 call-spoon", "1 squid", "2 salmon", "3 salmon");
    expect(legalNames(s, 0)).toContain("any-onigiri");
    moves(s, "0 tofu");
    expect(hold(s, 0, "tofu")).toBe(1);
    // Seat 2's hand is now seat 3's.
    expect(legalNames(s, 3)).toEqual(["spoon"]);
    expect(legalNames(s, 0)).toEqual(["tofu"]);
  });

  test("spoon: a type was named, so the giver chooses the face", () => {
    const s = stateOfTable(
      {
        ...spoonTable,
        hand: ["egg", "egg", "egg"],
        known: [
          ["tofu", "tofu", "tofu"],
          ["circle", "square", "salmon"],
          ["salmon", "salmon", "squid"],
        ],
      },
      1,
    );
    moves(s, "0 egg-nigiri", "0 call-spoon", "1 tofu", "2 salmon-nigiri", "3 salmon-nigiri", "0 any-onigiri");
    expect([s.scalars[at.actor], legalNames(s, 2)]).toEqual([2, ["circle-onigiri", "square-onigiri"]]);
    moves(s, "2 square-onigiri");
    expect(hold(s, 0, "square")).toBe(1);
  });

  test("spoon: nobody has it, so it is discarded", () => {
    const s = stateOfTable(
      {
        ...spoonTable,
        known: [
          ["salmon", "salmon"],
          ["tofu", "tofu"],
          ["tofu", "tofu"],
        ],
      },
      1,
    );
    moves(s, "0 egg-nigiri", "0 call-spoon", "1 salmon-nigiri", "2 tofu", "3 tofu", "0 squid-nigiri");
    expect([hold(s, 0, "spoon"), s.discard.reduce((a, b) => a + b, 0), s.handSizes[0]]).toEqual([0, 1, 1]);
  });

  test("menu: four cards from the deck, one is played, three go back", () => {
    const s = stateOfTable({ menu: "party-sampler", players: 2, hand: ["menu", "egg"], known: [["egg", "egg"]] }, 3);
    const deck = s.scalars[at.deckSize];
    moves(s, "0 menu", "1 egg-nigiri");
    expect(s.scalars[at.drawnSize]).toBe(4);
    const [first] = legalNames(s, 0);
    moves(s, `0 ${first}`);
    expect([hold(s, 0, first), s.scalars[at.deckSize], s.scalars[at.drawnSize]]).toEqual([1, deck - 1, 0]);
  });

  const takeoutTable = {
    menu: menuWith(3, "takeout", "wasabi", "eel"),
    players: 3,
    known: [
      ["egg", "egg"],
      ["egg", "salmon"],
    ],
  };
  test("takeout: flips cards of earlier turns, two points each", () => {
    const s = stateOfTable({ ...takeoutTable, hand: ["takeout", "salmon"], trays: [["eel", "wasabi", "squid"]] }, 1);
    moves(s, "0 takeout", "1 egg-nigiri", "2 egg-nigiri");
    expect(legalNames(s, 0)).toEqual(["squid-nigiri", "eel", "wasabi", "stop"]);
    moves(s, "0 eel", "0 squid-nigiri");
    expect([s.faceDown[0], s.freeWasabi[0], s.bound[2]]).toEqual([2, 1, 0]);
    moves(s, "0 stop");
    expect(roundPointsNow(s)[0]).toBe(4);
  });

  test("takeout: whether the wasabi is free again is an option", () => {
    const rules = { flippedNigiriWasabi: "spent" } as const;
    const s = stateOfTable({ ...takeoutTable, rules, hand: ["takeout", "salmon"], trays: [["wasabi", "squid"]] }, 1);
    moves(s, "0 takeout", "1 egg-nigiri", "2 egg-nigiri", "0 squid-nigiri");
    expect([s.freeWasabi[0], s.faceDown[0]]).toEqual([0, 1]);
  });

  const copy = (menu: readonly TileName[], tray: string[], target: string, rest: { hand?: string[] } = {}) => {
    const s = stateOfTable(
      {
        menu,
        players: 3,
        hand: ["special-order", ...(rest.hand ?? ["egg"])],
        known: [
          ["salmon", "salmon"],
          ["salmon", "salmon"],
        ],
        trays: [tray],
      },
      1,
    );
    return moves(s, "0 special-order", `0 ${target}`, "1 salmon-nigiri", "2 salmon-nigiri");
  };

  test("special order: icons, free wasabi, a new wasabi, a copy of a copy, a flipped card", () => {
    const maki = copy(menuWith(3, "special-order", "maki"), ["3-maki"], "3-maki");
    expect(roundPointsNow(maki)[0]).toBe(6);
    expect(hold(maki, 0, "3-maki")).toBe(2);
    const wasabiMenu = menuWith(3, "special-order", "wasabi");
    expect(copy(wasabiMenu, ["squid", "wasabi"], "squid-nigiri").bound[2]).toBe(1);
    expect(copy(wasabiMenu, ["wasabi", "squid"], "wasabi").freeWasabi[0]).toBe(1);
    const twice = copy(menuWith(3, "special-order", "tempura"), ["tempura", "special-order=tempura"], "tempura");
    expect(hold(twice, 0, "tempura")).toBe(3);
    const flipped = copy(menuWith(3, "special-order", "takeout"), ["face-down"], "any-takeout");
    expect(flipped.faceDown[0]).toBe(2);
  });

  test("special order: nothing to copy, so it is discarded", () => {
    const s = stateOfTable(
      {
        menu: menuWith(3, "special-order"),
        players: 3,
        hand: ["special-order", "egg"],
        known: [
          ["egg", "egg"],
          ["salmon", "salmon"],
        ],
      },
      1,
    );
    moves(s, "0 special-order", "1 egg-nigiri", "2 salmon-nigiri");
    expect([hold(s, 0, "special-order"), s.discard.reduce((a, b) => a + b, 0)]).toEqual([0, 1]);
  });

  test("special order: a copied uramaki can reach ten; both physical cards leave the tray", () => {
    const s = copy(menuWith(3, "special-order", "uramaki"), ["5-uramaki"], "5-uramaki");
    expect([...s.score]).toEqual([8, 0, 0]);
    expect(s.placed.subarray(0, kindCount).reduce((a, b) => a + b, 0)).toBe(0);
  });

  test("special order: copied chopsticks go back into the hand as a special order", () => {
    const menu = menuWith(3, "special-order", "chopsticks");
    const s = stateOfTable(
      {
        menu,
        players: 3,
        hand: ["egg", "squid"],
        known: [
          ["egg", "egg"],
          ["salmon", "salmon"],
        ],
        trays: [["chopsticks", "special-order=chopsticks"]],
      },
      1,
    );
    moves(s, "0 egg-nigiri", "0 call-chopsticks", "1 egg-nigiri", "2 salmon-nigiri", "0 squid-nigiri");
    // The original has the same number and goes first.
    expect(legalNames(s, 1)).toEqual(["chopsticks"]);
    expect([hold(s, 0, "chopsticks"), s.copiedOrders[0]]).toEqual([1, 1]);
  });

  test("special order: a copied dessert goes to the fridge and never comes back", () => {
    const menu = menuWith(3, "special-order", "pudding");
    const s = stateOfTable(
      { menu, players: 3, hand: ["special-order"], known: [["egg"], ["salmon"]], trays: [["pudding"]] },
      1,
    );
    moves(s, "0 special-order", "0 pudding", "1 egg-nigiri", "2 salmon-nigiri");
    expect([s.round, s.fridge[0], s.gone.reduce((a, b) => a + b, 0)]).toEqual([1, 2, 2]);
  });

  test("the queue runs in the order of the printed numbers: chopsticks, spoon, menu, box", () => {
    const menu = menuWith(3, "chopsticks", "menu");
    const s = stateOfTable(
      {
        menu,
        players: 3,
        hand: ["menu", "egg", "egg"],
        known: [
          ["egg", "salmon", "salmon"],
          ["squid", "salmon", "menu"],
        ],
        trays: [[], ["chopsticks"]],
      },
      1,
    );
    moves(s, "0 menu", "1 salmon-nigiri", "1 call-chopsticks", "2 menu");
    expect(s.scalars[at.actor]).toBe(1);
    moves(s, "1 salmon-nigiri");
    expect(s.scalars[at.actor]).toBe(0);
    moves(s, `0 ${legalNames(s, 0)[0]}`);
    expect(s.scalars[at.actor]).toBe(2);
  });

  test("illegal actions are refused with the legal ones, and change nothing", () => {
    const s = stateOfTable({ menu: "sushi-go", players: 2, hand: ["egg", "tempura"], known: [["egg", "egg"]] }, 1);
    const before = [...s.bytes];
    expect(() => moves(s, "0 squid-nigiri")).toThrow(
      /squid-nigiri is not legal for player 0 \(pick\). Legal: egg-nigiri, tempura/,
    );
    expect(() => moves(s, "1 stop")).toThrow(/not legal/);
    expect([...s.bytes]).toEqual(before);
    moves(s, "0 tempura");
    expect(() => moves(s, "0 tempura")).toThrow(/not asked now/);
  });
});
