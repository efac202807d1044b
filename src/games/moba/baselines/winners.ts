// Predictors of the winner from the ten champions alone: +1 for blue's, -1 for red's, and which side is which. LR is the
// linear one, NN has a hidden layer (the baselines of the DraftRec repository).
import { Random } from "../../random.ts";
import { blue, championAt, championIds, type MobaData, type Split, teamOfTurn, turns } from "../data/dataset.ts";
import type { Recommender } from "../evaluate.ts";
import { Perceptron, type Sparse } from "./perceptron.ts";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const signs = teamOfTurn.map((team) => (team === blue ? 1 : -1));

const inputOf = (data: MobaData, match: number): Sparse => ({
  index: Array.from({ length: turns }, (_, t) => championAt(data, match, t)),
  value: signs,
});

/** Keeps the epoch with the best validation loss; of several strengths of regularisation the best one. */
export function winnerModel(
  data: MobaData,
  split: Pick<Split, "train" | "valid">,
  hidden: number,
  seed = 1,
): Recommender {
  const decays = hidden === 0 ? [0.0003, 0.001, 0.003, 0.01] : [0.003, 0.01];
  const runs = decays.map((weightDecay) => trained(data, split, hidden, weightDecay, seed));
  const best = runs.reduce((a, b) => (b.loss < a.loss ? b : a));
  return {
    name: hidden === 0 ? "lr" : "nn",
    predict: (_, first, count, out) => {
      for (let m = 0; m < count; m++) out[m] = sigmoid(best.net.forward(inputOf(data, first + m))[0]);
    },
  };
}

function trained(
  data: MobaData,
  { train, valid }: Pick<Split, "train" | "valid">,
  hidden: number,
  weightDecay: number,
  seed: number,
) {
  const net = new Perceptron({ inputs: championIds(data), hidden, outputs: 1, seed, rate: 0.003, weightDecay });
  const random = new Random(seed, 0x6c72);
  const parts = [net.first, net.firstBias, net.second, net.secondBias];
  const order = Array.from({ length: train.to - train.from }, (_, i) => train.from + i);
  let loss = Number.POSITIVE_INFINITY;
  let best = parts.map((part) => part.slice());
  for (let epoch = 0; epoch < 15; epoch++) {
    for (let i = order.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    order.forEach((match, i) => {
      const input = inputOf(data, match);
      const y = data.blueWin[match];
      net.backward(input, [sigmoid(net.forward(input)[0]) - y]);
      if ((i + 1) % 32 === 0 || i === order.length - 1) net.step((i % 32) + 1);
    });
    let sum = 0;
    for (let m = valid.from; m < valid.to; m++) {
      const p = sigmoid(net.forward(inputOf(data, m))[0]);
      sum -= Math.log(data.blueWin[m] === 1 ? p : 1 - p);
    }
    if (sum < loss) {
      loss = sum;
      best = parts.map((part) => part.slice());
    }
  }
  parts.forEach((part, i) => {
    part.set(best[i]);
  });
  return { net, loss };
}
