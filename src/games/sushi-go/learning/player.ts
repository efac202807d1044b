// A network at the table: an agent, a proposer for search, and a judge of positions.
import { DraftwrightError } from "../../../errors.ts";
import { type Mlp, SparseInput } from "../../networks/index.ts";
import { actionCount, actionNames } from "../actions.ts";
import type { Agent } from "../agents/agent.ts";
import { marginNow, type Proposer } from "../agents/search.ts";
import { listActions } from "../legal.ts";
import { observationSize, observe } from "../observe.ts";
import type { SushiState } from "../state.ts";
import { type Checkpoint, networkOf } from "./checkpoint.ts";
import { type Features, makeFeatures } from "./features.ts";
import { bestOutput } from "./learner.ts";
import { softmax } from "./ppo.ts";

/** Looks at a state through a network's features. One at a time: what it last saw is in its fields. */
export class Seer {
  readonly features: Features;
  readonly input: SparseInput;
  readonly row: Int8Array;
  /** Legal outputs of the last look. */
  readonly legal: Uint8Array;
  count = 0;
  readonly #observations = new Map<number, Float32Array>();
  readonly #actions = new Uint8Array(actionCount);

  constructor(features: Features) {
    this.features = features;
    this.input = new SparseInput(features.inputs);
    this.row = new Int8Array(features.width);
    this.legal = new Uint8Array(features.actions.length);
  }

  /** Player p's view; `row` [at..] gets its integers. Throws bad-argument for a menu the network was not made for. */
  look(s: SushiState, p: number, row: Int8Array = this.row, at = 0): void {
    const { features } = this;
    const n = s.setup.players;
    let observation = this.#observations.get(n);
    if (!observation) {
      observation = new Float32Array(observationSize(n));
      this.#observations.set(n, observation);
    }
    observe(s, p, observation);
    features.read(observation, n, row, at);
    this.input.count = 0;
    features.expand(row, at, this.input);
    this.count = listActions(s, p, this.#actions);
    for (let i = 0; i < this.count; i++) {
      const k = features.outputOf[this.#actions[i]];
      if (k === 255) refuse(this.#actions[i], features);
      this.legal[i] = k;
    }
  }
}

function refuse(action: number, { options }: Features): never {
  throw new DraftwrightError(
    "bad-argument",
    `This network knows nothing of ${actionNames[action]}: it was trained on ${options.menus.map((menu) => menu.join(",")).join(" and ")}. Train one for this menu.`,
  );
}

export interface NetworkPlayer extends Agent, Proposer {
  readonly checkpoint: Checkpoint;
  /** Player p's margin over the best opponent at the end of the game, in points; p must be asked. */
  value(s: SushiState, p: number): number;
}

/** Points of value that make an action e times as likely to be proposed. */
const temperature = 1.5;

export function networkPlayer(checkpoint: Checkpoint, name: string = checkpoint.algorithm): NetworkPlayer {
  const network = networkOf(checkpoint);
  const seer = new Seer(makeFeatures(checkpoint.features));
  const hasPolicy = checkpoint.algorithm === "ppo";
  return {
    name,
    checkpoint,
    choose(s, p) {
      seer.look(s, p);
      if (seer.count === 1) return seer.features.actions[seer.legal[0]];
      network.run(seer.input);
      return seer.features.actions[bestOutput(network, seer.legal, seer.count)];
    },
    propose(s, p, actions, count, shares) {
      seer.look(s, p);
      network.run(seer.input);
      // Both list the legal actions in the same order.
      if (hasPolicy) softmax(network, seer.legal, count, shares);
      else boltzmann(network, seer.legal, count, shares);
      if (actions[0] !== seer.features.actions[seer.legal[0]]) throw new Error("the order of actions changed");
    },
    value(s, p) {
      seer.look(s, p);
      network.run(seer.input);
      const k = hasPolicy ? seer.features.actions.length : bestOutput(network, seer.legal, seer.count);
      return marginNow(s, p) + 10 * network.output(k);
    },
  };
}

function boltzmann(network: Mlp, legal: Uint8Array, count: number, shares: Float64Array): void {
  let most = -Infinity;
  for (let i = 0; i < count; i++) {
    shares[i] = (network.output(legal[i]) * 10) / temperature;
    most = Math.max(most, shares[i]);
  }
  let sum = 0;
  for (let i = 0; i < count; i++) sum += shares[i] = Math.exp(shares[i] - most);
  for (let i = 0; i < count; i++) shares[i] /= sum;
}
