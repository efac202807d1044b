// One random game under all properties at once, for runs over many thousands of them.
import { Random } from "../../random.ts";
import { actionCount } from "../actions.ts";
import { kindCount, type TileName } from "../cards.ts";
import { decode, encode } from "../codec.ts";
import { newState } from "../deal.ts";
import { actingPlayers } from "../environment.ts";
import { listActions } from "../legal.ts";
import { isHandKnown, observationSize, observe } from "../observe.ts";
import { play } from "../play.ts";
import { resample } from "../resample.ts";
import type { RuleOptions } from "../rules.ts";
import { makeSetup } from "../setup.ts";
import { at, type SushiState, stage } from "../state.ts";
import { Recorder, replay } from "../transcript.ts";
import { inconsistencies, randomGame } from "./tools.ts";

export interface GameToCheck {
  readonly players: number;
  readonly menu: readonly TileName[];
  readonly rules?: Partial<RuleOptions>;
  readonly seed: number;
}

const list = new Uint8Array(actionCount);

/** What did not hold: cards conserved, hands of the right size, masks not empty, hidden cards not seen, replay identical. */
export function checkGame({ players: n, menu, rules, seed }: GameToCheck): string[] {
  const found: string[] = [];
  const random = new Random(seed, 701, n);
  const s = newState(makeSetup({ players: n, menu, rules }), seed);
  const recorder = new Recorder(s, seed);
  const cloneAt = random.below(20 * n);
  let clone: SushiState | undefined;
  const later: [number, number][] = [];
  while (!s.over) {
    const isOpen = s.scalars[at.stage] === stage.commit;
    for (const p of actingPlayers(s)) {
      const count = listActions(s, p, list);
      if (count === 0) return [...found, `player ${p} is asked and has no action`];
      if (isOpen && s.handSizes[s.slot(p)] !== s.setup.handSize - s.turn) found.push(`hand of ${p} has a wrong size`);
      const a = list[random.below(count)];
      if (random.below(12) === 0) found.push(...inconsistencies(s));
      if (random.below(24) === 0) found.push(...leaks(s, p, random));
      if (recorder.moves.length === cloneAt) clone = random.below(2) ? s.clone() : decode(encode(s));
      if (clone) later.push([p, a]);
      recorder.play(p, a);
    }
  }
  found.push(...inconsistencies(s));
  for (const [p, a] of later) play(clone as SushiState, p, a);
  if (clone && !equal(clone.bytes, s.bytes)) found.push("a copy did not end like the game");
  if (!equal(replay(recorder.transcript).bytes, s.bytes)) found.push("the replay did not end like the game");
  if (recorder.moves.length < 3 * n * s.setup.handSize) found.push("there were too few decisions");
  return found.map((text) => `${text} (${n} players, seed ${seed}, ${menu.join(",")})`);
}

/** Deals what p cannot know anew: what it sees, may do and knows of hands must stay, and the game must go on. */
function leaks(s: SushiState, p: number, random: Random): string[] {
  const found: string[] = [];
  const n = s.setup.players;
  const other = s.clone();
  resample(other, p, random.words);
  const [seen, again] = [s, other].map((state) => {
    const out = new Float32Array(observationSize(n));
    observe(state, p, out);
    return out;
  });
  if (!seen.every((x, i) => x === again[i])) found.push(`player ${p} sees what is hidden`);
  const [mine, theirs] = [s, other].map((state) => [...list.subarray(0, listActions(state, p, list))].join());
  if (mine !== theirs) found.push(`the actions of player ${p} depend on what is hidden`);
  for (let q = 0; q < n; q++) {
    if (q > 0 && !isHandKnown(s, q)) continue;
    const base = s.slot((p + q) % n) * kindCount;
    const hand = (state: SushiState) => state.hands.subarray(base, base + kindCount);
    if (!equal(hand(s), hand(other))) found.push(`a known hand of player ${p} was dealt anew`);
  }
  found.push(...inconsistencies(other));
  randomGame(other, random);
  return found;
}

const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((x, i) => x === b[i]);
