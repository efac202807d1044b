import {
  actionCount,
  askableTiles,
  callChopsticks,
  callSpoon,
  copyFaceDown,
  firstTileAction,
  noCall,
  phase,
  stop,
} from "./actions.ts";
import { chopsticks, faceCount, faceOfKind, facesOfTile, kindCount, menu, spoon } from "./cards.ts";
import { kindOfFace } from "./setup.ts";
import { at, phaseOf, type SushiState } from "./state.ts";

/** Writes player p's legal actions to `out`, ascending; returns how many. 0 when it is not asked. Every hot path uses this. */
export function listActions(s: SushiState, p: number, out: Uint8Array): number {
  switch (phaseOf(s, p)) {
    case phase.pick:
      return listHand(s, s.slot(p), out);
    case phase.bonus: {
      let count = 0;
      out[count++] = noCall;
      if (canCall(s, p, chopsticks)) out[count++] = callChopsticks;
      if (canCall(s, p, spoon)) out[count++] = callSpoon;
      return count;
    }
    case phase.ask: {
      const { faces, onMenu } = s.setup;
      out.set(faces);
      let count = faces.length;
      for (const t of askableTiles) if (onMenu[t]) out[count++] = firstTileAction + t;
      return count;
    }
    case phase.give: {
      const slot = s.slot(p);
      const t = s.scalars[at.asked] - firstTileAction;
      let count = 0;
      for (const f of facesOfTile[t]) if (hasFace(s, slot, f)) out[count++] = f;
      return count;
    }
    case phase.menu: {
      let count = 0;
      for (let f = 0; f < faceCount; f++) if (f !== menu && drew(s, f)) out[count++] = f;
      return count;
    }
    case phase.copy: {
      let count = 0;
      const { faces } = s.setup;
      for (let i = 0; i < faces.length; i++) if (s.tray[p * faceCount + faces[i]] > 0) out[count++] = faces[i];
      if (s.faceDown[p] > 0) out[count++] = copyFaceDown;
      return count;
    }
    case phase.flip: {
      let count = 0;
      for (let f = 0; f < faceCount; f++) if (canFlip(s, p, f)) out[count++] = f;
      out[count++] = stop;
      return count;
    }
    default:
      return 0;
  }
}

/** Whether `listActions` would list it, without listing. */
export function isLegal(s: SushiState, p: number, a: number): boolean {
  if (!(a >= 0 && a < actionCount) || a !== Math.floor(a)) return false;
  switch (phaseOf(s, p)) {
    case phase.pick:
      return a < faceCount && hasFace(s, s.slot(p), a);
    case phase.bonus:
      if (a === noCall) return true;
      return (a === callChopsticks && canCall(s, p, chopsticks)) || (a === callSpoon && canCall(s, p, spoon));
    case phase.ask:
      if (a < faceCount) return s.setup.faces.includes(a);
      return askableTiles.includes(a - firstTileAction) && s.setup.onMenu[a - firstTileAction] === 1;
    case phase.give:
      return (
        a < faceCount && facesOfTile[s.scalars[at.asked] - firstTileAction].includes(a) && hasFace(s, s.slot(p), a)
      );
    case phase.menu:
      return a < faceCount && a !== menu && drew(s, a);
    case phase.copy:
      return a < faceCount ? s.tray[p * faceCount + a] > 0 : a === copyFaceDown && s.faceDown[p] > 0;
    case phase.flip:
      return a === stop || (a < faceCount && canFlip(s, p, a));
    default:
      return false;
  }
}

function listHand(s: SushiState, slot: number, out: Uint8Array): number {
  const { kinds } = s.setup;
  const base = slot * kindCount;
  let count = 0;
  let last = -1;
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i];
    if (s.hands[base + kind] === 0) continue;
    const f = faceOfKind[kind];
    if (f === last) continue;
    out[count++] = f;
    last = f;
  }
  return count;
}

export function hasFace(s: SushiState, slot: number, f: number): boolean {
  const base = slot * kindCount;
  let kind = kindOfFace[f];
  if (s.hands[base + kind] > 0) return true;
  while (faceOfKind[++kind] === f) if (s.hands[base + kind] > 0) return true;
  return false;
}

/** Chopsticks and spoons need a card left in the hand, and must have been there before this turn. */
export function canCall(s: SushiState, p: number, f: number): boolean {
  const which = f === chopsticks ? 0 : 1;
  if (s.calls[p * 2] + s.calls[p * 2 + 1] >= s.setup.rules.bonusCalls) return false;
  return s.tray[p * faceCount + f] > s.calls[p * 2 + which] && s.handSizes[s.slot(p)] > 1;
}

export const canFlip = (s: SushiState, p: number, f: number): boolean =>
  s.tray[p * faceCount + f] > s.fresh[p * faceCount + f];

export function canCopy(s: SushiState, p: number): boolean {
  if (s.faceDown[p] > 0) return true;
  const { faces } = s.setup;
  for (let i = 0; i < faces.length; i++) if (s.tray[p * faceCount + faces[i]] > 0) return true;
  return false;
}

function drew(s: SushiState, f: number): boolean {
  for (let i = 0; i < s.scalars[at.drawnSize]; i++) if (faceOfKind[s.drawn[i]] === f) return true;
  return false;
}
