import { below, seedStream, shuffle } from "../random.ts";
import { phase } from "./actions.ts";
import { dessertFaces, faceCount, faceOfKind, firstDessert, kindCount, specialOrder } from "./cards.ts";
import { kindOfFace, type Setup } from "./setup.ts";
import { at, none, SushiState, stage } from "./state.ts";

/** Sub-streams of a game's seed. Agents draw from streams of their own. */
const stream = { menu: 1, desserts: 2, deck: 3 };
const menuWords = 0;
const roundSeeds = 4;
const scratch = new Uint32Array(4);
const counts = new Uint8Array(kindCount);

/** Starts a game in `s`, whatever it held before. */
export function start(s: SushiState, seed: number): void {
  s.bytes.fill(0);
  const { dessertKinds } = s.setup;
  seedStream(s.words, menuWords, seed, stream.menu);
  seedStream(scratch, 0, seed, stream.deck);
  for (let i = 0; i < 3; i++) s.words[roundSeeds + i] = below(scratch, 0, 0x1_0000_0000);
  s.reserve.set(dessertKinds);
  s.scalars[at.reserveSize] = dessertKinds.length;
  seedStream(scratch, 0, seed, stream.desserts);
  shuffle(s.reserve, dessertKinds.length, scratch, 0);
  dealRound(s);
}

export function newState(setup: Setup, seed: number): SushiState {
  const s = new SushiState(setup);
  start(s, seed);
  return s;
}

/** Makes what is still to be shuffled depend on other seeds: for samples of hidden information. */
export function reseed(s: SushiState, bits: () => number): void {
  for (let i = 0; i < 3; i++) s.words[roundSeeds + i] = bits();
  seedStream(s.words, menuWords, bits(), stream.menu);
}

export function shuffleDeckAfterMenu(s: SushiState): void {
  shuffle(s.deck, s.scalars[at.deckSize], s.words, menuWords);
}

function dealRound(s: SushiState): void {
  const { players: n, handSize, kinds, deckCounts, dessertsOfRound } = s.setup;
  const { scalars, deck } = s;
  const round = scalars[at.round];
  if (round === 0) counts.set(deckCounts);
  else gather(s);
  for (let i = dessertsOfRound[round]; i > 0; i--) counts[s.reserve[--scalars[at.reserveSize]]]++;
  // Counts are laid out in a fixed order, so that equal seeds give like deals whatever was played before.
  let size = 0;
  for (let i = 0; i < kinds.length; i++) for (let c = counts[kinds[i]]; c > 0; c--) deck[size++] = kinds[i];
  seedStream(scratch, 0, s.words[roundSeeds + round]);
  shuffle(deck, size, scratch, 0);
  for (let slot = 0; slot < n; slot++) {
    for (let i = 0; i < handSize; i++) s.hands[slot * kindCount + deck[--size]]++;
    s.handSizes[slot] = handSize;
  }
  scalars[at.deckSize] = size;
  scalars[at.turn] = 0;
  scalars[at.uramakiPlaces] = 0;
  openTurn(s);
}

export function openTurn(s: SushiState): void {
  s.scalars[at.stage] = stage.commit;
  s.commit.fill(phase.pick);
  s.pending.fill(none);
  s.target.fill(none);
  if (s.setup.hasActions) s.calls.fill(0);
}

/** Collects every card that is not gone into `counts` and clears the table. */
function gather(s: SushiState): void {
  const { players: n, kinds } = s.setup;
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i];
    counts[kind] = s.discard[kind];
    for (let p = 0; p < n; p++) counts[kind] += s.placed[p * kindCount + kind];
  }
  for (let i = 0; i < s.scalars[at.deckSize]; i++) counts[s.deck[i]]++;
  s.discard.fill(0);
  s.placed.fill(0);
  s.tray.fill(0);
  s.copies.fill(0);
  s.faceDown.fill(0);
  s.orders.fill(0);
  s.copiedOrders.fill(0);
  s.freeWasabi.fill(0);
  s.bound.fill(0);
}

export function nextRound(s: SushiState): void {
  s.scalars[at.round]++;
  dealRound(s);
}

/** Dealt desserts leave the game: face-up ones (copies too) for the fridge, face-down ones unseen. */
export function bankDesserts(s: SushiState): void {
  const { players: n, dessertFaces: faces } = s.setup;
  const order = kindOfFace[specialOrder];
  for (let p = 0; p < n; p++) {
    for (let i = 0; i < faces.length; i++) {
      const f = faces[i];
      s.fridge[p * dessertFaces + f - firstDessert] += s.tray[p * faceCount + f];
      const copied = s.copies[p * faceCount + f];
      s.gone[order] += copied;
      s.placed[p * kindCount + order] -= copied;
      const kind = kindOfFace[f];
      s.gone[kind] += s.placed[p * kindCount + kind];
      s.placed[p * kindCount + kind] = 0;
      s.tray[p * faceCount + f] = 0;
      s.copies[p * faceCount + f] = 0;
    }
  }
}

/** The kind of the lowest order number with this face among a hand's counts. */
export function kindInHand(s: SushiState, slot: number, f: number): number {
  let kind = kindOfFace[f];
  const base = slot * kindCount;
  while (s.hands[base + kind] === 0 && faceOfKind[kind + 1] === f) kind++;
  return kind;
}
