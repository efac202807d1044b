// Points of a round and of the desserts, straight from the counts in a state. The readable reference that the tests compare
// this with is in testing/reference.ts.
import {
  circle,
  colorCount,
  colorOfFace,
  dessertFaces,
  dumpling,
  edamame,
  eel,
  egg,
  faceCount,
  firstDessert,
  firstFruit,
  fruitIcons,
  iceCream,
  maki1,
  miso,
  pudding,
  sashimi,
  soy,
  tea,
  temaki,
  tempura,
  tile,
  tofu,
  uramaki3,
} from "./cards.ts";
import type { RuleOptions } from "./rules.ts";
import { at, type SushiState } from "./state.ts";

export const dumplingPoints = [0, 1, 3, 6, 10, 15];
export const tofuPoints = [0, 2, 6, 0];
export const onigiriPoints = [0, 1, 4, 9, 16];
export const fruitPoints = [-2, 0, 1, 3, 6, 10];
export const uramakiPoints = [8, 5, 2];
const t = {
  maki: tile("maki"),
  temaki: tile("temaki"),
  uramaki: tile("uramaki"),
  tempura: tile("tempura"),
  sashimi: tile("sashimi"),
  dumpling: tile("dumpling"),
  eel: tile("eel"),
  tofu: tile("tofu"),
  onigiri: tile("onigiri"),
  edamame: tile("edamame"),
  miso: tile("miso"),
  soy: tile("soy"),
  tea: tile("tea"),
  pudding: tile("pudding"),
  iceCream: tile("ice-cream"),
};
const value = new Int32Array(8);
const colors = new Uint8Array(colorCount);

export const makiIcons = (s: SushiState, base: number) =>
  s.tray[base + maki1] + 2 * s.tray[base + maki1 + 1] + 3 * s.tray[base + maki1 + 2];
export const uramakiIcons = (s: SushiState, base: number) =>
  3 * s.tray[base + uramaki3] + 4 * s.tray[base + uramaki3 + 1] + 5 * s.tray[base + uramaki3 + 2];

/** Adds to `out` [n] what each player's tray is worth if the round ended now; desserts and points banked left out. */
export function addRoundPoints(s: SushiState, out: Int16Array | Int32Array): void {
  const { players: n, onMenu, rules } = s.setup;
  const { tray } = s;
  for (let p = 0; p < n; p++) out[p] += ownPoints(s, p);
  if (onMenu[t.maki]) addMaki(s, out);
  if (onMenu[t.temaki]) {
    for (let p = 0; p < n; p++) value[p] = tray[p * faceCount + temaki];
    addMostAndFewest(n, 4, rules, out);
  }
  if (onMenu[t.uramaki]) addUramakiLeftovers(s, out);
  if (onMenu[t.edamame]) {
    let holders = 0;
    for (let p = 0; p < n; p++) if (tray[p * faceCount + edamame] > 0) holders++;
    for (let p = 0; p < n; p++) {
      const count = tray[p * faceCount + edamame];
      if (count > 0) out[p] += count * Math.min(4, holders - 1);
    }
  }
  if (onMenu[t.soy]) {
    let most = 0;
    for (let p = 0; p < n; p++) {
      value[p] = countColors(s, p);
      if (value[p] > most) most = value[p];
    }
    for (let p = 0; p < n; p++) if (value[p] === most) out[p] += 4 * tray[p * faceCount + soy];
  }
}

/** Points of player p that depend on the own tray alone. */
function ownPoints(s: SushiState, p: number): number {
  const { onMenu } = s.setup;
  const { tray, bound } = s;
  const base = p * faceCount;
  let points = 2 * s.faceDown[p];
  for (let i = 0; i < 3; i++) points += (i + 1) * (tray[base + egg + i] + 2 * bound[p * 3 + i]);
  if (onMenu[t.tempura]) points += 5 * (tray[base + tempura] >> 1);
  if (onMenu[t.sashimi]) points += 10 * Math.floor(tray[base + sashimi] / 3);
  if (onMenu[t.dumpling]) points += dumplingPoints[Math.min(5, tray[base + dumpling])];
  if (onMenu[t.eel]) points += eelPoints(tray[base + eel]);
  if (onMenu[t.tofu]) points += tofuPoints[Math.min(3, tray[base + tofu])];
  if (onMenu[t.onigiri]) points += onigiriSets(tray, base + circle);
  if (onMenu[t.miso]) points += 3 * tray[base + miso];
  if (onMenu[t.tea] && tray[base + tea] > 0) points += tray[base + tea] * largestColor(s, p);
  return points;
}

export const eelPoints = (count: number) => (count === 0 ? 0 : count === 1 ? -3 : 7);

/** Points of onigiri whose four shape counts start at `first`: each set takes one of every shape still there. */
export function onigiriSets(counts: Uint8Array, first: number): number {
  let points = 0;
  for (let level = 1; ; level++) {
    let shapes = 0;
    for (let i = 0; i < 4; i++) if (counts[first + i] >= level) shapes++;
    if (shapes === 0) return points;
    points += onigiriPoints[shapes];
  }
}

function addMaki(s: SushiState, out: Int16Array | Int32Array): void {
  const n = s.setup.players;
  const places = n >= 6 ? 3 : 2;
  const swallow = s.setup.rules.makiPlaces === "swallow";
  for (let p = 0; p < n; p++) value[p] = makiIcons(s, p * faceCount);
  let above = Infinity;
  let place = 0;
  while (place < places) {
    let best = 0;
    for (let p = 0; p < n; p++) if (value[p] < above && value[p] > best) best = value[p];
    if (best === 0) return;
    let tied = 0;
    for (let p = 0; p < n; p++) {
      if (value[p] !== best) continue;
      out[p] += place === 0 ? 6 : n < 6 ? 3 : place === 1 ? 4 : 2;
      tied++;
    }
    place += swallow ? tied : 1;
    above = best;
  }
}

/** Bonus for the most and penalty for the fewest of `value` [n]; no penalty with two players. */
function addMostAndFewest(n: number, bonus: number, { allTied }: RuleOptions, out: Int16Array | Int32Array): void {
  let most = value[0];
  let fewest = value[0];
  for (let p = 1; p < n; p++) {
    if (value[p] > most) most = value[p];
    if (value[p] < fewest) fewest = value[p];
  }
  const penalty = n > 2 ? bonus : 0;
  if (most === fewest && allTied !== "literal") {
    if (allTied === "zero-pays" && most === 0) for (let p = 0; p < n; p++) out[p] -= penalty;
    return;
  }
  for (let p = 0; p < n; p++) {
    if (value[p] === most) out[p] += bonus;
    if (value[p] === fewest) out[p] -= penalty;
  }
}

function addUramakiLeftovers(s: SushiState, out: Int16Array | Int32Array): void {
  const n = s.setup.players;
  for (let p = 0; p < n; p++) value[p] = uramakiIcons(s, p * faceCount);
  let place = s.scalars[at.uramakiPlaces];
  while (place < 3) {
    let most = 0;
    for (let p = 0; p < n; p++) if (value[p] > most) most = value[p];
    if (most === 0) return;
    let tied = 0;
    for (let p = 0; p < n; p++) {
      if (value[p] !== most) continue;
      out[p] += uramakiPoints[place];
      value[p] = 0;
      tied++;
    }
    if (s.setup.rules.uramakiLeftovers === "next") return;
    place += tied;
  }
}

function fillColors(s: SushiState, p: number): void {
  colors.fill(0);
  const { faces } = s.setup;
  for (let i = 0; i < faces.length; i++) colors[colorOfFace[faces[i]]] += s.tray[p * faceCount + faces[i]];
}

export function countColors(s: SushiState, p: number): number {
  fillColors(s, p);
  let count = s.setup.rules.faceDownColor === "back" && s.faceDown[p] > 0 ? 1 : 0;
  for (let i = 0; i < colorCount; i++) if (colors[i] > 0) count++;
  return count;
}

export function largestColor(s: SushiState, p: number): number {
  fillColors(s, p);
  let most = s.setup.rules.faceDownColor === "back" ? s.faceDown[p] : 0;
  for (let i = 0; i < colorCount; i++) if (colors[i] > most) most = colors[i];
  return most;
}

/** Adds to `out` [n] the points of all desserts, those of the running round included, as if the game ended now. */
export function addDessertPoints(s: SushiState, out: Int16Array | Int32Array): void {
  const { players: n, onMenu, rules } = s.setup;
  if (onMenu[t.pudding]) {
    for (let p = 0; p < n; p++) value[p] = dessertCount(s, p, pudding);
    addMostAndFewest(n, 6, rules, out);
  } else if (onMenu[t.iceCream]) {
    for (let p = 0; p < n; p++) out[p] += 12 * (dessertCount(s, p, iceCream) >> 2);
  } else {
    for (let p = 0; p < n; p++) {
      for (let i = 0; i < 3; i++) out[p] += fruitPoints[Math.min(5, fruitTotal(s, p, i))];
    }
  }
}

/** Cards of one dessert face in fridge and tray. */
export const dessertCount = (s: SushiState, p: number, f: number) =>
  s.fridge[p * dessertFaces + f - firstDessert] + s.tray[p * faceCount + f];

/** Icons of fruit i (watermelon, pineapple, orange). */
export function fruitTotal(s: SushiState, p: number, i: number): number {
  let total = 0;
  for (let j = 0; j < fruitIcons.length; j++) total += fruitIcons[j][i] * dessertCount(s, p, firstFruit + j);
  return total;
}

/** All dessert cards: what decides between equal scores. */
export function dessertTotal(s: SushiState, p: number): number {
  let total = 0;
  for (const f of s.setup.dessertFaces) total += dessertCount(s, p, f);
  return total;
}
