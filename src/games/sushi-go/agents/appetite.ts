// What a card is worth to a player who plays it now, in points: the gain of the own tray (`greedy`), and with `patient`
// what an incomplete set, a wasabi or a dessert is worth on average. Fixed numbers, no search.
import {
  chopsticks,
  circle,
  colorOfFace,
  dumpling,
  edamame,
  eel,
  faceCount,
  firstFruit,
  fruitIcons,
  iceCream,
  maki1,
  menu,
  miso,
  pudding,
  sashimi,
  soy,
  specialOrder,
  spoon,
  squid,
  takeout,
  tea,
  temaki,
  tempura,
  tofu,
  uramaki3,
  wasabi,
} from "../cards.ts";
import {
  countColors,
  dessertCount,
  dumplingPoints,
  fruitPoints,
  fruitTotal,
  largestColor,
  uramakiIcons,
  uramakiPoints,
} from "../scoring.ts";
import { at, type SushiState } from "../state.ts";

/** Points that player p may expect from playing face f now. */
export function appetite(s: SushiState, p: number, f: number, patient: boolean): number {
  let worth = gain(s, p, f) + (patient ? hope(s, p, f) : 0);
  const teas = s.tray[p * faceCount + tea];
  if (teas > 0 && f !== specialOrder && sizeOfColor(s, p, f) >= largestColor(s, p)) worth += teas;
  return worth;
}

function gain(s: SushiState, p: number, f: number): number {
  const base = p * faceCount;
  const count = s.tray[base + f];
  if (f <= squid) return (f + 1) * (s.freeWasabi[p] > 0 ? 3 : 1);
  if (f < temaki) return 0.9 * (f - maki1 + 1);
  if (f >= firstFruit) return fruitGain(s, p, f);
  if (f >= circle && f < circle + 4) return onigiriGain(s, base, count);
  switch (f) {
    case temaki:
      return 1.5;
    case uramaki3:
    case uramaki3 + 1:
    case uramaki3 + 2:
      return uramakiGain(s, base, f);
    case tempura:
      return count % 2 === 1 ? 5 : 0;
    case sashimi:
      return count % 3 === 2 ? 10 : 0;
    case dumpling:
      return count < 5 ? dumplingPoints[count + 1] - dumplingPoints[count] : 0;
    case eel:
      return count === 0 ? -3 : count === 1 ? 10 : 0;
    case tofu:
      return [2, 4, -6][count] ?? 0;
    case edamame:
      return Math.min(4, holders(s, p));
    case miso:
      return 3;
    case soy:
      return ownColors(s, p) ? 4 : 0;
    case tea:
      return Math.max(1, largestColor(s, p));
    case takeout:
      return boxGain(s, p);
    case menu:
      return 2;
    case specialOrder:
      return bestCopy(s, p, false);
    case iceCream:
      return dessertCount(s, p, iceCream) % 4 === 3 ? 12 : 0;
    default:
      return 0;
  }
}

function hope(s: SushiState, p: number, f: number): number {
  const base = p * faceCount;
  const count = s.tray[base + f];
  const left = s.setup.handSize - s.scalars[at.turn] - 1;
  const n = s.setup.players;
  if (f >= firstFruit) return 1.5;
  if (f >= circle && f < circle + 4) return Math.min(1, left / 3);
  switch (f) {
    case wasabi:
      return (s.freeWasabi[p] > 0 ? 1.2 : 3.2) * Math.min(1, left / 4);
    case tempura:
      return count % 2 === 0 ? 2 * Math.min(1, left / 3) : 0;
    case sashimi:
      return count % 3 === 1 ? (left >= 2 ? 3 : left) : count % 3 === 0 && left >= 3 ? 1.5 : 0;
    case dumpling:
      return count < 4 ? Math.min(1, left / 4) : 0;
    case eel:
      return count === 0 && left >= 2 ? 4.5 : 0;
    case tofu:
      return count === 0 ? 0.7 : 0;
    case edamame:
      return Math.max(0, Math.min(4, n - 1) * 0.5 - Math.min(4, holders(s, p)) * 0.3);
    case miso:
      return -0.25 * (n - 1);
    case temaki:
      return n > 2 ? 0.7 : 0.2;
    case soy:
      return ownColors(s, p) ? -1 : 1.5;
    case tea:
      return Math.min(1.5, left * 0.4);
    case chopsticks:
    case spoon:
      return left >= 3 ? 1 : 0;
    case specialOrder:
      return bestCopy(s, p, true) - bestCopy(s, p, false);
    case pudding:
      return 2;
    case iceCream:
      return 1 + 0.5 * (dessertCount(s, p, iceCream) % 4);
    default:
      return 0;
  }
}

function onigiriGain(s: SushiState, base: number, count: number): number {
  let others = 0;
  for (let i = 0; i < 4; i++) if (s.tray[base + circle + i] > count) others++;
  return 2 * others + 1;
}

function uramakiGain(s: SushiState, base: number, f: number): number {
  const icons = f - uramaki3 + 3;
  const places = s.scalars[at.uramakiPlaces];
  if (places > 2) return 0;
  return uramakiIcons(s, base) + icons >= 10 ? uramakiPoints[places] : 0.15 * icons * uramakiPoints[places] * 0.6;
}

function fruitGain(s: SushiState, p: number, f: number): number {
  let points = 0;
  for (let i = 0; i < 3; i++) {
    const total = fruitTotal(s, p, i);
    points += fruitPoints[Math.min(5, total + fruitIcons[f - firstFruit][i])] - fruitPoints[Math.min(5, total)];
  }
  return points;
}

function holders(s: SushiState, p: number): number {
  let count = 0;
  for (let q = 0; q < s.setup.players; q++) if (q !== p && s.tray[q * faceCount + edamame] > 0) count++;
  return count;
}

/** Whether one colour more gives player p the most. */
function ownColors(s: SushiState, p: number): boolean {
  const own = countColors(s, p) + 1;
  for (let q = 0; q < s.setup.players; q++) if (q !== p && countColors(s, q) > own) return false;
  return true;
}

function sizeOfColor(s: SushiState, p: number, f: number): number {
  let count = 0;
  const { faces } = s.setup;
  for (let i = 0; i < faces.length; i++) {
    if (colorOfFace[faces[i]] === colorOfFace[f]) count += s.tray[p * faceCount + faces[i]];
  }
  return count;
}

function bestCopy(s: SushiState, p: number, patient: boolean): number {
  const { faces } = s.setup;
  let best = s.faceDown[p] > 0 ? 2 : 0;
  for (let i = 0; i < faces.length; i++) {
    const f = faces[i];
    if (s.tray[p * faceCount + f] === 0) continue;
    const worth = gain(s, p, f) + (patient ? hope(s, p, f) : 0);
    if (worth > best) best = worth;
  }
  return best;
}

function boxGain(s: SushiState, p: number): number {
  const { faces } = s.setup;
  let points = 0;
  for (let i = 0; i < faces.length; i++) {
    const worth = flipGain(s, p, faces[i]);
    if (worth > 0) points += worth * s.tray[p * faceCount + faces[i]];
  }
  return points;
}

/** Points won by turning one card of face f over: two, less what it adds to the own tray. */
export function flipGain(s: SushiState, p: number, f: number): number {
  const count = s.tray[p * faceCount + f];
  if (count === 0) return 0;
  if (f <= squid) return s.bound[p * 3 + f] < count ? 2 - (f + 1) : 2 - 3 * (f + 1);
  switch (f) {
    case tempura:
      return count % 2 === 1 ? 2 : -3;
    case sashimi:
      return count % 3 === 0 ? -8 : 2;
    case eel:
      return count === 1 ? 5 : count === 2 ? -8 : 2;
    case tofu:
      return count > 3 ? 2 : count === 3 ? 8 : count === 2 ? -2 : 0;
    case dumpling:
      return count > 5 ? 2 : 2 - dumplingPoints[count] + dumplingPoints[count - 1];
    case chopsticks:
    case spoon:
      return 2;
    case wasabi:
      return s.freeWasabi[p] > 0 ? 2 : -1;
    case miso:
      return -1;
    default:
      return -1;
  }
}
