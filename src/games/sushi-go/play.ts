// One decision: commitments until all players have made theirs, then the reveal, then what chopsticks, spoons, menus and
// takeout boxes ask for in the order of their numbers, then the end of the turn. Allocates nothing.
import { DraftwrightError } from "../../errors.ts";
import { actionNames, callSpoon, firstTileAction, noCall, phase, phaseNames, stop } from "./actions.ts";
import {
  chopsticks,
  faceCount,
  faceOfKind,
  facesOfTile,
  kindCount,
  menu,
  miso,
  specialOrder,
  spoon,
  tile,
  uramaki3,
} from "./cards.ts";
import { bankDesserts, kindInHand, nextRound, openTurn, shuffleDeckAfterMenu } from "./deal.ts";
import { canCall, canCopy, canFlip, hasFace, isLegal, listActions } from "./legal.ts";
import { discardFromTray, enqueue, flip, lowestOrder, place, takeBonusCard } from "./place.ts";
import { addDessertPoints, addRoundPoints, uramakiIcons, uramakiPoints } from "./scoring.ts";
import { rounds } from "./setup.ts";
import { at, none, phaseOf, type SushiState, stage } from "./state.ts";

const uramaki = tile("uramaki");
const misoTile = tile("miso");

/** Player p takes action a. Throws bad-argument, with the state unchanged, if that is not legal now. */
export function play(s: SushiState, p: number, a: number): void {
  if (!isLegal(s, p, a)) refuse(s, p, a);
  if (s.scalars[at.rewarded]) {
    s.scalars[at.rewarded] = 0;
    s.reward.fill(0);
  }
  if (s.scalars[at.stage] === stage.commit) commit(s, p, a);
  else decide(s, p, a);
}

function refuse(s: SushiState, p: number, a: number): never {
  const out = new Uint8Array(faceCount * 2);
  const legal = [...out.subarray(0, listActions(s, p, out))].map((action) => actionNames[action]);
  const name = actionNames[a] ?? `action ${a}`;
  throw new DraftwrightError(
    "bad-argument",
    legal.length === 0
      ? `Player ${p} is not asked now (${s.over ? "the game is over" : phaseNames[phaseOf(s, p)]}); ${name} was refused.`
      : `${name} is not legal for player ${p} (${phaseNames[phaseOf(s, p)]}). Legal: ${legal.join(", ")}.`,
  );
}

function commit(s: SushiState, p: number, a: number): void {
  const { hasActions, players: n } = s.setup;
  if (!hasActions) {
    s.pending[p] = a;
    s.commit[p] = phase.done;
  } else if (s.commit[p] === phase.pick) {
    s.pending[p] = a;
    s.commit[p] = a === specialOrder && canCopy(s, p) ? phase.copy : afterPick(s, p);
  } else if (s.commit[p] === phase.copy) {
    s.target[p] = a;
    s.commit[p] = afterPick(s, p);
  } else if (a === noCall) s.commit[p] = phase.done;
  else {
    s.calls[p * 2 + (a === callSpoon ? 1 : 0)]++;
    s.commit[p] = afterPick(s, p);
  }
  for (let i = 0; i < n; i++) if (s.commit[i] !== phase.done) return;
  reveal(s);
}

const afterPick = (s: SushiState, p: number) =>
  canCall(s, p, chopsticks) || canCall(s, p, spoon) ? phase.bonus : phase.done;

function reveal(s: SushiState): void {
  const { players: n, hasActions } = s.setup;
  if (hasActions) {
    for (let p = 0; p < n; p++) {
      for (let i = 0; i < s.calls[p * 2]; i++) enqueue(s, lowestOrder(s, p, chopsticks, i), p);
      for (let i = 0; i < s.calls[p * 2 + 1]; i++) enqueue(s, lowestOrder(s, p, spoon, i), p);
    }
  }
  for (let p = 0; p < n; p++) {
    const slot = s.slot(p);
    const kind = kindInHand(s, slot, s.pending[p]);
    takeFromHand(s, slot, kind);
    place(s, p, kind, s.target[p]);
  }
  if (s.scalars[at.queueSize] > 0) {
    s.scalars[at.stage] = stage.queue;
    advance(s);
  } else endTurn(s);
}

function takeFromHand(s: SushiState, slot: number, kind: number): void {
  s.hands[slot * kindCount + kind]--;
  s.handSizes[slot]--;
}

function putInHand(s: SushiState, p: number, kind: number): void {
  const slot = s.slot(p);
  s.hands[slot * kindCount + kind]++;
  s.handSizes[slot]++;
}

/** Carries out the queue until somebody has to decide, or the turn ends. */
function advance(s: SushiState): void {
  const { scalars } = s;
  while (scalars[at.queueSize] > 0) {
    const key = s.queue[--scalars[at.queueSize]];
    const order = key >> 3;
    const p = key & 7;
    scalars[at.order] = order;
    scalars[at.actor] = p;
    scalars[at.caller] = p;
    if (order <= 6) {
      scalars[at.held] = takeBonusCard(s, p, order) + 1;
      scalars[at.phase] = order <= 3 ? phase.pick : phase.ask;
      return;
    }
    if (order <= 9) {
      drawForMenu(s);
      scalars[at.phase] = phase.menu;
      for (let i = 0; i < scalars[at.drawnSize]; i++) if (faceOfKind[s.drawn[i]] !== menu) return;
      returnDrawn(s);
    } else {
      scalars[at.phase] = phase.flip;
      for (let f = 0; f < faceCount; f++) if (canFlip(s, p, f)) return;
    }
  }
  endTurn(s);
}

function drawForMenu(s: SushiState): void {
  const { scalars } = s;
  const count = Math.min(4, scalars[at.deckSize]);
  for (let i = 0; i < count; i++) s.drawn[i] = s.deck[--scalars[at.deckSize]];
  scalars[at.drawnSize] = count;
}

function returnDrawn(s: SushiState): void {
  const { scalars } = s;
  while (scalars[at.drawnSize] > 0) s.deck[scalars[at.deckSize]++] = s.drawn[--scalars[at.drawnSize]];
  shuffleDeckAfterMenu(s);
}

function decide(s: SushiState, p: number, a: number): void {
  const { scalars } = s;
  switch (scalars[at.phase]) {
    case phase.pick: {
      const slot = s.slot(p);
      const kind = kindInHand(s, slot, a);
      takeFromHand(s, slot, kind);
      playNow(s, p, kind);
      return;
    }
    case phase.ask:
      ask(s, p, a);
      return;
    case phase.give:
      give(s, p, a);
      return;
    case phase.menu: {
      let i = 0;
      while (faceOfKind[s.drawn[i]] !== a) i++;
      const kind = s.drawn[i];
      s.drawn[i] = s.drawn[--scalars[at.drawnSize]];
      returnDrawn(s);
      playNow(s, p, kind);
      return;
    }
    case phase.copy: {
      const kind = scalars[at.waiting] - 1;
      scalars[at.waiting] = 0;
      place(s, p, kind, a);
      finish(s);
      return;
    }
    default:
      if (a !== stop) {
        flip(s, p, a);
        for (let f = 0; f < faceCount; f++) if (canFlip(s, p, f)) return;
      }
      advance(s);
  }
}

/** Plays a card that the queue brought; a special order first asks for its target. */
function playNow(s: SushiState, p: number, kind: number): void {
  const { scalars } = s;
  scalars[at.actor] = p;
  if (faceOfKind[kind] === specialOrder && canCopy(s, p)) {
    scalars[at.waiting] = kind + 1;
    scalars[at.phase] = phase.copy;
    return;
  }
  place(s, p, kind, none);
  finish(s);
}

/** Chopsticks go back into the hand they were used on, a spoon to whoever gave, or away if nobody could. */
function finish(s: SushiState): void {
  const { scalars } = s;
  if (scalars[at.held] > 0) {
    const kind = scalars[at.held] - 1;
    scalars[at.held] = 0;
    if (scalars[at.order] <= 3) putInHand(s, scalars[at.actor], kind);
    else if (scalars[at.giver] === none) s.discard[kind]++;
    else putInHand(s, scalars[at.giver], kind);
  }
  advance(s);
}

function ask(s: SushiState, p: number, a: number): void {
  const { scalars } = s;
  const n = s.setup.players;
  scalars[at.asked] = a;
  for (let q = 1; q < n; q++) {
    const giver = (p + q) % n;
    const slot = s.slot(giver);
    let choices = 0;
    let f = a;
    if (a < firstTileAction) choices = hasFace(s, slot, a) ? 1 : 0;
    else {
      for (const other of facesOfTile[a - firstTileAction]) {
        if (hasFace(s, slot, other)) {
          choices++;
          f = other;
        }
      }
    }
    if (choices === 0) continue;
    scalars[at.giver] = giver;
    if (choices === 1) {
      give(s, giver, f);
      return;
    }
    scalars[at.actor] = giver;
    scalars[at.phase] = phase.give;
    return;
  }
  scalars[at.giver] = none;
  finish(s);
}

function give(s: SushiState, giver: number, f: number): void {
  const slot = s.slot(giver);
  const kind = kindInHand(s, slot, f);
  takeFromHand(s, slot, kind);
  playNow(s, s.scalars[at.caller], kind);
}

function endTurn(s: SushiState): void {
  const { onMenu } = s.setup;
  if (onMenu[misoTile]) spoilMiso(s);
  if (onMenu[uramaki]) awardUramaki(s);
  s.fresh.fill(0);
  s.scalars[at.turn]++;
  if (s.handSizes[0] > 0) openTurn(s);
  else endRound(s);
}

function spoilMiso(s: SushiState): void {
  const n = s.setup.players;
  let total = 0;
  for (let p = 0; p < n; p++) total += s.freshMiso[p];
  if (total > 1) for (let p = 0; p < n; p++) discardFromTray(s, p, miso, s.freshMiso[p]);
  if (total > 0) s.freshMiso.fill(0);
}

/** Ten icons score at once: higher totals first, equal ones together; a group takes as many places as it has players. */
function awardUramaki(s: SushiState): void {
  const n = s.setup.players;
  const { scalars } = s;
  while (scalars[at.uramakiPlaces] < 3) {
    let most = 0;
    for (let p = 0; p < n; p++) most = Math.max(most, uramakiIcons(s, p * faceCount));
    if (most < 10) return;
    const place = scalars[at.uramakiPlaces];
    for (let p = 0; p < n; p++) {
      if (uramakiIcons(s, p * faceCount) !== most) continue;
      s.score[p] += uramakiPoints[place];
      scalars[at.uramakiPlaces]++;
      for (let i = 0; i < 3; i++) discardFromTray(s, p, uramaki3 + i, s.tray[p * faceCount + uramaki3 + i]);
    }
  }
}

function endRound(s: SushiState): void {
  const { scalars } = s;
  addRoundPoints(s, s.score);
  bankDesserts(s);
  const last = scalars[at.round] === rounds - 1;
  if (last) addDessertPoints(s, s.score);
  updateRewards(s);
  if (last) scalars[at.stage] = stage.over;
  else nextRound(s);
}

function updateRewards(s: SushiState): void {
  const n = s.setup.players;
  for (let p = 0; p < n; p++) {
    let best = -Infinity;
    for (let q = 0; q < n; q++) if (q !== p && s.score[q] > best) best = s.score[q];
    const margin = s.score[p] - best;
    s.reward[p] = margin - s.margin[p];
    s.margin[p] = margin;
  }
  s.scalars[at.rewarded] = 1;
}
