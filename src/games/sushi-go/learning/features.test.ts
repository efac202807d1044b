import { describe, expect, test } from "vitest";
import { SparseInput } from "../../networks/index.ts";
import { Random } from "../../random.ts";
import { actionCount } from "../actions.ts";
import { newState } from "../deal.ts";
import { checkedMenu, legalMenus, stockMenus } from "../menus.ts";
import { makeSetup } from "../setup.ts";
import { legalOf, randomGame } from "../testing/tools.ts";
import { makeFeatures } from "./features.ts";
import { Seer } from "./player.ts";

const rowOf = (seer: Seer) => [...seer.row];

describe("features", () => {
  test("every action that any menu offers has an output, for every stock menu and number of players", () => {
    for (const [slug, tiles] of Object.entries(stockMenus)) {
      for (const players of [2, 4]) {
        let menu: ReturnType<typeof checkedMenu>;
        try {
          menu = checkedMenu(slug, players);
        } catch {
          continue;
        }
        expect(menu.length).toBe(tiles.length);
        const seer = new Seer(makeFeatures({ menus: [menu], players, knownHands: true }));
        const random = new Random(1);
        for (let seed = 0; seed < 4; seed++) {
          const s = newState(makeSetup({ players, menu }), seed);
          randomGame(s, random, (p) => {
            seer.look(s, p);
            expect([...seer.legal.subarray(0, seer.count)].map((k) => seer.features.actions[k])).toEqual(legalOf(s, p));
          });
        }
      }
    }
  });

  test("counts become steps, margins stay numbers, and an input is never set twice", () => {
    const menu = checkedMenu("my-first-meal", 2);
    const features = makeFeatures({ menus: [menu], players: 2, knownHands: true });
    const seer = new Seer(features);
    const s = newState(makeSetup({ players: 2, menu }), 3);
    s.score.set([12, 30]);
    const random = new Random(2);
    randomGame(s, random, (p) => {
      seer.look(s, p);
      const set = [...seer.input.indices.subarray(0, seer.input.count)];
      expect(new Set(set).size).toBe(set.length);
      expect(Math.max(...set)).toBeLessThan(features.inputs);
    });
    // A row of its own: three of the first face are three steps.
    const row = new Int8Array(features.width);
    row[0] = 3;
    row[features.width - 1] = -25;
    const input = new SparseInput(features.inputs);
    features.expand(row, 0, input);
    expect([...input.indices.subarray(0, input.count)]).toEqual([2, 1, 0, features.inputs - 1]);
    expect(input.values[input.count - 1]).toBeCloseTo(-2.5, 6);
  });

  test("without known hands there are no columns of them; known hands are in the row once held", () => {
    const menu = checkedMenu("my-first-meal", 4);
    const options = { menus: [menu], players: 4 };
    const [seen, blind] = [true, false].map((knownHands) => makeFeatures({ ...options, knownHands }));
    // Twelve faces and a flag for each of three neighbours.
    expect(seen.width - blind.width).toBe(3 * 13);
  });

  test("a network for four sees smaller and larger tables: itself, the left, and always the right neighbour", () => {
    const menu = checkedMenu("my-first-meal", 4);
    const features = makeFeatures({ menus: [menu], players: 4, knownHands: false });
    const faces = 12;
    for (const players of [3, 4, 6]) {
      const seer = new Seer(features);
      const s = newState(makeSetup({ players, menu }), 5);
      const random = new Random(3);
      randomGame(s, random, (p) => {
        seer.look(s, p);
        const tray = (seat: number) => [...s.setup.faces].map((f) => s.tray[((p + seat) % players) * 37 + f]);
        const block = (seat: number) => rowOf(seer).slice(faces * (1 + seat), faces * (2 + seat));
        expect(block(1)).toEqual(tray(1));
        expect(block(3)).toEqual(tray(players - 1));
        if (players === 3) expect(block(2)).toEqual(Array(faces).fill(0));
        else expect(block(2)).toEqual(tray(2));
      });
    }
  });

  test("with several menus the network is told which one is played; foreign cards are refused", () => {
    const menus = [checkedMenu("my-first-meal", 4), checkedMenu("sushi-go", 4)];
    const features = makeFeatures({ menus, players: 4, knownHands: true });
    const rows = menus.map((menu) => {
      const seer = new Seer(features);
      // Nobody has seen a card yet but the own hand, which may be alike.
      seer.look(newState(makeSetup({ players: 4, menu }), 1), 0);
      return rowOf(seer).join();
    });
    expect(rows[0]).not.toBe(rows[1]);
    const other = newState(makeSetup({ players: 4, menu: "big-banquet" }), 1);
    expect(() => new Seer(features).look(other, 0)).toThrow(/knows nothing of .*trained on/);
    expect(features.actions.length).toBeLessThan(actionCount);
    const all = makeFeatures({ menus: Object.values(stockMenus), players: 4, knownHands: true });
    const random = new Random(4);
    const every = legalMenus(4);
    for (let i = 0; i < 40; i++) {
      const s = newState(makeSetup({ players: 4, menu: every[random.below(every.length)] }), i);
      const seer = new Seer(all);
      randomGame(s, random, (p) => seer.look(s, p));
    }
  });
});
