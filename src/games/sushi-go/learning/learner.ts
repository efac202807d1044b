import type { Mlp, SparseInput } from "../../networks/index.ts";
import type { Random } from "../../random.ts";
import type { StoredArray } from "./arrays.ts";
import type { Trajectory } from "./trajectory.ts";

export const algorithms = ["dqn", "dmc", "ppo"] as const;
export type Algorithm = (typeof algorithms)[number];

/** One way to learn from games. Every choice is among the legal outputs only, also inside targets and probabilities. */
export interface Learner {
  readonly network: Mlp;
  /** Gradient steps so far. */
  readonly updates: number;
  /** An output for `input` among `legal[0..count]`, exploring; what it wants to remember goes to `notes[at..at + 2]`. */
  choose(input: SparseInput, legal: Uint8Array, count: number, random: Random, notes: Float32Array, at: number): number;
  /** Takes in a finished game of one seat. `done` is the share of the training that is over, 0..1. */
  learn(game: Trajectory, random: Random, done: number): void;
  /** All that must be kept to go on exactly; `restore` copies it back. */
  state(): { readonly numbers: number[]; readonly arrays: ReadonlyMap<string, StoredArray> };
  restore(numbers: readonly number[], arrays: (name: string, like: StoredArray) => StoredArray): void;
}

/** The legal output with the highest value; the network has run. */
export function bestOutput(network: Mlp, legal: Uint8Array, count: number): number {
  let best = -Infinity;
  let choice = legal[0];
  for (let i = 0; i < count; i++) {
    const value = network.output(legal[i]);
    if (value > best) {
      best = value;
      choice = legal[i];
    }
  }
  return choice;
}

export const clamp = (x: number, limit: number): number => Math.max(-limit, Math.min(limit, x));
