import type { Random } from "../../random.ts";
import { actionCount } from "../actions.ts";
import { listActions } from "../legal.ts";
import { type ObserveOptions, observationSize, observe } from "../observe.ts";
import type { SushiState } from "../state.ts";

/** Chooses one of player p's legal actions from what p may know: own hand, trays, fridges and hands held before. */
export interface Agent {
  readonly name: string;
  choose(s: SushiState, p: number, random: Random): number;
}

const list = new Uint8Array(actionCount);

export const randomAgent: Agent = {
  name: "random",
  choose: (s, p, random) => list[random.below(listActions(s, p, list))],
};

/** An agent that sees observations and masks only, as networks do. */
export function observingAgent(
  name: string,
  choose: (observation: Float32Array, mask: Uint8Array, random: Random) => number,
  options: ObserveOptions = {},
): Agent {
  let observation = new Float32Array(0);
  const mask = new Uint8Array(actionCount);
  return {
    name,
    choose(s, p, random) {
      const size = observationSize(s.setup.players);
      if (observation.length !== size) observation = new Float32Array(size);
      observe(s, p, observation, options);
      mask.fill(0);
      const count = listActions(s, p, list);
      for (let i = 0; i < count; i++) mask[list[i]] = 1;
      return choose(observation, mask, random);
    },
  };
}
