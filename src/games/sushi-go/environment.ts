import { DraftwrightError } from "../../errors.ts";
import type { Environment, StepResult } from "../environment.ts";
import { Random } from "../random.ts";
import { actionCount, actionNames } from "./actions.ts";
import { decode, encode } from "./codec.ts";
import { newState } from "./deal.ts";
import { listActions } from "./legal.ts";
import { type ObserveOptions, observationSize, observe } from "./observe.ts";
import { play } from "./play.ts";
import { resample } from "./resample.ts";
import { makeSetup, type Setup, type SetupOptions } from "./setup.ts";
import { actingMask, type SushiState } from "./state.ts";

export interface ResetOptions {
  /** A safe integer; equal seeds give equal deals. */
  readonly seed: number;
}

export type SushiEnvironment = Environment<SushiState, ResetOptions> & { readonly setup: Setup };

/** Points per unit of reward. */
const rewardScale = 10;
const playersOfMask: readonly (readonly number[])[] = Array.from({ length: 256 }, (_, mask) =>
  Object.freeze([0, 1, 2, 3, 4, 5, 6, 7].filter((p) => mask & (1 << p))),
);
export const actingPlayers = (s: SushiState): readonly number[] => playersOfMask[actingMask(s)];

/**
 * Sushi Go Party! for one menu and number of players. Rewards: the change of (own score - best opponent) / 10, at the end of
 * each round and, with the desserts, of the game. `knownHands: false` gives observations without memory.
 */
export function sushiEnvironment(options: SetupOptions & ObserveOptions): SushiEnvironment {
  const setup = makeSetup(options);
  const { players } = setup;
  const size = observationSize(players);
  const mask = new Uint8Array(actionCount);
  const list = new Uint8Array(actionCount);
  const rewards = new Float32Array(players);
  const result: { -readonly [K in keyof StepResult<SushiState>]: StepResult<SushiState>[K] } = {
    state: undefined as unknown as SushiState,
    rewards,
    terminated: false,
    truncated: false,
  };
  const playOne = (s: SushiState, p: number, a: number) => {
    play(s, p, a);
    for (let i = 0; i < players; i++) rewards[i] += s.reward[i] / rewardScale;
  };
  return {
    id: "sushi-go-party",
    setup,
    players,
    actionCount,
    observationSize: size,
    reset: ({ seed }) => newState(setup, checkedSeed(seed)),
    acting: actingPlayers,
    legal(s, p) {
      mask.fill(0);
      const count = listActions(s, p, list);
      for (let i = 0; i < count; i++) mask[list[i]] = 1;
      return mask;
    },
    observe(s, p, out = new Float32Array(size)) {
      observe(s, p, out, options);
      return out;
    },
    step(s, actions) {
      rewards.fill(0);
      if (typeof actions === "number") playOne(s, actingPlayers(s)[0] ?? 0, actions);
      else for (const [p, a] of actions) playOne(s, p, a);
      result.state = s;
      result.terminated = s.over;
      return result;
    },
    clone: (s) => s.clone(),
    resample(s, p, seed) {
      const copy = s.clone();
      resample(copy, p, new Random(seed).words);
      return copy;
    },
    encode,
    decode,
    describe: (a) => actionNames[a],
  };
}

export function checkedSeed(seed: number): number {
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new DraftwrightError("bad-argument", `The seed must be an integer >= 0, not ${seed}.`);
}
