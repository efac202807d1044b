// What happens to a card when it is played, flipped or given away.

import { copyFaceDown } from "./actions.ts";
import {
  chopsticks,
  egg,
  faceCount,
  faceOfKind,
  kindCount,
  kindOfOrder,
  menu,
  miso,
  orderOfKind,
  specialOrder,
  spoon,
  squid,
  takeout,
  wasabi,
} from "./cards.ts";
import { kindOfFace } from "./setup.ts";
import { at, bonusOrders, none, type SushiState } from "./state.ts";

const specialKind = kindOfFace[specialOrder];

/** Lays a card from a hand, deck or neighbour before player p. `target`: what a special order copies, an action or `none`. */
export function place(s: SushiState, p: number, kind: number, target: number): void {
  let f = faceOfKind[kind];
  if (f === menu || f === takeout) {
    s.discard[kind]++;
    enqueue(s, orderOfKind[kind], p);
    return;
  }
  if (f === specialOrder) {
    if (target === none) {
      s.discard[kind]++;
      return;
    }
    s.placed[p * kindCount + kind]++;
    if (target === copyFaceDown) {
      s.faceDown[p]++;
      return;
    }
    f = target;
    s.copies[p * faceCount + f]++;
    if (f === chopsticks || f === spoon) s.copiedOrders[p * bonusOrders + lowestOrder(s, p, f) - 1]++;
  } else {
    s.placed[p * kindCount + kind]++;
    if (f === chopsticks || f === spoon) s.orders[p] |= 1 << (orderOfKind[kind] - 1);
  }
  s.tray[p * faceCount + f]++;
  s.fresh[p * faceCount + f]++;
  if (f <= squid) {
    if (s.freeWasabi[p] > 0) {
      s.freeWasabi[p]--;
      s.bound[p * 3 + f - egg]++;
    }
  } else if (f === wasabi) s.freeWasabi[p]++;
  else if (f === miso) s.freshMiso[p]++;
}

/** Queues what player p does after the reveal; the lowest order number comes first, then the lowest seat. */
export function enqueue(s: SushiState, order: number, p: number): void {
  const key = order * 8 + p;
  let i = s.scalars[at.queueSize]++;
  while (i > 0 && s.queue[i - 1] < key) {
    s.queue[i] = s.queue[i - 1];
    i--;
  }
  s.queue[i] = key;
}

/** The `skip`-th lowest order number (from 1) among player p's chopsticks or spoons. */
export function lowestOrder(s: SushiState, p: number, f: number, skip = 0): number {
  const first = f === chopsticks ? 1 : 4;
  for (let order = first; order < first + 3; order++) {
    const here = ((s.orders[p] >> (order - 1)) & 1) + s.copiedOrders[p * bonusOrders + order - 1];
    if (skip < here) return order;
    skip -= here;
  }
  return first;
}

/** Takes the chopsticks or spoon of this order number from the tray; returns the physical card. */
export function takeBonusCard(s: SushiState, p: number, order: number): number {
  const f = order <= 3 ? chopsticks : spoon;
  let kind = kindOfOrder(order);
  s.tray[p * faceCount + f]--;
  if (s.orders[p] & (1 << (order - 1))) s.orders[p] &= ~(1 << (order - 1));
  else {
    kind = specialKind;
    s.copiedOrders[p * bonusOrders + order - 1]--;
    s.copies[p * faceCount + f]--;
  }
  s.placed[p * kindCount + kind]--;
  return kind;
}

/** Turns one face-up card of player p over. Of equal cards an original goes before a copy, a nigiri without wasabi first. */
export function flip(s: SushiState, p: number, f: number): void {
  const i = p * faceCount + f;
  const before = s.tray[i]--;
  s.faceDown[p]++;
  const original = before > s.copies[i];
  if (!original) s.copies[i]--;
  if (f <= squid) {
    const b = p * 3 + f - egg;
    if (s.bound[b] < before) return;
    s.bound[b]--;
    if (s.setup.rules.flippedNigiriWasabi === "free") s.freeWasabi[p]++;
  } else if (f === wasabi) {
    if (s.freeWasabi[p] > 0) s.freeWasabi[p]--;
    else if (before === boundNigiri(s, p)) unbindCheapest(s, p);
  } else if (f === chopsticks || f === spoon) {
    const first = f === chopsticks ? 1 : 4;
    for (let order = first + 2; order >= first; order--) {
      if (original && s.orders[p] & (1 << (order - 1))) {
        s.orders[p] &= ~(1 << (order - 1));
        return;
      }
      if (!original && s.copiedOrders[p * bonusOrders + order - 1] > 0) {
        s.copiedOrders[p * bonusOrders + order - 1]--;
        return;
      }
    }
  }
}

const boundNigiri = (s: SushiState, p: number) => s.bound[p * 3] + s.bound[p * 3 + 1] + s.bound[p * 3 + 2];

function unbindCheapest(s: SushiState, p: number): void {
  for (let i = 0; i < 3; i++) {
    if (s.bound[p * 3 + i] > 0) {
      s.bound[p * 3 + i]--;
      return;
    }
  }
}

/** Discards `count` face-up cards of one face, originals first. */
export function discardFromTray(s: SushiState, p: number, f: number, count: number): void {
  const i = p * faceCount + f;
  const kind = kindOfFace[f];
  for (let k = 0; k < count; k++) {
    const original = s.tray[i] > s.copies[i];
    if (!original) s.copies[i]--;
    s.tray[i]--;
    const physical = original ? kind : specialKind;
    s.placed[p * kindCount + physical]--;
    s.discard[physical]++;
  }
}
