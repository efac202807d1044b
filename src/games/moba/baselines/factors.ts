// Recommenders that know a player by what the player picked, and nothing of the match.
// NCF-like (He et al. 2017): a learned vector of each user goes through a hidden layer to scores of all champions.
// DMF-like (Xue et al. 2017): the same from the row of the user's picks so far, normalised, so that new users have one too.
// Both are trained on all champions at once instead of sampled negatives: there are only about a hundred.
import { type FloatArray, Mlp, SparseInput } from "../../networks/index.ts";
import { championIds, type MobaData, type Range, type Split, turns } from "../data/dataset.ts";
import type { Recommender } from "../evaluate.ts";
import { fitBest } from "./fit.ts";

/** Fills `input` for a slot of the table [matches, turns]. */
type Encoder = (slot: number, input: SparseInput) => void;

/** Users are told apart by their first row; one who is not in the training part has no input at all. */
export function ncf(data: MobaData, split: Split, seed = 1): Recommender {
  const users = new Map<number, number>();
  for (let i = split.train.from * turns; i < split.train.to * turns; i++) {
    const user = data.firstAppearance[i];
    if (!users.has(user)) users.set(user, users.size);
  }
  const encode: Encoder = (slot, input) => {
    const user = users.get(data.firstAppearance[slot]);
    if (user !== undefined) input.add(user, 1);
  };
  return factorModel("ncf", data, split, encode, [users.size, 32, 32], seed);
}

export function dmf(data: MobaData, split: Split, seed = 1): Recommender {
  const counts = new Float64Array(championIds(data));
  const encode: Encoder = (slot, input) => {
    counts.fill(0);
    for (let row = data.firstAppearance[slot]; row < data.appearance[slot]; row++) counts[data.champion[row]]++;
    const norm = Math.hypot(...counts) || 1;
    counts.forEach((n, c) => {
      if (n > 0) input.add(c, n / norm);
    });
  };
  return factorModel("dmf", data, split, encode, [championIds(data), 64], seed);
}

function factorModel(
  name: string,
  data: MobaData,
  { train, valid }: Split,
  encode: Encoder,
  [inputs, ...hidden]: number[],
  seed: number,
): Recommender {
  const ids = championIds(data);
  const net = new Mlp({ inputs, hidden, outputs: ids }, seed, Float64Array);
  const input = new SparseInput(Math.max(inputs, 1));
  const scores = new Float64Array(ids);
  const run = (slot: number) => {
    input.count = 0;
    encode(slot, input);
    net.run(input);
    for (let c = 0; c < ids; c++) scores[c] = net.output(c);
  };
  const loss = (slot: number, gradient?: FloatArray) => {
    run(slot);
    const target = data.champion[data.appearance[slot]];
    const most = scores.reduce((a, b) => Math.max(a, b));
    const sum = scores.reduce((total, score) => total + Math.exp(score - most), 0);
    if (gradient) {
      for (let c = 0; c < ids; c++) net.slope(c, Math.exp(scores[c] - most) / sum - Number(c === target));
      net.backward(gradient);
    }
    return most + Math.log(sum) - scores[target];
  };
  const slots = ({ from, to }: Range) => ({ from: from * turns, to: to * turns });
  const { weights } = net;
  const parts = { train: slots(train), valid: slots(valid) };
  fitBest({ weights, ...parts, loss, batch: 128, epochs: 12, rate: 0.003, decay: 1e-6, seed });
  return {
    name,
    rank: (_, first, count, out) => {
      for (let i = 0; i < count * turns; i++) {
        run(first * turns + i);
        out.set(scores, i * ids);
      }
    },
  };
}
