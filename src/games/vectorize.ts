// Many games at once in flat arrays, for training: one decision of each game a step, games that end begin anew.
import { DraftwrightError } from "../errors.ts";
import type { Action, Environment, Player } from "./environment.ts";
import { Random } from "./random.ts";

export interface VectorOptions<S> {
  readonly seed: number;
  /** Fills a row [observationSize]; `environment.observe` by default. */
  readonly observe?: (s: S, p: Player, out: Float32Array) => void;
}

export interface VectorEnvironment {
  readonly count: number;
  readonly observationSize: number;
  readonly actionCount: number;
  /** Of the player who is asked in each game. [count, observationSize] */
  readonly observations: Float32Array;
  /** [count, actionCount] */
  readonly masks: Uint8Array;
  /** Who is asked. [count] */
  readonly acting: Uint8Array;
  /** What the last step gave every player; of a game that ended, its end. [count, players] */
  readonly rewards: Float32Array;
  /** 1 where the last step ended a game; what is observed there is the next game. [count] */
  readonly ended: Uint8Array;
  /** One action of each game's acting player. Throws bad-argument for another number of actions, or an illegal one. */
  step(actions: ArrayLike<Action>): void;
}

/** `count` games of one environment; the deals of game i and its successors come from the seed and i alone. */
export function vectorize<S>(
  environment: Environment<S, { readonly seed: number }>,
  count: number,
  { seed, observe }: VectorOptions<S>,
): VectorEnvironment {
  if (!Number.isInteger(count) || count < 1) {
    throw new DraftwrightError("bad-argument", `A vector holds 1 game or more, not ${count}.`);
  }
  const { observationSize: size, actionCount, players } = environment;
  const look = observe ?? ((s: S, p: Player, out: Float32Array) => environment.observe(s, p, out));
  const deals = Array.from({ length: count }, (_, i) => new Random(seed, i));
  const states = deals.map((deal) => environment.reset({ seed: deal.bits() }));
  const observations = new Float32Array(count * size);
  const masks = new Uint8Array(count * actionCount);
  const acting = new Uint8Array(count);
  const rewards = new Float32Array(count * players);
  const ended = new Uint8Array(count);
  const rows = states.map((_, i) => observations.subarray(i * size, (i + 1) * size));
  const show = (i: number) => {
    const p = environment.acting(states[i])[0];
    acting[i] = p;
    look(states[i], p, rows[i]);
    masks.set(environment.legal(states[i], p), i * actionCount);
  };
  for (let i = 0; i < count; i++) show(i);
  return {
    count,
    observationSize: size,
    actionCount,
    observations,
    masks,
    acting,
    rewards,
    ended,
    step(actions) {
      if (actions.length !== count) {
        throw new DraftwrightError("bad-argument", `A step needs ${count} actions, one a game, not ${actions.length}.`);
      }
      for (let i = 0; i < count; i++) {
        const result = environment.step(states[i], actions[i]);
        rewards.set(result.rewards, i * players);
        ended[i] = result.terminated || result.truncated ? 1 : 0;
        if (ended[i]) states[i] = environment.reset({ seed: deals[i].bits() });
        show(i);
      }
    },
  };
}
