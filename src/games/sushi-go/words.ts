// What a player is asked and what lies before a seat, in words.
import { phase } from "./actions.ts";
import { dessertFaces, faceCount, faceNames, wasabi } from "./cards.ts";
import { countText } from "./names.ts";
import type { SushiState } from "./state.ts";

/** By phase. */
export const questions: { readonly [asked: number]: string } = {
  [phase.pick]: "Pick a card",
  [phase.bonus]: "Use your chopsticks or spoon now?",
  [phase.ask]: "The spoon: ask for",
  [phase.give]: "Give one of",
  [phase.menu]: "The menu: play one of",
  [phase.copy]: "The special order copies",
  [phase.flip]: "The takeout box: turn over",
};

/** Tray, face-down cards and fridge of a seat; nigiri on wasabi stand by themselves. */
export function trayText(s: SushiState, seat: number): string {
  const parts: string[] = [];
  const counts = Array.from(s.tray.subarray(seat * faceCount, (seat + 1) * faceCount));
  for (let i = 0; i < 3; i++) {
    const bound = s.bound[seat * 3 + i];
    if (bound === 0 || s.over) continue;
    parts.push(`${bound > 1 ? `${bound}x ` : ""}${faceNames[i]} on wasabi`);
    counts[i] -= bound;
    counts[wasabi] -= bound;
  }
  if (!s.over && countText(counts)) parts.push(countText(counts));
  if (!s.over && s.faceDown[seat] > 0) parts.push(`${s.faceDown[seat]} face down`);
  const fridge = Array.from(s.fridge.subarray(seat * dessertFaces, (seat + 1) * dessertFaces));
  const kept = countText([...Array<number>(faceCount - dessertFaces).fill(0), ...fridge]);
  if (kept) parts.push(`(fridge: ${kept})`);
  return parts.join(", ");
}
