// Learners of action values: Double DQN and Deep Monte Carlo. Both replay steps and move the value of the action taken
// towards a target; they differ in the target alone.
import { Adam, Mlp, SparseInput } from "../../networks/index.ts";
import type { Random } from "../../random.ts";
import type { StoredArray } from "./arrays.ts";
import type { Features } from "./features.ts";
import { bestOutput, clamp, type Learner } from "./learner.ts";
import { isSet, Replay, type Trajectory } from "./trajectory.ts";

export interface ValueOptions {
  readonly kind: "dqn" | "dmc";
  readonly hidden: readonly number[];
  readonly rate: number;
  readonly batch: number;
  /** Steps replayed for each step played. */
  readonly replays: number;
  readonly capacity: number;
  /** Rewards summed before the value of the state reached is added; DQN only. */
  readonly steps: number;
  /** Gradient steps between copies to the target network; DQN only. */
  readonly copyEvery: number;
  /** Chance of a random action: at first, and after the first fifth of the training. */
  readonly explore: readonly [number, number];
}

/** Double DQN: van Hasselt et al. 2016 with several-step targets. Deep Monte Carlo: Zha et al. 2021. */
export class ValueLearner implements Learner {
  readonly network: Mlp;
  readonly #options: ValueOptions;
  readonly #features: Features;
  readonly #target: Mlp;
  readonly #adam: Adam;
  readonly #gradient: Float32Array;
  readonly #replay: Replay;
  readonly #input: SparseInput;
  readonly #legal: Uint8Array;
  #owed = 0;
  #done = 0;

  constructor(features: Features, options: ValueOptions, seed: number) {
    const shape = { inputs: features.inputs, hidden: options.hidden, outputs: features.actions.length };
    this.#features = features;
    this.#options = options;
    this.network = new Mlp(shape, seed);
    this.#target = new Mlp(shape, seed);
    this.#adam = new Adam(this.network.weights.length);
    this.#gradient = new Float32Array(this.network.weights.length);
    this.#replay = new Replay(options.capacity, features.width);
    this.#input = new SparseInput(features.inputs);
    this.#legal = new Uint8Array(features.actions.length);
  }

  get updates(): number {
    return this.#adam.steps;
  }

  choose(input: SparseInput, legal: Uint8Array, count: number, random: Random): number {
    const [first, last] = this.#options.explore;
    const explore = Math.max(last, first + (last - first) * Math.min(1, 5 * this.#done));
    if (random.next() < explore) return legal[random.below(count)];
    this.network.run(input);
    return bestOutput(this.network, legal, count);
  }

  learn(game: Trajectory, random: Random, done: number): void {
    const { kind, batch, replays } = this.#options;
    this.#done = done;
    if (kind === "dqn") this.#replay.push(game, (i) => game.reward(i));
    else {
      const end = game.margins[game.length] + game.bonus;
      this.#replay.push(game, (i) => end - game.margins[i]);
    }
    if (this.#replay.size < 4 * batch) return;
    for (this.#owed += (game.length * replays) / batch; this.#owed >= 1; this.#owed--) this.#update(random);
  }

  #update(random: Random): void {
    const { batch, rate, copyEvery } = this.#options;
    const { network } = this;
    const replay = this.#replay;
    for (let b = 0; b < batch; b++) {
      const at = random.below(replay.size);
      const target = this.#options.kind === "dqn" ? this.#bootstrapped(at) : replay.rewards[at];
      replay.expand(this.#features, at, this.#input);
      network.run(this.#input);
      const k = replay.actions[at];
      // The slope of the Huber loss: ten points are one.
      network.slope(k, clamp(network.output(k) - target, 1));
      network.backward(this.#gradient);
    }
    // Falls to a tenth.
    this.#adam.step(network.weights, this.#gradient, batch, rate * (1 - 0.9 * this.#done));
    if (this.#adam.steps % copyEvery === 0) this.#target.weights.set(network.weights);
  }

  /** The online network chooses, the target network says the value; both among what was legal there. */
  #bootstrapped(from: number): number {
    const replay = this.#replay;
    let at = from;
    let sum = replay.rewards[at];
    for (let step = 1; !replay.last[at]; step++) {
      at = (at + 1) % replay.capacity;
      if (step < this.#options.steps) {
        sum += replay.rewards[at];
        continue;
      }
      let count = 0;
      for (let k = 0; k < this.#legal.length; k++) if (isSet(replay.legal, at, k)) this.#legal[count++] = k;
      replay.expand(this.#features, at, this.#input);
      let k = this.#legal[0];
      if (count > 1) {
        this.network.run(this.#input);
        k = bestOutput(this.network, this.#legal, count);
      }
      this.#target.run(this.#input);
      return sum + this.#target.output(k);
    }
    return sum;
  }

  state() {
    const replay = this.#replay;
    return {
      numbers: [this.#adam.steps, this.#owed, this.#done, replay.size, replay.head],
      arrays: new Map(this.#arrays()),
    };
  }

  restore(numbers: readonly number[], arrays: Parameters<Learner["restore"]>[1]): void {
    [this.#adam.steps, this.#owed, this.#done, this.#replay.size, this.#replay.head] = numbers;
    for (const [name, array] of this.#arrays()) array.set(arrays(name, array));
  }

  #arrays(): [string, StoredArray][] {
    const { rows, actions, legal, rewards, last } = this.#replay;
    return [
      ["weights", this.network.weights as Float32Array],
      ["target", this.#target.weights as Float32Array],
      ["adam.mean", this.#adam.mean as Float32Array],
      ["adam.square", this.#adam.square as Float32Array],
      ["replay.rows", rows],
      ["replay.actions", actions],
      ["replay.legal", legal],
      ["replay.rewards", rewards],
      ["replay.last", last],
    ];
  }
}
