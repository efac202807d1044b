// The observation vector of one player: what it may know, the same layout for every menu. Widths for n players, F = 37
// faces: own hand F; trays n*F; known hands and flags (n-1)*(F+1); fridges n*8; free wasabi, usable chopsticks and usable
// spoons of every seat and the uramaki places taken 3n+1; menu 22 and phase 7; round 3, turns left 1, margins n. Seats are
// clockwise from the player: itself, its left neighbour, ...  n = 4 gives 381.
import { phase, phaseCount } from "./actions.ts";
import { chopsticks, dessertFaces, faceCount, faceOfKind, kindCount, specialOrder, spoon, tileCount } from "./cards.ts";
import { rounds } from "./setup.ts";
import { at, none, phaseOf, type SushiState, stage } from "./state.ts";

export const observationSize = (n: number): number =>
  faceCount +
  n * faceCount +
  (n - 1) * (faceCount + 1) +
  n * dessertFaces +
  3 * n +
  1 +
  tileCount +
  phaseCount +
  rounds +
  1 +
  n;

export interface ObserveOptions {
  /** `false` leaves the known hands out: the same layout for an agent without memory. */
  readonly knownHands?: boolean;
}

/** Whether player p has held the hand of the q-th seat to its left this round. */
export const isHandKnown = (s: SushiState, q: number): boolean => q <= s.scalars[at.turn];

/**
 * Writes player p's observation [observationSize(n)] to `out`. Its own commitment is shown as if played already; in the menu
 * phase the own-hand block holds the cards drawn. Margins: own score less the best opponent's, then less each other's, / 10.
 */
export function observe(s: SushiState, p: number, out: Float32Array, { knownHands = true }: ObserveOptions = {}): void {
  const { players: n, onMenu, handSize } = s.setup;
  const { scalars } = s;
  const asked = phaseOf(s, p);
  const committed = scalars[at.stage] === stage.commit ? s.pending[p] : none;
  out.fill(0);
  let o = 0;
  if (asked === phase.menu) for (let i = 0; i < scalars[at.drawnSize]; i++) out[faceOfKind[s.drawn[i]]]++;
  else addHand(s, s.slot(p), out, 0);
  if (committed !== none) out[committed]--;
  o += faceCount;
  for (let q = 0; q < n; q++) {
    const seat = (p + q) % n;
    for (let f = 0; f < faceCount; f++) out[o + f] = s.tray[seat * faceCount + f];
    if (q === 0 && committed !== none) {
      const copied = committed === specialOrder && s.target[p] < faceCount ? s.target[p] : committed;
      out[o + copied]++;
    }
    o += faceCount;
  }
  for (let q = 1; q < n; q++) {
    if (knownHands && isHandKnown(s, q)) {
      addHand(s, s.slot((p + q) % n), out, o);
      out[o + faceCount] = 1;
    }
    o += faceCount + 1;
  }
  for (let q = 0; q < n; q++) {
    const seat = (p + q) % n;
    for (let i = 0; i < dessertFaces; i++) out[o + i] = s.fridge[seat * dessertFaces + i];
    o += dessertFaces;
  }
  for (let q = 0; q < n; q++) {
    const seat = (p + q) % n;
    const base = seat * faceCount;
    out[o++] = s.freeWasabi[seat];
    out[o++] = s.tray[base + chopsticks] - s.fresh[base + chopsticks];
    out[o++] = s.tray[base + spoon] - s.fresh[base + spoon];
  }
  out[o++] = scalars[at.uramakiPlaces];
  for (let t = 0; t < tileCount; t++) out[o++] = onMenu[t];
  if (asked < phaseCount) out[o + asked] = 1;
  o += phaseCount;
  if (!s.over) out[o + scalars[at.round]] = 1;
  o += rounds;
  out[o++] = s.over ? 0 : handSize - scalars[at.turn];
  let best = -Infinity;
  for (let q = 1; q < n; q++) {
    const score = s.score[(p + q) % n];
    out[o + q] = (s.score[p] - score) / 10;
    if (score > best) best = score;
  }
  out[o] = (s.score[p] - best) / 10;
}

function addHand(s: SushiState, slot: number, out: Float32Array, offset: number): void {
  const { kinds } = s.setup;
  const base = slot * kindCount;
  for (let i = 0; i < kinds.length; i++) out[offset + faceOfKind[kinds[i]]] += s.hands[base + kinds[i]];
}
