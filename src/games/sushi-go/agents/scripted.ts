// Agents that weigh every legal action by fixed rules: greedy, heuristic, and the lovers and haters of single tiles that
// make up a panel (the idea of a scripted panel: jmontufo/SushiGoDRL).
import {
  actionCount,
  callChopsticks,
  callSpoon,
  copyFaceDown,
  firstTileAction,
  noCall,
  phase,
  stop,
} from "../actions.ts";
import { faceCount, faceOfKind, facesOfTile, kindCount, type TileName, tile, tileOfFace } from "../cards.ts";
import { hasFace, listActions } from "../legal.ts";
import { isHandKnown } from "../observe.ts";
import { at, phaseOf, type SushiState } from "../state.ts";
import type { Agent } from "./agent.ts";
import { appetite, flipGain } from "./appetite.ts";

export const greedyAgent: Agent = scripted("greedy", (s, p, f) => appetite(s, p, f, false));
export const heuristicAgent: Agent = scripted("heuristic", (s, p, f) => appetite(s, p, f, true));

/** Plays a tile whenever it can (`lover`) or only when it must (`hater`), and is greedy otherwise. */
export function tileFan(name: TileName, kind: "lover" | "hater"): Agent {
  const t = tile(name);
  const bias = kind === "lover" ? 100 : -100;
  return scripted(`${kind}:${name}`, (s, p, f) => appetite(s, p, f, false) + (tileOfFace[f] === t ? bias : 0));
}

/** A lover and a hater of each tile of a menu. */
export const fanPanel = (menu: readonly TileName[]): Agent[] =>
  menu.flatMap((name) => [tileFan(name, "lover"), tileFan(name, "hater")]);

type Worth = (s: SushiState, p: number, f: number) => number;

/** Breaks ties at random without touching real differences. */
const jitter = 1e-3;

function scripted(name: string, worth: Worth): Agent {
  const list = new Uint8Array(actionCount);
  return {
    name,
    choose(s, p, random) {
      const count = listActions(s, p, list);
      if (count === 1) return list[0];
      const asked = phaseOf(s, p);
      let best = -Infinity;
      let choice = list[0];
      for (let i = 0; i < count; i++) {
        const value = weigh(s, p, list[i], asked, worth) + jitter * random.next();
        if (value > best) {
          best = value;
          choice = list[i];
        }
      }
      return choice;
    },
  };
}

/** What an action is worth in its phase, for comparison with the others of that phase. */
export function weigh(s: SushiState, p: number, a: number, asked: number, worth: Worth): number {
  switch (asked) {
    case phase.bonus:
      return weighCall(s, p, a, worth);
    case phase.ask:
      return weighAsk(s, p, a, worth);
    case phase.give:
      return -worth(s, s.scalars[at.caller], a);
    case phase.flip:
      return a === stop ? 0 : weighFlip(s, p, a);
    default:
      return a === copyFaceDown ? 2 : worth(s, p, a);
  }
}

/** Calling costs the card for later turns, so it must bring more than it would then; near the end it must only bring points. */
function weighCall(s: SushiState, p: number, a: number, worth: Worth): number {
  if (a === noCall) return s.handSizes[s.slot(p)] <= 3 ? 1 : 3.5;
  let best = 0;
  for (const f of s.setup.faces) {
    const there = a === callChopsticks ? hasSpare(s, p, f) : a === callSpoon && isReachable(s, p, f);
    if (there) best = Math.max(best, worth(s, p, f));
  }
  return best;
}

function hasSpare(s: SushiState, p: number, f: number): boolean {
  if (!hasFace(s, s.slot(p), f)) return false;
  if (s.pending[p] !== f) return true;
  // One of them is about to be played.
  let count = 0;
  const base = s.slot(p) * kindCount;
  for (const kind of s.setup.kinds) if (faceOfKind[kind] === f) count += s.hands[base + kind];
  return count > 1;
}

/** Whether a known hand has it; unknown hands do not count. */
function isReachable(s: SushiState, p: number, f: number): boolean {
  const n = s.setup.players;
  for (let q = 1; q < n; q++) if (isHandKnown(s, q) && hasFace(s, s.slot((p + q) % n), f)) return true;
  return false;
}

function weighAsk(s: SushiState, p: number, a: number, worth: Worth): number {
  const n = s.setup.players;
  const faces = a < faceCount ? [a] : facesOfTile[a - firstTileAction];
  const value = Math.min(...faces.map((f) => worth(s, p, f)));
  if (faces.some((f) => isReachable(s, p, f))) return value;
  return isHandKnown(s, n - 1) ? -100 : value * 0.5 - 0.5;
}

/** While much can still come, only cards that do harm are turned over. */
function weighFlip(s: SushiState, p: number, f: number): number {
  const left = s.setup.handSize - s.scalars[at.turn] - 1;
  const worth = flipGain(s, p, f);
  return left > 2 && worth <= 2 ? -1 : worth;
}
