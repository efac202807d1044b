// Hidden information: what a player cannot know may be dealt anew without changing anything it has seen.
import { draw, shuffle, streamWords } from "../random.ts";
import { phase } from "./actions.ts";
import { kindCount } from "./cards.ts";
import { reseed } from "./deal.ts";
import { isHandKnown } from "./observe.ts";
import { at, none, type SushiState, stage } from "./state.ts";

const pool = new Uint8Array(256);
const places = new Uint8Array(256);

/**
 * Deals hands that player p has not held, the deck, another's menu draw and the desserts still in the box anew, forgets
 * others' commitments and reseeds what is still to be shuffled, in place. Hand sizes stay. Refusals of spoons and cards seen
 * in an own menu draw are not remembered: only hands that were held are.
 */
export function resample(s: SushiState, p: number, words: Uint32Array): void {
  if (words.length < streamWords) throw new RangeError("a stream needs four words");
  const { players: n, kinds } = s.setup;
  const { scalars, deck, drawn, reserve } = s;
  const hidesDrawn = !(scalars[at.actor] === p && scalars[at.phase] === phase.menu);
  let size = 0;
  for (let i = 0; i < scalars[at.deckSize]; i++) pool[size++] = deck[i];
  if (hidesDrawn) for (let i = 0; i < scalars[at.drawnSize]; i++) pool[size++] = drawn[i];
  for (let q = 1; q < n; q++) {
    if (isHandKnown(s, q)) continue;
    const base = s.slot((p + q) % n) * kindCount;
    for (let i = 0; i < kinds.length; i++) {
      for (let c = s.hands[base + kinds[i]]; c > 0; c--) pool[size++] = kinds[i];
      s.hands[base + kinds[i]] = 0;
    }
  }
  mixDesserts(s, size, words);
  shuffle(pool, size, words, 0);
  for (let q = 1; q < n; q++) {
    if (isHandKnown(s, q)) continue;
    const slot = s.slot((p + q) % n);
    for (let i = s.handSizes[slot]; i > 0; i--) s.hands[slot * kindCount + pool[--size]]++;
  }
  if (hidesDrawn) for (let i = 0; i < scalars[at.drawnSize]; i++) drawn[i] = pool[--size];
  for (let i = 0; i < size; i++) deck[i] = pool[i];
  shuffle(reserve, scalars[at.reserveSize], words, 0);
  if (scalars[at.stage] === stage.commit) {
    for (let q = 0; q < n; q++) {
      if (q === p) continue;
      s.commit[q] = phase.pick;
      s.pending[q] = none;
      s.target[q] = none;
      s.calls[q * 2] = 0;
      s.calls[q * 2 + 1] = 0;
    }
  }
  reseed(s, () => draw(words, 0));
}

/** Which dessert cards are in the deck and which still in the box is hidden too. */
function mixDesserts(s: SushiState, size: number, words: Uint32Array): void {
  const { reserve, scalars } = s;
  const { dessertKinds } = s.setup;
  const inBox = scalars[at.reserveSize];
  let count = 0;
  for (let i = 0; i < size; i++) if (dessertKinds.includes(pool[i])) places[count++] = i;
  for (let i = 0; i < inBox; i++) {
    const j = Math.floor((draw(words, 0) / 0x1_0000_0000) * (inBox - i + count));
    if (j < inBox - i) {
      const other = reserve[i + j];
      reserve[i + j] = reserve[i];
      reserve[i] = other;
    } else {
      const place = places[j - (inBox - i)];
      const other = pool[place];
      pool[place] = reserve[i];
      reserve[i] = other;
    }
  }
}
