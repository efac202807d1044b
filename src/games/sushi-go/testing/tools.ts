import type { Random } from "../../random.ts";
import { actionNamed, actionNames } from "../actions.ts";
import { dessertFaces, faceCount, faceNames, firstDessert, kindCount, specialOrder } from "../cards.ts";
import { listActions } from "../legal.ts";
import { legalMenus } from "../menus.ts";
import { faceNamed } from "../names.ts";
import { play } from "../play.ts";
import { addDessertPoints, addRoundPoints } from "../scoring.ts";
import { kindOfFace } from "../setup.ts";
import { at, deckCapacity, type SushiState } from "../state.ts";
import { stateOfTable, type Table } from "../table.ts";
import type { TrayView } from "./reference.ts";

const list = new Uint8Array(80);

export function legalOf(s: SushiState, p: number): number[] {
  return [...list.subarray(0, listActions(s, p, list))];
}

export const legalNames = (s: SushiState, p: number) => legalOf(s, p).map((a) => actionNames[a]);

/** Plays moves like `0 tempura`. */
export function moves(s: SushiState, ...texts: string[]): SushiState {
  for (const text of texts) {
    const [p, name] = text.split(" ");
    play(s, Number(p), actionNames.includes(name) ? actionNamed(name) : faceNamed(name));
  }
  return s;
}

/** A table whose trays are written as `a, b, c`; the hand is one card of no interest. */
export function laid(table: Omit<Table, "hand" | "trays"> & { hand?: string[]; trays: string[] }): SushiState {
  const split = (text: string) => (text === "" ? [] : text.split(",").map((name) => name.trim()));
  return stateOfTable({ hand: ["egg"], ...table, trays: table.trays.map(split) }, 1);
}

export function roundPointsNow(s: SushiState): number[] {
  const out = new Int16Array(s.setup.players);
  addRoundPoints(s, out);
  return [...out];
}

export function dessertPointsNow(s: SushiState): number[] {
  const out = new Int16Array(s.setup.players);
  addDessertPoints(s, out);
  return [...out];
}

/** The state's trays as lists; nigiri on wasabi follow theirs. */
export function trayViews(s: SushiState): TrayView[] {
  return Array.from({ length: s.setup.players }, (_, p) => {
    const cards: string[] = [];
    const left = Array.from(s.tray.subarray(p * faceCount, (p + 1) * faceCount));
    const lay = (f: number) => {
      cards.push(faceNames[f]);
      left[f]--;
    };
    const wasabi = faceNames.indexOf("wasabi");
    for (let i = 0; i < 3; i++) {
      for (let b = s.bound[p * 3 + i]; b > 0; b--) {
        lay(wasabi);
        lay(i);
      }
    }
    left.forEach((count, f) => {
      if (f !== wasabi) for (let c = count; c > 0; c--) lay(f);
    });
    while (left[wasabi] > 0) lay(wasabi);
    return { cards, faceDown: s.faceDown[p] };
  });
}

export function fridgeViews(s: SushiState): string[][] {
  return trayViews(s).map(({ cards }, p) => [
    ...cards,
    ...Array.from(s.fridge.subarray(p * dessertFaces, (p + 1) * dessertFaces)).flatMap((count, i) =>
      Array<string>(count).fill(faceNames[firstDessert + i]),
    ),
  ]);
}

/** How often every kind exists, wherever it lies. */
export function census(s: SushiState): number[] {
  const counts = Array<number>(kindCount).fill(0);
  const { scalars } = s;
  for (let i = 0; i < s.hands.length; i++) counts[i % kindCount] += s.hands[i] + s.placed[i];
  for (let kind = 0; kind < kindCount; kind++) counts[kind] += s.discard[kind] + s.gone[kind];
  for (const [pile, size] of [
    [s.deck, at.deckSize],
    [s.reserve, at.reserveSize],
    [s.drawn, at.drawnSize],
  ] as const) {
    for (let i = 0; i < scalars[size]; i++) counts[pile[i]]++;
  }
  for (const kind of [scalars[at.held], scalars[at.waiting]]) if (kind > 0) counts[kind - 1]++;
  return counts;
}

/** What `census` must give. */
export function boxOf(s: SushiState): number[] {
  const counts = Array.from(s.setup.deckCounts);
  for (const kind of s.setup.dessertKinds) counts[kind]++;
  return counts;
}

/** What the views of a state must agree on; returns what does not. */
export function inconsistencies(s: SushiState): string[] {
  const found: string[] = [];
  const { players: n } = s.setup;
  if (census(s).join() !== boxOf(s).join()) found.push("cards are lost or made");
  if (s.scalars[at.deckSize] > deckCapacity) found.push("the deck is too large");
  for (let p = 0; p < n; p++) {
    const hand = s.hands.subarray(p * kindCount, (p + 1) * kindCount).reduce((a, b) => a + b, 0);
    if (hand !== s.handSizes[p]) found.push(`hand ${p} has ${hand} cards, not ${s.handSizes[p]}`);
    if (s.over) continue;
    const tray = s.tray.subarray(p * faceCount, (p + 1) * faceCount);
    const copies = s.copies.subarray(p * faceCount, (p + 1) * faceCount);
    const placed = s.placed.subarray(p * kindCount, (p + 1) * kindCount).reduce((a, b) => a + b, 0);
    if (tray.reduce((a, b) => a + b, 0) + s.faceDown[p] !== placed) found.push(`tray ${p} is not what was placed`);
    if (copies.reduce((a, b) => a + b, 0) > s.placed[p * kindCount + kindOfFace[specialOrder]]) found.push("copies");
    if (copies.some((c, f) => c > tray[f])) found.push(`tray ${p} has more copies than cards`);
    const wasabi = s.freeWasabi[p] + s.bound[p * 3] + s.bound[p * 3 + 1] + s.bound[p * 3 + 2];
    if (wasabi > tray[faceNames.indexOf("wasabi")]) found.push(`wasabi of ${p}`);
    for (const [f, first] of [
      ["chopsticks", 0],
      ["spoon", 3],
    ] as const) {
      let orders = 0;
      for (let i = first; i < first + 3; i++) orders += ((s.orders[p] >> i) & 1) + s.copiedOrders[p * 6 + i];
      if (orders !== tray[faceNames.indexOf(f)]) found.push(`${f} of ${p}: ${orders} orders`);
    }
  }
  return found;
}

/** Plays at random to the end; `before` sees every decision. */
export function randomGame(s: SushiState, random: Random, before?: (p: number, a: number) => void): void {
  const n = s.setup.players;
  while (!s.over) {
    for (let p = 0; p < n && !s.over; p++) {
      const count = listActions(s, p, list);
      if (count === 0) continue;
      const a = list[random.below(count)];
      before?.(p, a);
      play(s, p, a);
    }
  }
}

/** `count` legal menus for n players, spread over all of them, every tile among them. */
export function someMenus(n: number, count: number, random: Random) {
  const menus = legalMenus(n);
  return Array.from({ length: count }, () => menus[random.below(menus.length)]);
}
