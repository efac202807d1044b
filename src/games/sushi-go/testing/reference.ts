// The rules of scoring as the rulebook tells them, on lists of card names: slow, and meant to be read beside it.
import type { RuleOptions } from "../rules.ts";

export interface TrayView {
  /** Face-up cards in the order they were played; copies as what they copy. */
  readonly cards: readonly string[];
  readonly faceDown: number;
}

const count = (cards: readonly string[], name: string) => cards.filter((c) => c === name).length;
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const iconsOf = (cards: readonly string[], roll: string) =>
  sum(cards.filter((c) => new RegExp(`^\\d-${roll}$`).test(c)).map((c) => Number(c[0])));
const nigiriValue: { [name: string]: number } = { "egg-nigiri": 1, "salmon-nigiri": 2, "squid-nigiri": 3 };

export function nigiriPoints(cards: readonly string[]): number {
  let waiting = 0;
  let points = 0;
  for (const card of cards) {
    if (card === "wasabi") waiting++;
    const value = nigiriValue[card] ?? 0;
    if (value > 0 && waiting > 0) {
      waiting--;
      points += 3 * value;
    } else points += value;
  }
  return points;
}

export function makiPoints(icons: readonly number[], { makiPlaces }: RuleOptions): number[] {
  const awards = icons.length >= 6 ? [6, 4, 2] : [6, 3];
  return icons.map((own) => {
    if (own === 0) return 0;
    const better = icons.filter((other) => other > own);
    const place = makiPlaces === "distinct" ? new Set(better).size : better.length;
    return awards[place] ?? 0;
  });
}

export function mostAndFewest(counts: readonly number[], bonus: number, { allTied }: RuleOptions): number[] {
  const penalty = counts.length === 2 ? 0 : bonus;
  const tied = new Set(counts).size === 1;
  if (tied && allTied === "nothing") return counts.map(() => 0);
  if (tied && allTied === "zero-pays") return counts.map((c) => (c === 0 && penalty > 0 ? -penalty : 0));
  return counts.map((c) => (c === Math.max(...counts) ? bonus : 0) - (c === Math.min(...counts) ? penalty : 0));
}

export function uramakiLeftovers(icons: readonly number[], placesTaken: number, rules: RuleOptions): number[] {
  const awards = [8, 5, 2];
  const distinct = [...new Set(icons)].filter((i) => i > 0).sort((a, b) => b - a);
  const points = icons.map(() => 0);
  let place = placesTaken;
  for (const level of rules.uramakiLeftovers === "next" ? distinct.slice(0, 1) : distinct) {
    const award = awards[place] ?? 0;
    icons.forEach((own, p) => {
      if (own === level) {
        points[p] = award;
        place++;
      }
    });
  }
  return points;
}

function onigiriSets(cards: readonly string[]): number {
  const left = ["circle", "triangle", "square", "rectangle"].map((shape) => count(cards, `${shape}-onigiri`));
  let points = 0;
  while (left.some((c) => c > 0)) {
    const size = left.filter((c) => c > 0).length;
    points += size * size;
    left.forEach((c, i) => {
      left[i] = Math.max(0, c - 1);
    });
  }
  return points;
}

export function color(card: string): string {
  if (card === "wasabi" || card.endsWith("-nigiri")) return "yellow";
  return card
    .replace(/^(\d|circle|triangle|square|rectangle)-(?=maki|uramaki|onigiri)/, "")
    .replace(/^.*-fruit$/, "fruit");
}

function colorSets({ cards, faceDown }: TrayView, rules: RuleOptions): number[] {
  const names = cards.map(color);
  const sizes = [...new Set(names)].map((name) => count(names, name));
  return rules.faceDownColor === "back" && faceDown > 0 ? [...sizes, faceDown] : sizes;
}

/** Points of the round for every player; uramaki places taken during the round are given. */
export function roundPoints(
  trays: readonly TrayView[],
  menu: readonly string[],
  placesTaken: number,
  rules: RuleOptions,
): number[] {
  const all = trays.map(({ cards }) => cards);
  const points = trays.map((tray) => {
    const { cards } = tray;
    const eels = count(cards, "eel");
    const tofu = count(cards, "tofu");
    const colors = colorSets(tray, rules);
    const most = Math.max(...trays.map((other) => colorSets(other, rules).length));
    const others = all.filter((other) => other !== cards && other.includes("edamame")).length;
    return (
      nigiriPoints(cards) +
      2 * tray.faceDown +
      5 * Math.floor(count(cards, "tempura") / 2) +
      10 * Math.floor(count(cards, "sashimi") / 3) +
      [0, 1, 3, 6, 10, 15][Math.min(5, count(cards, "dumpling"))] +
      (eels === 0 ? 0 : eels === 1 ? -3 : 7) +
      (tofu === 1 ? 2 : tofu === 2 ? 6 : 0) +
      onigiriSets(cards) +
      count(cards, "edamame") * Math.min(4, others) +
      3 * count(cards, "miso") +
      count(cards, "tea") * Math.max(0, ...colors) +
      (colors.length === most ? 4 * count(cards, "soy") : 0)
    );
  });
  const add = (more: readonly number[]) => {
    for (const [p, value] of more.entries()) points[p] += value;
  };
  if (menu.includes("maki"))
    add(
      makiPoints(
        all.map((cards) => iconsOf(cards, "maki")),
        rules,
      ),
    );
  if (menu.includes("temaki"))
    add(
      mostAndFewest(
        all.map((cards) => count(cards, "temaki")),
        4,
        rules,
      ),
    );
  if (menu.includes("uramaki"))
    add(
      uramakiLeftovers(
        all.map((cards) => iconsOf(cards, "uramaki")),
        placesTaken,
        rules,
      ),
    );
  return points;
}

const fruitOf: { [name: string]: string } = {
  "2-watermelon-fruit": "WW",
  "2-pineapple-fruit": "PP",
  "2-orange-fruit": "OO",
  "mixed-wp-fruit": "WP",
  "mixed-po-fruit": "PO",
  "mixed-wo-fruit": "WO",
};

/** Points of all desserts at the end of the game. */
export function dessertPoints(
  fridges: readonly (readonly string[])[],
  menu: readonly string[],
  rules: RuleOptions,
): number[] {
  if (menu.includes("pudding"))
    return mostAndFewest(
      fridges.map((cards) => count(cards, "pudding")),
      6,
      rules,
    );
  if (menu.includes("ice-cream")) return fridges.map((cards) => 12 * Math.floor(count(cards, "ice-cream") / 4));
  return fridges.map((cards) => {
    const icons = cards.map((card) => fruitOf[card] ?? "").join("");
    return sum([..."WPO"].map((fruit) => [-2, 0, 1, 3, 6, 10][Math.min(5, icons.split(fruit).length - 1)]));
  });
}
