// The interface of a game for agents: reset, step, observe and legal masks as in Gymnasium and PettingZoo; clone, resample
// and encode as in OpenSpiel. States are plain data and belong to the caller.

export type Player = number;
export type Action = number;

/** What a step did. The object and its array are reused by the next step of the same environment. */
export interface StepResult<S> {
  readonly state: S;
  /** Per player, for this step. */
  readonly rewards: Float32Array;
  /** The rules ended the game; `truncated` would be an end from outside and is kept apart. */
  readonly terminated: boolean;
  readonly truncated: boolean;
}

export interface Environment<S, R> {
  readonly id: string;
  readonly players: number;
  readonly actionCount: number;
  /** Length of an observation. */
  readonly observationSize: number;
  reset(options: R): S;
  /** Who has to act; several at a simultaneous node. A shared, frozen array. */
  acting(s: S): readonly Player[];
  /** [actionCount] 1 for legal actions; reused by the next call. All zeros for a player that is not asked. */
  legal(s: S, p: Player): Uint8Array;
  /** What player p may know, into `out` [observationSize] or a new array. */
  observe(s: S, p: Player, out?: Float32Array): Float32Array;
  /**
   * Plays, in place, one action of the first acting player, or one of each player named. Throws bad-argument for an illegal
   * one; those before it in the map have been played then.
   */
  step(s: S, actions: Action | ReadonlyMap<Player, Action>): StepResult<S>;
  clone(s: S): S;
  /** A copy in which everything that player p cannot know is dealt anew from the seed. */
  resample(s: S, p: Player, seed: number): S;
  encode(s: S): Uint8Array;
  decode(bytes: Uint8Array): S;
  describe(a: Action): string;
}

export interface Turn {
  readonly player: Player;
  /** Reused by the next turn, like the mask. */
  readonly observation: Float32Array;
  readonly mask: Uint8Array;
}

/** The players to ask, one after the other (PettingZoo's AEC view); the loop's body must `step` for the player it was given. */
export function* turns<S, R>(environment: Environment<S, R>, s: S): Generator<Turn, void> {
  const observation = new Float32Array(environment.observationSize);
  for (let acting = environment.acting(s); acting.length > 0; acting = environment.acting(s)) {
    const player = acting[0];
    environment.observe(s, player, observation);
    yield { player, observation, mask: environment.legal(s, player) };
  }
}
