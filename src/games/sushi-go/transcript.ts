// A game as its seed and decisions: enough to play it again, to undo, to share.
import { DraftwrightError } from "../../errors.ts";
import { actionNamed, actionNames } from "./actions.ts";
import type { TileName } from "./cards.ts";
import { newState } from "./deal.ts";
import { checkedSeed } from "./environment.ts";
import { play } from "./play.ts";
import type { RuleOptions } from "./rules.ts";
import { makeSetup } from "./setup.ts";
import type { SushiState } from "./state.ts";

export interface Transcript {
  readonly seed: number;
  readonly players: number;
  readonly menu: readonly TileName[];
  readonly rules: RuleOptions;
  /** In the order they were taken: seat and action's name. */
  readonly moves: readonly (readonly [number, string])[];
}

/** Plays `moves` (default: all) again. Throws bad-argument, naming the move, when one is not legal. */
export function replay({ seed, players, menu, rules, moves }: Transcript, count = moves.length): SushiState {
  const s = newState(makeSetup({ players, menu, rules }), checkedSeed(seed));
  for (const [i, [p, name]] of moves.slice(0, count).entries()) {
    try {
      play(s, p, actionNamed(name));
    } catch (cause) {
      throw new DraftwrightError("bad-argument", `Move ${i + 1} cannot be replayed: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
  return s;
}

/** Plays a game and remembers it. */
export class Recorder {
  readonly state: SushiState;
  readonly seed: number;
  readonly moves: (readonly [number, string])[] = [];

  constructor(state: SushiState, seed: number, moves: Transcript["moves"] = []) {
    this.state = state;
    this.seed = seed;
    this.moves.push(...moves);
  }

  play(p: number, a: number): void {
    play(this.state, p, a);
    this.moves.push([p, actionNames[a]]);
  }

  get transcript(): Transcript {
    const { players, menu, rules } = this.state.setup;
    return { seed: this.seed, players, menu: menu as readonly TileName[], rules, moves: [...this.moves] };
  }
}
