import { DraftwrightError } from "../../errors.ts";
import { appetizers, desserts, rolls, specials, type TileName, tileNames } from "./cards.ts";

/** A stock menu's slug, or seven tiles: one roll, three appetizers, two specials, one dessert. Nigiri is always there. */
export type MenuSpec = string | readonly TileName[];

export const stockMenus: { readonly [slug: string]: readonly TileName[] } = {
  "my-first-meal": ["maki", "tempura", "sashimi", "miso", "wasabi", "tea", "ice-cream"],
  "sushi-go": ["maki", "tempura", "sashimi", "dumpling", "chopsticks", "wasabi", "pudding"],
  "party-sampler": ["temaki", "tempura", "dumpling", "tofu", "wasabi", "menu", "ice-cream"],
  "master-menu": ["temaki", "onigiri", "tofu", "sashimi", "spoon", "takeout", "fruit"],
  "points-platter": ["uramaki", "onigiri", "dumpling", "edamame", "special-order", "tea", "ice-cream"],
  "cutthroat-combo": ["temaki", "eel", "tofu", "miso", "spoon", "soy", "pudding"],
  "big-banquet": ["maki", "tempura", "dumpling", "eel", "spoon", "chopsticks", "ice-cream"],
  "dinner-for-two": ["uramaki", "onigiri", "tofu", "miso", "menu", "special-order", "fruit"],
};

/** Tiles that the rulebook excludes for a number of players. */
export function excludedTiles(players: number): readonly TileName[] {
  if (players === 2) return ["spoon", "edamame"];
  return players >= 7 ? ["menu", "special-order"] : [];
}

const parts = [
  { name: "roll", from: rolls, count: 1 },
  { name: "appetizers", from: appetizers, count: 3 },
  { name: "specials", from: specials, count: 2 },
  { name: "dessert", from: desserts, count: 1 },
] as const;

/** Tiles of a menu in the order of `tileNames`; throws bad-argument if it is none, or not for so many players. */
export function checkedMenu(spec: MenuSpec, players: number): readonly TileName[] {
  if (!Number.isInteger(players) || players < 2 || players > 8) {
    throw new DraftwrightError("bad-argument", `Sushi Go Party! is for 2 to 8 players, not ${players}.`);
  }
  const tiles = typeof spec === "string" ? named(spec) : spec;
  if (!Array.isArray(tiles)) {
    throw new DraftwrightError(
      "bad-argument",
      `A menu is a stock menu's name or a list of seven tiles, such as ${JSON.stringify(stockMenus["sushi-go"])}.`,
    );
  }
  const problem = menuProblem(tiles, players);
  if (problem)
    throw new DraftwrightError("bad-argument", `${problem} Stock menus for ${players}: ${fitting(players)}.`);
  return tileNames.filter((name) => tiles.includes(name));
}

/** Why these tiles are no menu for so many players, or undefined. */
export function menuProblem(tiles: readonly string[], players: number): string | undefined {
  const unknown = tiles.find((name) => !(tileNames as readonly string[]).includes(name));
  if (unknown !== undefined) return `There is no tile "${unknown}". Tiles: ${tileNames.join(", ")}.`;
  if (new Set(tiles).size !== tiles.length) return "A tile stands twice on the menu.";
  for (const { name, from, count } of parts) {
    const has = tiles.filter((t) => (from as readonly string[]).includes(t)).length;
    if (has !== count) return `A menu needs ${count} ${name} (${from.join(", ")}); this one has ${has}.`;
  }
  const excluded = excludedTiles(players).find((name) => tiles.includes(name));
  return excluded && `The rulebook does not allow ${excluded} with ${players} players.`;
}

/** Every legal menu: 14,112 for 3-6 players, 6,615 for 2, 7,560 for 7 and 8. */
export function legalMenus(players: number): TileName[][] {
  const excluded = excludedTiles(players);
  let menus: TileName[][] = [[]];
  for (const { from, count } of parts) {
    const allowed = from.filter((name) => !excluded.includes(name));
    menus = menus.flatMap((menu) => combinations(allowed, count).map((some) => [...menu, ...some]));
  }
  return menus;
}

function named(spec: string): readonly TileName[] {
  const slug = spec
    .trim()
    .toLowerCase()
    .replaceAll(/[!']/g, "")
    .replaceAll(/[\s_]+/g, "-");
  if (Object.hasOwn(stockMenus, slug)) return stockMenus[slug];
  if (spec.includes(",")) return spec.split(",").map((name) => name.trim()) as unknown as TileName[];
  throw new DraftwrightError(
    "bad-argument",
    `There is no menu "${spec}". Use ${Object.keys(stockMenus).join(", ")}, or seven tiles with commas between.`,
  );
}

const fitting = (players: number) =>
  Object.entries(stockMenus)
    .filter(([, tiles]) => menuProblem(tiles, players) === undefined)
    .map(([slug]) => slug)
    .join(", ");

function combinations<T>(items: readonly T[], count: number): T[][] {
  if (count === 0) return [[]];
  return items.flatMap((item, i) => combinations(items.slice(i + 1), count - 1).map((rest) => [item, ...rest]));
}
