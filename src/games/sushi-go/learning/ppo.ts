// Proximal policy optimisation (Schulman et al. 2017) with masked logits and generalised advantages; one network gives the
// logits and, as its last output, the value.
import { Adam, Mlp, SparseInput } from "../../networks/index.ts";
import type { Random } from "../../random.ts";
import type { StoredArray } from "./arrays.ts";
import type { Features } from "./features.ts";
import { clamp, type Learner } from "./learner.ts";
import { isSet, type Trajectory } from "./trajectory.ts";

export interface PpoOptions {
  readonly hidden: readonly number[];
  readonly rate: number;
  /** Steps gathered before each round of learning, epochs over them, rows of a gradient step. */
  readonly horizon: number;
  readonly epochs: number;
  readonly batch: number;
  readonly clip: number;
  /** Weight of earlier differences in advantages. */
  readonly lambda: number;
  /** Weight of the entropy: at first, and at the end. */
  readonly entropy: readonly [number, number];
}

export class PpoLearner implements Learner {
  readonly network: Mlp;
  readonly #options: PpoOptions;
  readonly #features: Features;
  readonly #adam: Adam;
  readonly #gradient: Float32Array;
  readonly #input: SparseInput;
  readonly #legal: Uint8Array;
  readonly #shares: Float64Array;
  readonly #rows: Int8Array;
  readonly #actions: Uint8Array;
  readonly #masks: Uint32Array;
  /** Log probability when it was played, advantage, return. [capacity, 3] */
  readonly #targets: Float32Array;
  readonly #order: Uint32Array;
  #size = 0;

  constructor(features: Features, options: PpoOptions, seed: number) {
    const outputs = features.actions.length;
    this.#features = features;
    this.#options = options;
    this.network = new Mlp({ inputs: features.inputs, hidden: options.hidden, outputs: outputs + 1 }, seed);
    this.#adam = new Adam(this.network.weights.length);
    this.#gradient = new Float32Array(this.network.weights.length);
    this.#input = new SparseInput(features.inputs);
    this.#legal = new Uint8Array(outputs);
    this.#shares = new Float64Array(outputs);
    // The last game of a round may go over the horizon.
    const capacity = options.horizon + 512;
    this.#rows = new Int8Array(capacity * features.width);
    this.#actions = new Uint8Array(capacity);
    this.#masks = new Uint32Array(2 * capacity);
    this.#targets = new Float32Array(3 * capacity);
    this.#order = new Uint32Array(capacity);
  }

  get updates(): number {
    return this.#adam.steps;
  }

  choose(
    input: SparseInput,
    legal: Uint8Array,
    count: number,
    random: Random,
    notes: Float32Array,
    at: number,
  ): number {
    this.network.run(input);
    softmax(this.network, legal, count, this.#shares);
    let rest = random.next();
    let i = 0;
    while (i < count - 1 && rest >= this.#shares[i]) rest -= this.#shares[i++];
    notes[at] = Math.log(Math.max(1e-12, this.#shares[i]));
    notes[at + 1] = this.network.output(this.#features.actions.length);
    return legal[i];
  }

  learn(game: Trajectory, random: Random, done: number): void {
    const { horizon, lambda } = this.#options;
    const { width } = this.#features;
    const kept = Math.min(game.length, this.#actions.length - this.#size);
    let advantage = 0;
    for (let i = game.length - 1; i >= 0; i--) {
      const value = game.notes[2 * i + 1];
      const next = i === game.length - 1 ? 0 : game.notes[2 * i + 3];
      advantage = game.reward(i) + next - value + lambda * advantage;
      if (i >= kept) continue;
      const at = this.#size + i;
      this.#rows.set(game.rows.subarray(i * width, (i + 1) * width), at * width);
      this.#actions[at] = game.actions[i];
      this.#masks[2 * at] = game.legal[2 * i];
      this.#masks[2 * at + 1] = game.legal[2 * i + 1];
      this.#targets[3 * at] = game.notes[2 * i];
      this.#targets[3 * at + 1] = advantage;
      this.#targets[3 * at + 2] = advantage + value;
    }
    this.#size += kept;
    if (this.#size < horizon) return;
    this.#normalise();
    for (let epoch = 0; epoch < this.#options.epochs; epoch++) this.#epoch(random, done);
    this.#size = 0;
  }

  #normalise(): void {
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < this.#size; i++) {
      sum += this.#targets[3 * i + 1];
      squares += this.#targets[3 * i + 1] ** 2;
    }
    const mean = sum / this.#size;
    const deviation = Math.sqrt(Math.max(1e-8, squares / this.#size - mean * mean));
    for (let i = 0; i < this.#size; i++) this.#targets[3 * i + 1] = (this.#targets[3 * i + 1] - mean) / deviation;
  }

  #epoch(random: Random, done: number): void {
    const { batch, rate, entropy } = this.#options;
    for (let i = 0; i < this.#size; i++) this.#order[i] = i;
    for (let i = this.#size - 1; i > 0; i--) {
      const j = random.below(i + 1);
      const other = this.#order[i];
      this.#order[i] = this.#order[j];
      this.#order[j] = other;
    }
    const weight = entropy[0] + (entropy[1] - entropy[0]) * done;
    for (let from = 0; from < this.#size; from += batch) {
      const to = Math.min(this.#size, from + batch);
      for (let i = from; i < to; i++) this.#row(this.#order[i], weight);
      this.#adam.step(this.network.weights, this.#gradient, to - from, rate * (1 - 0.9 * done));
    }
  }

  #row(at: number, entropyWeight: number): void {
    const { network } = this;
    const legal = this.#legal;
    const shares = this.#shares;
    const outputs = legal.length;
    let count = 0;
    for (let k = 0; k < outputs; k++) if (isSet(this.#masks, at, k)) legal[count++] = k;
    this.#input.count = 0;
    this.#features.expand(this.#rows, at * this.#features.width, this.#input);
    network.run(this.#input);
    softmax(network, legal, count, shares);
    const advantage = this.#targets[3 * at + 1];
    let taken = 0;
    let entropy = 0;
    for (let i = 0; i < count; i++) {
      if (legal[i] === this.#actions[at]) taken = i;
      if (shares[i] > 0) entropy -= shares[i] * Math.log(shares[i]);
    }
    const ratio = Math.exp(Math.log(shares[taken]) - this.#targets[3 * at]);
    const { clip } = this.#options;
    const clipped = advantage > 0 ? ratio > 1 + clip : ratio < 1 - clip;
    const push = clipped ? 0 : ratio * advantage;
    for (let i = 0; i < count; i++) {
      const towards = (i === taken ? 1 : 0) - shares[i];
      const spread = -shares[i] * (Math.log(Math.max(1e-12, shares[i])) + entropy);
      network.slope(legal[i], -push * towards - entropyWeight * spread);
    }
    network.slope(outputs, 0.5 * clamp(network.output(outputs) - this.#targets[3 * at + 2], 1));
    network.backward(this.#gradient);
  }

  state() {
    return { numbers: [this.#adam.steps, this.#size], arrays: new Map(this.#arrays()) };
  }

  restore(numbers: readonly number[], arrays: Parameters<Learner["restore"]>[1]): void {
    [this.#adam.steps, this.#size] = numbers;
    for (const [name, array] of this.#arrays()) array.set(arrays(name, array));
  }

  #arrays(): [string, StoredArray][] {
    return [
      ["weights", this.network.weights as Float32Array],
      ["adam.mean", this.#adam.mean as Float32Array],
      ["adam.square", this.#adam.square as Float32Array],
      ["rows", this.#rows],
      ["actions", this.#actions],
      ["masks", this.#masks],
      ["targets", this.#targets],
    ];
  }
}

/** Shares of the legal outputs in the order they are listed; the network has run. */
export function softmax(network: Mlp, legal: Uint8Array, count: number, shares: Float64Array): void {
  let most = -Infinity;
  for (let i = 0; i < count; i++) {
    shares[i] = network.output(legal[i]);
    if (shares[i] > most) most = shares[i];
  }
  let sum = 0;
  for (let i = 0; i < count; i++) sum += shares[i] = Math.exp(shares[i] - most);
  for (let i = 0; i < count; i++) shares[i] /= sum;
}
