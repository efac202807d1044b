// Predictors of the winner from the ten champions alone: +1 for blue's, -1 for red's, and which side is which. LR is the
// linear one, NN has a hidden layer (the baselines of the DraftRec repository).
import { type FloatArray, Mlp, SparseInput } from "../../networks/index.ts";
import { blue, championAt, championIds, type MobaData, type Split, teamOfTurn, turns } from "../data/dataset.ts";
import type { Recommender } from "../evaluate.ts";
import { fitBest } from "./fit.ts";

interface Scorer {
  readonly weights: FloatArray;
  score(match: number): number;
  /** Adds slope x the gradient of the last score. */
  learn(match: number, slope: number, gradient: FloatArray): void;
}

const signs = teamOfTurn.map((team) => (team === blue ? 1 : -1));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Of several strengths of regularisation the one that validates best is kept. */
export function winnerModel(
  data: MobaData,
  split: Pick<Split, "train" | "valid">,
  hidden: number,
  seed = 1,
): Recommender {
  const decays = hidden === 0 ? [0.0003, 0.001, 0.003, 0.01] : [0.001, 0.003, 0.01];
  const fitted = decays.map((decay) => {
    const scorer = hidden === 0 ? linear(data) : network(data, hidden, seed);
    const loss = (match: number, gradient?: FloatArray) => {
      const p = sigmoid(scorer.score(match));
      const y = data.blueWin[match];
      if (gradient) scorer.learn(match, p - y, gradient);
      return -Math.log(y === 1 ? p : 1 - p);
    };
    const { weights } = scorer;
    return { scorer, loss: fitBest({ ...split, weights, loss, batch: 32, epochs: 15, rate: 0.003, decay, seed }) };
  });
  const { scorer } = fitted.reduce((a, b) => (b.loss < a.loss ? b : a));
  return {
    name: hidden === 0 ? "lr" : "nn",
    predict: (_, first, count, out) => {
      for (let m = 0; m < count; m++) out[m] = sigmoid(scorer.score(first + m));
    },
  };
}

function linear(data: MobaData): Scorer {
  const bias = championIds(data);
  const weights = new Float64Array(bias + 1);
  return {
    weights,
    score: (match) => signs.reduce((sum, sign, t) => sum + sign * weights[championAt(data, match, t)], weights[bias]),
    learn: (match, slope, gradient) => {
      gradient[bias] += slope;
      signs.forEach((sign, t) => {
        gradient[championAt(data, match, t)] += sign * slope;
      });
    },
  };
}

function network(data: MobaData, hidden: number, seed: number): Scorer {
  const net = new Mlp({ inputs: championIds(data), hidden: [hidden], outputs: 1 }, seed, Float64Array);
  const input = new SparseInput(turns);
  return {
    weights: net.weights,
    score: (match) => {
      input.count = 0;
      for (let t = 0; t < turns; t++) input.add(championAt(data, match, t), signs[t]);
      net.run(input);
      return net.output(0);
    },
    learn: (_, slope, gradient) => {
      net.slope(0, slope);
      net.backward(gradient);
    },
  };
}
