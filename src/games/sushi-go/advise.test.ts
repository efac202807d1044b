import { describe, expect, test } from "vitest";
import { actionNamed } from "./actions.ts";
import { advise, adviseTable, handNames } from "./advise.ts";
import { newState } from "./deal.ts";
import { play } from "./play.ts";
import { makeSetup } from "./setup.ts";
import { legalOf } from "./testing/tools.ts";

const table = {
  menu: "my-first-meal",
  players: 3,
  hand: ["sashimi", "tempura", "egg", "wasabi"],
  known: [["egg", "egg", "tempura", "tea"], null],
  trays: [["sashimi", "sashimi", "tempura"], ["tempura"], []],
} as const;

describe("advice", () => {
  test("picks by value with reasons, the left neighbour's wish, and known copies", () => {
    const { picks, phase, knownHands, verifier, drafter } = adviseTable(table, { worlds: 12, topK: 4 });
    expect([phase, drafter, verifier]).toEqual(["pick", "heuristic", "rollouts of heuristic"]);
    expect(picks[0]).toMatchObject({ action: "sashimi", reasons: ["completes three: 10 points"] });
    expect(picks.find(({ action }) => action === "tempura")?.reasons).toEqual([
      "completes a pair: 5 points",
      "the left neighbour, who gets this hand, lacks one tempura for 5",
      "also in the known hand 1 to the left",
    ]);
    expect(picks.map(({ value }) => value)).toEqual([...picks].map(({ value }) => value).sort((a, b) => b! - a!));
    expect(picks.every(({ ci }) => ci !== null && ci >= 0)).toBe(true);
    expect(knownHands).toEqual([["egg-nigiri", "egg-nigiri", "tempura", "tea"], null]);
  });

  test("without verification picks go by the proposer's shares and have no value", () => {
    const { picks, verifier, worlds } = adviseTable(table, { verify: false });
    expect([verifier, worlds]).toEqual([null, 0]);
    expect(picks.every(({ value, ci }) => value === null && ci === null)).toBe(true);
    expect(picks.map(({ pDraft }) => pDraft)).toEqual(picks.map(({ pDraft }) => pDraft).sort((a, b) => b - a));
  });

  test("in a game nothing is known of the others before the first pass, and one hand after it", () => {
    const s = newState(makeSetup({ players: 3, menu: "my-first-meal" }), 4);
    expect(advise(s, 0, { worlds: 2 }).knownHands).toEqual([null, null]);
    for (let p = 0; p < 3; p++) play(s, p, legalOf(s, p)[0]);
    expect(advise(s, 0, { worlds: 2 }).knownHands).toEqual([handNames(s, 1), null]);
  });

  test("calls are advised too, and equal seeds give equal advice", () => {
    const deal = () => newState(makeSetup({ players: 2, menu: "sushi-go" }), 1);
    let s = deal();
    const hasChopsticks = () => legalOf(s, 0).includes(actionNamed("chopsticks"));
    for (let seed = 2; !hasChopsticks(); seed++) s = newState(makeSetup({ players: 2, menu: "sushi-go" }), seed);
    play(s, 0, actionNamed("chopsticks"));
    play(s, 1, legalOf(s, 1)[0]);
    play(s, 0, legalOf(s, 0)[0]);
    const advice = advise(s, 0, { worlds: 3 });
    expect(advice.phase).toBe("bonus");
    expect(advice.picks.map(({ action }) => action).sort()).toEqual(["call-chopsticks", "no-call"]);
    expect(advise(s, 0, { worlds: 3 })).toEqual(advice);
  });
});
