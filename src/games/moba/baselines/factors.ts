// Recommenders that know a player by what the player picked, and nothing of the match.
// NCF-like (He et al. 2017): a learned vector of each user goes through a hidden layer to scores of all champions.
// DMF-like (Xue et al. 2017): the same from the row of the user's picks so far, normalised, so that new users have one too.
// Both are trained on all champions at once instead of sampled negatives: there are only about a hundred.
import { Random } from "../../random.ts";
import { championIds, type MobaData, type Split, turns } from "../data/dataset.ts";
import type { Recommender } from "../evaluate.ts";
import { Perceptron, type Sparse } from "./perceptron.ts";

type Encoder = (data: MobaData, slot: number) => Sparse;

/** Users are told apart by their first row. */
const byUser =
  (users: ReadonlyMap<number, number>): Encoder =>
  (data, slot) => {
    const user = users.get(data.firstAppearance[slot]);
    return user === undefined ? { index: [], value: [] } : { index: [user], value: [1] };
  };

const byPicks: Encoder = (data, slot) => {
  const row = data.appearance[slot];
  const counts = new Map<number, number>();
  for (let r = data.firstAppearance[slot]; r < row; r++) {
    counts.set(data.champion[r], (counts.get(data.champion[r]) ?? 0) + 1);
  }
  const norm = Math.hypot(...counts.values()) || 1;
  return { index: [...counts.keys()], value: Array.from(counts.values(), (n) => n / norm) };
};

export function ncf(data: MobaData, split: Split, seed = 1): Recommender {
  const users = new Map<number, number>();
  for (let i = split.train.from * turns; i < split.train.to * turns; i++) {
    const user = data.firstAppearance[i];
    if (!users.has(user)) users.set(user, users.size);
  }
  return trained("ncf", data, split, byUser(users), users.size, seed);
}

export const dmf = (data: MobaData, split: Split, seed = 1): Recommender =>
  trained("dmf", data, split, byPicks, championIds(data), seed);

function trained(
  name: string,
  data: MobaData,
  { train, valid }: Split,
  encode: Encoder,
  inputs: number,
  seed: number,
): Recommender {
  const ids = championIds(data);
  const net = new Perceptron({ inputs, hidden: 32, outputs: ids, seed, rate: 0.003, weightDecay: 1e-6 });
  const random = new Random(seed, 0x6e6366);
  const parts = [net.first, net.firstBias, net.second, net.secondBias];
  const slots = Array.from({ length: (train.to - train.from) * turns }, (_, i) => train.from * turns + i);
  const gradient = new Float64Array(ids);
  let [least, worse] = [Number.POSITIVE_INFINITY, 0];
  let best = parts.map((part) => part.slice());
  for (let epoch = 0; epoch < 12 && worse < 2; epoch++) {
    for (let i = slots.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [slots[i], slots[j]] = [slots[j], slots[i]];
    }
    slots.forEach((slot, i) => {
      const input = encode(data, slot);
      softmax(net.forward(input), gradient);
      gradient[data.champion[data.appearance[slot]]] -= 1;
      net.backward(input, gradient);
      if ((i + 1) % 128 === 0 || i === slots.length - 1) net.step((i % 128) + 1);
    });
    let loss = 0;
    for (let slot = valid.from * turns; slot < valid.to * turns; slot++) {
      softmax(net.forward(encode(data, slot)), gradient);
      loss -= Math.log(gradient[data.champion[data.appearance[slot]]]);
    }
    if (loss < least) {
      [least, worse] = [loss, 0];
      best = parts.map((part) => part.slice());
    } else worse++;
  }
  parts.forEach((part, i) => {
    part.set(best[i]);
  });
  return {
    name,
    rank: (_, first, count, out) => {
      for (let i = 0; i < count * turns; i++) out.set(net.forward(encode(data, first * turns + i)), i * ids);
    },
  };
}

function softmax(scores: Float64Array, out: Float64Array): void {
  let most = Number.NEGATIVE_INFINITY;
  for (const score of scores) if (score > most) most = score;
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    out[i] = Math.exp(scores[i] - most);
    sum += out[i];
  }
  for (let i = 0; i < scores.length; i++) out[i] /= sum;
}
