// Trains DraftRec on matches in order of time. The best parameters by validation loss are kept; a run can be stopped and
// goes on exactly where it was.
import { existsSync } from "node:fs";
import { DraftwrightError } from "../../../errors.ts";
import * as nn from "../../../nn/index.ts";
import { championAt, championIds, type MobaData, type Range, type Split, specials, turns } from "../data/dataset.ts";
import { type DraftBatch, fillMatch, newBatch, views } from "./batch.ts";
import { type DraftRecConfig, type DraftRecOptions, draftRecConfig } from "./config.ts";
import { fitFormWeight, formOf } from "./form.ts";
import { DraftRecModel } from "./model.ts";
import type { DraftRecNetwork, Inputs } from "./network.ts";
import { fillInputs } from "./network.ts";
import { Situations, scalingOf } from "./situation.ts";

export interface TrainDraftRecOptions {
  readonly network?: DraftRecOptions;
  readonly epochs?: number;
  /** Matches a step; each is twelve of the paper's samples. */
  readonly batch?: number;
  readonly rate?: number;
  /** Share of the policy in the loss. */
  readonly lambda?: number;
  readonly weightDecay?: number;
  readonly seed?: number;
  readonly threads?: number;
  /** State of the run, written after each epoch; when the file is there, the run goes on from it. */
  readonly runFile?: string;
  /** Stop after this many epochs of this call, for later resumption. */
  readonly pauseAfter?: number;
  readonly onEpoch?: (epoch: EpochReport) => void;
}

export interface EpochReport {
  readonly epoch: number;
  readonly epochs: number;
  readonly trainLoss: number;
  readonly policyLoss: number;
  readonly valueLoss: number;
  readonly seconds: number;
  readonly best: boolean;
}

export interface StepParts {
  readonly inputs: Inputs;
  readonly labels: nn.Labels;
  readonly outcome: nn.Input | undefined;
}

/** One training step as a graph: both losses over a batch, its gradients and an update. Owns native memory. */
export class DraftRecTrainer {
  readonly config: DraftRecConfig;
  readonly optimiser: nn.Optimiser;
  readonly #graph: nn.LossGraph<StepParts>;
  readonly #batch: number;

  constructor(
    network: DraftRecNetwork,
    options: { batch: number; lambda: number; weightDecay: number; random?: nn.Random },
  ) {
    this.config = network.config;
    this.#batch = options.batch;
    this.optimiser = new nn.Optimiser(network.parameters, { weightDecay: options.weightDecay, clipNorm: 5 });
    this.#graph = new nn.LossGraph(network.parameters.backend, this.optimiser, (tape) => {
      const { inputs, logits, value } = network.apply(tape, options.batch, views, options.random);
      const labels = new nn.Labels(tape, this.config.championIds, turns * options.batch);
      const policy = nn.crossEntropy(logits, labels);
      if (!value) return { inputs, labels, outcome: undefined, loss: policy };
      const outcome = tape.input(views * options.batch);
      const winner = nn.binaryCrossEntropy(value, outcome.variable);
      return {
        inputs,
        labels,
        outcome,
        loss: nn.mixed([options.lambda, policy], [1 - options.lambda, winner]),
      };
    });
  }

  /** Loss of a batch; its gradients are added up. `targets` [10, matches], -1 = none; `blueWin` [matches]. */
  run(batch: DraftBatch, targets: ArrayLike<number>, blueWin: ArrayLike<number>): number {
    const { inputs, labels, outcome } = this.#graph.parts;
    fillInputs(inputs, this.config, batch);
    labels.hard(targets);
    for (let m = 0; outcome && m < this.#batch; m++) outcome.array.fill(blueWin[m], m * views, (m + 1) * views);
    return this.#graph.run();
  }

  [Symbol.dispose](): void {
    this.#graph[Symbol.dispose]();
    this.optimiser[Symbol.dispose]();
  }
}

/** The caller owns the model. Throws `bad-argument` when the training part is smaller than a batch. */
export function trainDraftRec(
  data: MobaData,
  split: Pick<Split, "train" | "valid">,
  options: TrainDraftRecOptions = {},
): DraftRecModel {
  const { epochs = 10, batch: size = 32, rate = 2e-3, lambda = 0.5, weightDecay = 1e-5, seed = 1 } = options;
  if (!(lambda >= 0 && lambda <= 1 && rate > 0)) {
    throw new DraftwrightError(
      "bad-argument",
      `lambda ${lambda} and rate ${rate} do not train: lambda is a share from 0 (winners only) to 1 (picks only), the rate is above 0.`,
    );
  }
  const matches = split.train.to - split.train.from;
  if (matches < size) {
    throw new DraftwrightError(
      "bad-argument",
      `${matches} matches to train on are fewer than a batch of ${size}. Use more data or a smaller batch.`,
    );
  }
  const sizes = { championIds: championIds(data), roleIds: specials + data.roles.length, stats: data.statNames.length };
  const config = draftRecConfig(sizes, options.network);
  const model = new DraftRecModel(config, { ...data, scaling: scalingOf(data, split.train) }, { ...options, seed });
  try {
    train(model, data, split, { epochs, size, rate, lambda, weightDecay, seed }, options);
    if (config.matchNetwork && config.form) model.formWeight = formWeightOf(model, data, split.valid);
    return model;
  } catch (error) {
    model[Symbol.dispose]();
    throw error;
  }
}

/** Fitted on matches that the networks were not trained on, so that what they know of form already is not counted twice. */
export function formWeightOf(model: DraftRecModel, data: MobaData, { from, to }: Range): number {
  const chance = new Float64Array(to - from);
  model.recommender(data).predict?.(data, from, to - from, chance);
  const situations = new Situations(data, model.scaling);
  const form = Array.from(chance, (_, m) => formOf(situations.at(from + m).players));
  const logOdds = chance.map((p) => Math.log(p / (1 - p)));
  return fitFormWeight(form, logOdds, data.blueWin.subarray(from, to));
}

interface Progress {
  epoch: number;
  bestLoss: number;
}

interface Settings {
  readonly epochs: number;
  readonly size: number;
  readonly rate: number;
  readonly lambda: number;
  readonly weightDecay: number;
  readonly seed: number;
}

function train(
  model: DraftRecModel,
  data: MobaData,
  { train: range, valid }: Pick<Split, "train" | "valid">,
  { epochs, size, rate, lambda, weightDecay, seed }: Settings,
  { runFile, pauseAfter = epochs, onEpoch }: TrainDraftRecOptions,
): void {
  const { parameters } = model.network;
  const random = new nn.Random(seed);
  using trainer = new DraftRecTrainer(model.network, { batch: size, lambda, weightDecay, random });
  const run = { parameters, optimiser: trainer.optimiser, random };
  let progress: Progress = { epoch: 0, bestLoss: Number.POSITIVE_INFINITY };
  let best: Float32Array<ArrayBuffer>[] | undefined;
  if (runFile && existsSync(runFile)) {
    if (!existsSync(`${runFile}.best`)) {
      throw new DraftwrightError(
        "bad-argument",
        `${runFile} is no training's state: ${runFile}.best is not there. Name another file for --run.`,
      );
    }
    nn.loadParameters(`${runFile}.best`, parameters);
    best = parameters.all.map((parameter) => parameter.read());
    progress = nn.loadRun(runFile, run) as Progress;
  }
  const situations = new Situations(data, model.scaling);
  const steps = Math.floor((range.to - range.from) / size);
  const schedule = nn.cosine(rate, epochs * steps, Math.min(100, steps), rate / 50);
  const batch = newBatch(model.config, size);
  const targets = new Int32Array(size * turns);
  const blueWin = new Float32Array(size);
  const stop = Math.min(epochs, progress.epoch + pauseAfter);
  while (progress.epoch < stop) {
    const begin = performance.now();
    const order = random.shuffle(Array.from({ length: range.to - range.from }, (_, i) => range.from + i));
    let sum = 0;
    for (let step = 0; step < steps; step++) {
      for (let i = 0; i < size; i++) {
        const match = order[step * size + i];
        fillMatch(model.config, batch, i, situations.at(match));
        for (let t = 0; t < turns; t++) targets[i * turns + t] = championAt(data, match, t);
        blueWin[i] = data.blueWin[match];
      }
      const loss = trainer.run(batch, targets, blueWin);
      if (!Number.isFinite(loss)) throw diverged();
      trainer.optimiser.step(schedule(trainer.optimiser.steps));
      sum += loss;
    }
    const losses = measureLosses(model, data, valid);
    const loss = lambda * losses.policy + (model.config.matchNetwork ? (1 - lambda) * losses.value : 0);
    if (Number.isNaN(loss)) throw diverged();
    const better = loss < progress.bestLoss;
    progress = { epoch: progress.epoch + 1, bestLoss: Math.min(loss, progress.bestLoss) };
    if (better) best = parameters.all.map((parameter) => parameter.read());
    if (runFile) {
      if (better) nn.saveParameters(`${runFile}.best`, parameters);
      nn.saveRun(runFile, run, progress);
    }
    onEpoch?.({
      epoch: progress.epoch,
      epochs,
      trainLoss: sum / steps,
      policyLoss: losses.policy,
      valueLoss: losses.value,
      seconds: (performance.now() - begin) / 1000,
      best: better,
    });
  }
  parameters.all.forEach((parameter, i) => {
    if (best) parameter.write(best[i]);
  });
}

const diverged = () => new DraftwrightError("bad-argument", "The loss is no number any more. Use a lower rate.");

/** Mean losses over matches: of the picks, and of the finished draft's winner (NaN without a match network). */
export function measureLosses(
  model: DraftRecModel,
  data: MobaData,
  { from, to }: Range,
): { policy: number; value: number } {
  const recommender = model.recommender(data);
  const ids = model.config.championIds;
  let [policy, value] = [0, recommender.predict ? 0 : Number.NaN];
  for (let first = from; first < to; first += 32) {
    const count = Math.min(32, to - first);
    const logits = new Float32Array(count * turns * ids);
    const chance = new Float64Array(count);
    recommender.rank?.(data, first, count, logits);
    recommender.predict?.(data, first, count, chance);
    for (let m = 0; m < count; m++) {
      value -= Math.log(data.blueWin[first + m] === 1 ? chance[m] : 1 - chance[m]);
      for (let t = 0; t < turns; t++) {
        const row = logits.subarray((m * turns + t) * ids, (m * turns + t + 1) * ids);
        policy += logSumExp(row) - row[championAt(data, first + m, t)];
      }
    }
  }
  return { policy: policy / ((to - from) * turns), value: value / (to - from) };
}

export function logSumExp(row: Float32Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const x of row) if (x > most) most = x;
  let sum = 0;
  for (const x of row) sum += Math.exp(x - most);
  return most + Math.log(sum);
}
