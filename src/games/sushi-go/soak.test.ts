// All properties on many games: a slice here, 100,000 games over every legal menu with `npm run soak:sushi`.
import { describe, expect, test } from "vitest";
import { legalMenus } from "./menus.ts";
import type { RuleOptions } from "./rules.ts";
import { checkGame } from "./testing/check-game.ts";

const games = Number(process.env.DRAFTWRIGHT_SUSHI_GAMES ?? 420);
const perCount = Math.ceil(games / 7);
const rules: Partial<RuleOptions>[] = [
  {},
  { allTied: "nothing", makiPlaces: "swallow", faceDownColor: "back", uramakiLeftovers: "all" },
  { allTied: "zero-pays", flippedNigiriWasabi: "spent", bonusCalls: 3, uramakiCopies: [3, 5, 4] },
];

describe.each([2, 3, 4, 5, 6, 7, 8])("%i players", (players) => {
  test(
    `${perCount} random games keep every property`,
    () => {
      const menus = legalMenus(players);
      // A prime, so that a slice is spread over the menus and a long run meets each of them.
      const stride = 5003;
      for (let i = 0; i < perCount; i++) {
        const menu = menus[(i * stride + 17) % menus.length];
        const found = checkGame({ players, menu, rules: rules[i % rules.length], seed: 1000 * players + i });
        if (found.length > 0) expect(found).toEqual([]);
      }
      const reached = new Set(Array.from({ length: perCount }, (_, i) => (i * stride + 17) % menus.length));
      expect(reached.size).toBe(Math.min(perCount, menus.length));
    },
    Math.max(120_000, 100 * perCount),
  );
});
