// A table as one player sees it, written down by a person: the state that advice starts from.
import { DraftwrightError } from "../../errors.ts";
import { Random, shuffle } from "../random.ts";
import { copyFaceDown } from "./actions.ts";
import {
  dessertFaces,
  faceCount,
  faceNames,
  faceOfKind,
  firstDessert,
  kindCount,
  menu as menuFace,
  specialOrder,
  takeout,
  tile,
} from "./cards.ts";
import { openTurn, reseed } from "./deal.ts";
import type { MenuSpec } from "./menus.ts";
import { faceNamed } from "./names.ts";
import { place } from "./place.ts";
import type { RuleOptions } from "./rules.ts";
import { kindOfFace, makeSetup, rounds, type Setup } from "./setup.ts";
import { at, none, SushiState } from "./state.ts";

/** Lists by seat start with you and go on to the left, where your hand goes. Missing parts are empty. */
export interface Table {
  readonly menu: MenuSpec;
  readonly players: number;
  /** 1..3 */
  readonly round?: number;
  readonly hand: readonly string[];
  /**
   * Cards before each player in the order they were played: wasabi takes the next nigiri. `special-order=tempura` is a copy,
   * `face-down` a card under a takeout box. Cards that scored or were discarded go to `discard`.
   */
  readonly trays?: readonly (readonly string[])[];
  /** Hands of the others as far as you know them, the left neighbour's first; null for unknown. */
  readonly known?: readonly (readonly string[] | null)[];
  readonly fridges?: readonly (readonly string[])[];
  readonly scores?: readonly number[];
  readonly discard?: readonly string[];
  readonly uramakiPlaces?: number;
  readonly rules?: Partial<RuleOptions>;
}

const takeoutTile = tile("takeout");
const fields = "menu, players, round, hand, trays, known, fridges, scores, discard, uramakiPlaces, rules";

/**
 * A state with you in seat 0 about to pick; what the table does not say is dealt from `seed`. Throws bad-argument for cards
 * that are not on the menu, more of them than the game has, or hands of the wrong size.
 */
export function stateOfTable(table: Table, seed: number): SushiState {
  const unknown = Object.keys(table).find((key) => !fields.split(", ").includes(key));
  if (unknown) refuse(`A table has no "${unknown}". It may have: ${fields}.`);
  const setup = makeSetup(table);
  const { players: n, handSize } = setup;
  const s = new SushiState(setup);
  const random = new Random(seed);
  const round = integerIn("round", table.round ?? 1, 1, rounds) - 1;
  const hand = cards("hand", table.hand).map((name) => onMenu(setup, name));
  if (hand.length < 1 || hand.length > handSize)
    refuse(`Your hand needs 1 to ${handSize} cards, it has ${hand.length}.`);
  s.scalars[at.round] = round;
  s.scalars[at.turn] = handSize - hand.length;
  s.scalars[at.uramakiPlaces] = integerIn(
    "uramakiPlaces",
    table.uramakiPlaces ?? 0,
    0,
    setup.onMenu[tile("uramaki")] ? 8 : 0,
  );
  const box = wholeGame(setup);
  for (const f of hand) give(s, 0, take(box, f));
  seats("trays", table.trays, n).forEach((tray, p) => {
    // No card and no call adds more than one card a turn to a tray.
    if (tray.length > handSize - hand.length) {
      refuse(
        `Tray ${p + 1} has ${tray.length} cards, but with ${hand.length} of ${handSize} in hand only ${handSize - hand.length} turns were played. Check hand and trays.`,
      );
    }
    for (const name of tray) layDown(s, box, p, name);
  });
  s.fresh.fill(0);
  s.freshMiso.fill(0);
  seats("fridges", table.fridges, n).forEach((fridge, p) => {
    if (fridge.length > 0 && round === 0) refuse("Fridges hold desserts of earlier rounds: say which round this is.");
    for (const name of fridge) fillFridge(s, box, p, name);
  });
  for (const name of cards("discard", table.discard ?? [])) s.discard[take(box, onMenu(setup, name))]++;
  const scores = array<number>("scores", table.scores ?? Array<number>(n).fill(0), "such as [12, 9]");
  if (scores.length !== n) refuse(`"scores" has ${scores.length} numbers for ${n} players. Give one for each.`);
  scores.forEach((score, p) => {
    s.score[p] = integerIn("scores", score, -500, 500);
  });
  seats("known", table.known, n - 1, "hands").forEach((known, i) => {
    if (known === null) return;
    if (known.length !== hand.length) {
      refuse(
        `Hand ${i + 1} of "known" has ${known.length} cards, yours ${hand.length}: before a pick all hands are equal.`,
      );
    }
    for (const name of known) give(s, i + 1, take(box, onMenu(setup, name)));
  });
  checkDesserts(setup, box, round);
  dealRest(s, box, random);
  setMargins(s);
  openTurn(s);
  return s;
}

/** So many desserts are shuffled in before each round; those seen cannot be more. */
function checkDesserts(setup: Setup, box: Uint8Array, round: number): void {
  const left = sum(setup.kinds.filter((kind) => isDessert(setup, kind)).map((kind) => box[kind]));
  const [seen, most] = [setup.dessertKinds.length - left, sum(setup.dessertsOfRound.slice(0, round + 1))];
  if (seen <= most) return;
  refuse(
    `There are ${seen} desserts on the table, but only ${most} are in the game by round ${round + 1}. Check round, hands, trays and fridges.`,
  );
}

const isDessert = (setup: Setup, kind: number) => setup.dessertFaces.includes(faceOfKind[kind]);

function dealRest(s: SushiState, box: Uint8Array, random: Random): void {
  const { setup, scalars } = s;
  const dessertKinds: number[] = [];
  const rest: number[] = [];
  for (const kind of setup.kinds) {
    const into = isDessert(setup, kind) ? dessertKinds : rest;
    for (let c = box[kind]; c > 0; c--) into.push(kind);
  }
  const mixed = Uint8Array.from(dessertKinds);
  shuffle(mixed, mixed.length, random.words, 0);
  const unused = setup.dessertKinds.length - sum(setup.dessertsOfRound.slice(0, scalars[at.round] + 1));
  const inBox = Math.min(unused, mixed.length);
  s.reserve.set(mixed.subarray(0, inBox));
  scalars[at.reserveSize] = inBox;
  const pool = Uint8Array.from([...rest, ...mixed.subarray(inBox)]);
  shuffle(pool, pool.length, random.words, 0);
  let left = pool.length;
  const handSize = s.handSizes[s.slot(0)];
  for (let p = 1; p < setup.players; p++) {
    if (s.handSizes[s.slot(p)] > 0) continue;
    if (left < handSize) refuse("There are more cards on the table than the game has. Check trays, hands and fridges.");
    for (let i = 0; i < handSize; i++) give(s, p, pool[--left]);
  }
  s.deck.set(pool.subarray(0, left));
  scalars[at.deckSize] = left;
  reseed(s, () => random.bits());
}

function layDown(s: SushiState, box: Uint8Array, p: number, name: string): void {
  const { setup } = s;
  const [what, copied] = name.split("=").map((part) => part.trim());
  if (what === "face-down") {
    if (!setup.onMenu[takeoutTile]) refuse("Without a takeout box on the menu no card lies face down.");
    s.faceDown[p]++;
    return;
  }
  const f = onMenu(setup, what);
  if (f === menuFace || f === takeout) refuse(`A ${what} is discarded when it is played: put it into "discard".`);
  if (copied !== undefined && f !== specialOrder) refuse(`${name}: only a special-order copies a card.`);
  const target = copied === undefined ? none : copied === "face-down" ? copyFaceDown : onMenu(setup, copied);
  if (f === specialOrder && target === none)
    refuse("A special order on the table copies a card: special-order=tempura.");
  if (f === specialOrder && target < faceCount && s.tray[p * faceCount + target] === 0) {
    refuse(`${name}: ${faceNames[target]} must lie before that player already.`);
  }
  place(s, p, take(box, f), target);
}

function fillFridge(s: SushiState, box: Uint8Array, p: number, name: string): void {
  const f = onMenu(s.setup, name.replace(/^special-order=/, ""));
  if (!s.setup.dessertFaces.includes(f)) refuse(`${name} is no dessert; fridges hold the desserts of earlier rounds.`);
  const kind = take(box, name.startsWith("special-order=") ? specialOrder : f);
  s.gone[kind]++;
  s.fridge[p * dessertFaces + f - firstDessert]++;
}

function setMargins(s: SushiState): void {
  const scores = [...s.score];
  scores.forEach((score, p) => {
    s.margin[p] = score - Math.max(...scores.filter((_, q) => q !== p));
  });
}

function wholeGame(setup: Setup): Uint8Array {
  const box = setup.deckCounts.slice();
  for (const kind of setup.dessertKinds) box[kind]++;
  return box;
}

function take(box: Uint8Array, f: number): number {
  let kind = kindOfFace[f];
  while (box[kind] === 0 && faceOfKind[kind + 1] === f) kind++;
  if (box[kind] === 0) refuse(`There are more ${faceNames[f]} on the table than the game has.`);
  box[kind]--;
  return kind;
}

function give(s: SushiState, p: number, kind: number): void {
  s.hands[s.slot(p) * kindCount + kind]++;
  s.handSizes[s.slot(p)]++;
}

function onMenu(setup: Setup, name: string): number {
  const f = faceNamed(name);
  if (!setup.faces.includes(f)) refuse(`${faceNames[f]} is not on this menu: nigiri, ${setup.menu.join(", ")}.`);
  return f;
}

type SeatCards = readonly (readonly string[] | null)[];

function seats(field: string, lists: Table["trays"], n: number): readonly (readonly string[])[];
function seats(field: string, lists: Table["known"], n: number, of: "hands"): SeatCards;
function seats(field: string, lists: SeatCards = [], n: number, of?: "hands"): SeatCards {
  const found = array(field, lists, 'a list of cards for each seat, such as [["tempura"], []]');
  if (found.length > n) refuse(`"${field}" has ${found.length} lists for ${n} ${of ? "other players" : "players"}.`);
  return found.map((list) => (of && list === null ? null : cards(field, list)));
}

function cards(field: string, value: unknown): readonly string[] {
  const example = 'such as ["tempura", "squid-nigiri"]';
  const found = array<unknown>(field, value, example);
  if (found.some((name) => typeof name !== "string")) refuse(`"${field}" must name cards, ${example}.`);
  return found as readonly string[];
}

function array<T>(field: string, value: readonly T[] | unknown, example: string): readonly T[] {
  if (!Array.isArray(value)) refuse(`"${field}" must be a list, ${example}.`);
  return value;
}

function integerIn(field: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    refuse(
      `"${field}" must be ${most > least ? `a number from ${least} to ${most}` : `${least} here`}, not ${JSON.stringify(value)}.`,
    );
  }
  return value;
}

const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

function refuse(message: string): never {
  throw new DraftwrightError("bad-argument", message);
}
