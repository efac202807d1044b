// Self-play with a league: a network learns from games against itself, its past selves and scripted agents. Everything is
// drawn from one seeded stream, and all of it can be saved between two games and gone on with exactly.
import { DraftwrightError } from "../../../errors.ts";
import { Random } from "../../random.ts";
import type { Agent } from "../agents/agent.ts";
import { randomAgent } from "../agents/agent.ts";
import { greedyAgent, heuristicAgent } from "../agents/scripted.ts";
import { marginNow } from "../agents/search.ts";
import type { TileName } from "../cards.ts";
import { start } from "../deal.ts";
import { evaluate, winShares } from "../evaluate.ts";
import { play } from "../play.ts";
import { makeSetup } from "../setup.ts";
import { actingMask, SushiState } from "../state.ts";
import { arrayNamed, packArrays, type StoredArray, unpackArrays } from "./arrays.ts";
import { type Checkpoint, networkOf } from "./checkpoint.ts";
import { type FeatureOptions, type Features, makeFeatures } from "./features.ts";
import { type Algorithm, bestOutput, type Learner } from "./learner.ts";
import { networkPlayer, Seer } from "./player.ts";
import { PpoLearner } from "./ppo.ts";
import { Trajectory } from "./trajectory.ts";
import { ValueLearner } from "./values.ts";

export interface TrainOptions extends FeatureOptions {
  readonly algorithm: Algorithm;
  readonly seed: number;
  readonly hidden?: readonly number[];
  /** Menus to play, if not all of `menus`: the network has inputs for the others, and never sees them set. */
  readonly playMenus?: readonly (readonly TileName[])[];
  /** The training is over after so many games, or so many minutes of CPU time of this process; one is needed. */
  readonly games?: number;
  readonly minutes?: number;
  /** Evaluations on the panel during the training; the best network is kept. */
  readonly evaluations?: number;
}

/** Reward for winning, in tens of points, beside the margin. */
const winBonus = 1;
const pastSelves = 6;
const scripted: readonly Agent[] = [heuristicAgent, heuristicAgent, greedyAgent, randomAgent];
const panelGames = 120;

export interface PanelScore {
  readonly games: number;
  /** Mean win rate against greedy and heuristic opponents in all other seats. */
  readonly score: number;
  readonly against: { readonly [name: string]: number };
}

export class Trainer {
  readonly options: TrainOptions;
  readonly features: Features;
  games = 0;
  steps = 0;
  cpuSeconds = 0;
  best: PanelScore | undefined;
  readonly #learner: Learner;
  readonly #states: readonly SushiState[];
  readonly #random: Random;
  readonly #seer: Seer;
  readonly #seats: readonly Trajectory[];
  /** Weights averaged over the last games: what is evaluated and kept. */
  readonly #average: Float32Array;
  readonly #kept: Float32Array;
  readonly #past: Float32Array[] = [];
  readonly #pastNetwork;
  #evaluated = 0;

  /** Throws bad-argument for menus that do not fit the players, and for a training without an end. */
  constructor(options: TrainOptions) {
    const { games = Infinity, minutes = Infinity } = options;
    if (!(games > 0 && minutes > 0) || (games === Infinity && minutes === Infinity)) {
      throw new DraftwrightError("bad-argument", "A training needs a number of games or minutes above 0.");
    }
    this.options = options;
    this.features = makeFeatures(options);
    this.#learner = makeLearner(options, this.features);
    this.#states = (options.playMenus ?? options.menus).map(
      (menu) => new SushiState(makeSetup({ players: options.players, menu })),
    );
    this.#random = new Random(options.seed, 301);
    this.#seer = new Seer(this.features);
    this.#seats = Array.from({ length: options.players }, () => new Trajectory(this.features.width));
    this.#average = Float32Array.from(this.#learner.network.weights);
    this.#kept = Float32Array.from(this.#average);
    this.#pastNetwork = networkOf(this.#checkpointOf(this.#average));
  }

  /** The share of the training that is over, 0..1. Learning rates and exploration follow it. */
  get done(): number {
    const { games = Infinity, minutes = Infinity } = this.options;
    return Math.min(1, Math.max(this.games / games, this.cpuSeconds / (60 * minutes)));
  }

  /** Plays one game and learns from it. */
  playGame(): void {
    const { done } = this;
    const random = this.#random;
    const s = this.#states[random.below(this.#states.length)];
    const lineup = this.#lineup();
    start(s, random.bits());
    for (const seat of this.#seats) seat.clear();
    while (!s.over) {
      const acting = actingMask(s);
      for (let p = 0; p < lineup.length; p++) {
        if (acting & (1 << p)) play(s, p, this.#choose(s, p, lineup[p]));
      }
    }
    const shares = winShares(s);
    for (let p = 0; p < lineup.length; p++) {
      const seat = this.#seats[p];
      if (seat.length === 0) continue;
      seat.margins[seat.length] = marginNow(s, p) / 10;
      seat.bonus = winBonus * (shares[p] - 1 / lineup.length);
      this.steps += seat.length;
      this.#learner.learn(seat, random, done);
    }
    this.games++;
    this.#remember(this.done);
  }

  #choose(s: SushiState, p: number, who: Agent | "self" | "past"): number {
    const isShown = who === heuristicAgent && this.options.algorithm === "dqn";
    if (typeof who === "object" && !isShown) return who.choose(s, p, this.#random);
    const seer = this.#seer;
    if (who === "past") {
      seer.look(s, p);
      this.#pastNetwork.run(seer.input);
      return this.features.actions[bestOutput(this.#pastNetwork, seer.legal, seer.count)];
    }
    const seat = this.#seats[p];
    seat.reserve();
    const i = seat.length;
    seer.look(s, p, seat.rows, seat.end);
    let low = 0;
    let high = 0;
    for (let l = 0; l < seer.count; l++) {
      const k = seer.legal[l];
      if (k < 32) low |= 1 << k;
      else high |= 1 << (k - 32);
    }
    seat.legal[2 * i] = low;
    seat.legal[2 * i + 1] = high;
    seat.margins[i] = marginNow(s, p) / 10;
    // Learning off the policy, Double DQN takes in what the heuristic does as well.
    const k =
      typeof who === "object"
        ? this.features.outputOf[who.choose(s, p, this.#random)]
        : this.#learner.choose(seer.input, seer.legal, seer.count, this.#random, seat.notes, 2 * i);
    seat.actions[i] = k;
    seat.length++;
    return this.features.actions[k];
  }

  /** Half the games are played by the network alone; in the others some seats are a past self's or a script's. */
  #lineup(): (Agent | "self" | "past")[] {
    const random = this.#random;
    const { players } = this.options;
    const lineup = Array<Agent | "self" | "past">(players).fill("self");
    const draw = random.next();
    if (draw < 0.5) return lineup;
    const isPast = draw < 0.7 && this.#past.length > 0;
    if (isPast) this.#pastNetwork.weights.set(this.#past[random.below(this.#past.length)]);
    const own = random.below(players);
    const script = scripted[random.below(scripted.length)];
    for (let p = 0; p < players; p++)
      if (p !== own && (players === 2 || random.below(4) > 0)) lineup[p] = isPast ? "past" : script;
    return lineup;
  }

  #remember(done: number): void {
    const weights = this.#learner.network.weights;
    const average = this.#average;
    if (this.games < 200) average.set(weights);
    else for (let i = 0; i < average.length; i++) average[i] += 0.01 * (weights[i] - average[i]);
    const evaluations = this.options.evaluations ?? 10;
    const due = Math.floor(done * evaluations + 1e-9);
    if (due <= this.#evaluated) return;
    this.#evaluated = due;
    this.#past.push(Float32Array.from(average));
    if (this.#past.length > pastSelves) this.#past.splice(this.#random.below(pastSelves), 1);
    this.evaluate();
  }

  /** Plays against the panel and keeps the network if it is the best so far. */
  evaluate(): PanelScore {
    const { menus, playMenus = menus, seed } = this.options;
    const score = panelScore(this.#checkpointOf(this.#average), panelGames, seed + 5_000_000, playMenus);
    if (!this.best || score.score >= this.best.score) {
      this.best = { ...score, games: this.games };
      this.#kept.set(this.#average);
    }
    return { ...score, games: this.games };
  }

  get updates(): number {
    return this.#learner.updates;
  }

  /** Evaluations so far. */
  get evaluations(): number {
    return this.#evaluated;
  }

  /** The best network so far by the panel. */
  checkpoint(): Checkpoint {
    return this.#checkpointOf(this.#kept);
  }

  #checkpointOf(weights: Float32Array): Checkpoint {
    const { algorithm, seed } = this.options;
    const training = { seed, games: this.games, steps: this.steps, updates: this.updates, cpuSeconds: this.cpuSeconds };
    const copy = Float32Array.from(weights);
    return { algorithm, features: this.features.options, hidden: hiddenOf(this.options), weights: copy, training };
  }

  save(): Uint8Array {
    const { numbers, arrays } = this.#learner.state();
    const all = new Map<string, StoredArray>(arrays);
    all.set("random", this.#random.words);
    all.set("average", this.#average);
    all.set("kept", this.#kept);
    for (const [i, weights] of this.#past.entries()) all.set(`past.${i}`, weights);
    const { options, games, steps, cpuSeconds, best } = this;
    const evaluated = this.#evaluated;
    const past = this.#past.length;
    const header = {
      kind: "sushi-go-party training",
      options,
      games,
      steps,
      cpuSeconds,
      best,
      evaluated,
      past,
      numbers,
    };
    return packArrays({ header, arrays: all });
  }

  /** A training as `save` left it. Throws bad-model. */
  static restore(bytes: Uint8Array): Trainer {
    const file = unpackArrays(bytes);
    if (file.header.kind !== "sushi-go-party training") {
      throw new DraftwrightError(
        "bad-model",
        "This is no saved training. It lies beside the checkpoint, as FILE.resume.",
      );
    }
    const header = file.header as unknown as SavedTraining;
    const trainer = new Trainer(header.options);
    const array = <T extends StoredArray>(name: string, like: T) => arrayNamed(file, name, like);
    trainer.#learner.restore(header.numbers, array);
    trainer.#random.words.set(array("random", trainer.#random.words));
    trainer.#average.set(array("average", trainer.#average));
    trainer.#kept.set(array("kept", trainer.#kept));
    for (let i = 0; i < header.past; i++) trainer.#past.push(array(`past.${i}`, trainer.#average));
    trainer.games = header.games;
    trainer.steps = header.steps;
    trainer.cpuSeconds = header.cpuSeconds;
    trainer.best = header.best;
    trainer.#evaluated = header.evaluated;
    return trainer;
  }
}

interface SavedTraining {
  readonly options: TrainOptions;
  readonly games: number;
  readonly steps: number;
  readonly cpuSeconds: number;
  readonly best: PanelScore | undefined;
  readonly evaluated: number;
  readonly past: number;
  readonly numbers: number[];
}

/** Win rates against copies of greedy and heuristic, on some menus (default: all of the checkpoint). */
export function panelScore(
  checkpoint: Checkpoint,
  games: number,
  seed: number,
  menus: readonly (readonly TileName[])[] = checkpoint.features.menus,
): PanelScore {
  const agent = networkPlayer(checkpoint);
  const { players } = checkpoint.features;
  const against = Object.fromEntries(
    [greedyAgent, heuristicAgent].map((opponent) => {
      const rates = menus.map((menu) => {
        const share = Math.ceil(games / menus.length);
        return evaluate({ agent, opponents: [opponent], players, menu, games: share, seed }).winRate;
      });
      return [opponent.name, rates.reduce((a, b) => a + b, 0) / rates.length];
    }),
  );
  const rates = Object.values(against);
  return { games, score: rates.reduce((a, b) => a + b, 0) / rates.length, against };
}

const hiddenOf = ({ hidden = [96, 64] }: TrainOptions): readonly number[] => hidden;

function makeLearner(options: TrainOptions, features: Features): Learner {
  const hidden = hiddenOf(options);
  const { algorithm, seed } = options;
  if (algorithm === "ppo") {
    const ppo = { hidden, rate: 1e-3, horizon: 4096, epochs: 3, batch: 256, clip: 0.2, lambda: 0.95 };
    return new PpoLearner(features, { ...ppo, entropy: [0.02, 0.002] }, seed);
  }
  const values = { kind: algorithm, hidden, batch: 32, rate: 1e-3, copyEvery: 500, explore: [0.3, 0.03] } as const;
  const kinds = { dqn: { replays: 3, capacity: 60_000, steps: 3 }, dmc: { replays: 2, capacity: 30_000, steps: 0 } };
  return new ValueLearner(features, { ...values, ...kinds[algorithm] }, seed);
}
