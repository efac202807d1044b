// Which champions can be picked at a turn: no bans, nothing picked before, no special ids.
import { championAt, championIds, type MobaData, pad, specials, turns } from "./data/dataset.ts";

/** Fills `allowed` [champion ids] with 1 and 0. `everything`: as in DraftRec's own code, only known bans are left out. */
export function fillAllowed(
  data: MobaData,
  match: number,
  turn: number,
  allowed: Uint8Array,
  everything = false,
): void {
  allowed.fill(1);
  if (!everything) allowed.fill(0, 0, specials);
  for (let i = 0; i < 10; i++) {
    const ban = data.bans[match * 10 + i];
    if (everything || ban !== pad) allowed[ban] = 0;
  }
  if (!everything) for (let t = 0; t < Math.min(turn, turns); t++) allowed[championAt(data, match, t)] = 0;
}

export const newAllowed = (data: MobaData): Uint8Array => new Uint8Array(championIds(data));
