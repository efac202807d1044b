// Recommenders that only count: popularity, a player's own picks topped up with popularity, and players' shares of wins.
import { championAt, championIds, type MobaData, type Range, turns } from "../data/dataset.ts";
import { fitFormWeight, formOf } from "../draftrec/form.ts";
import type { Recommender } from "../evaluate.ts";

/** Share of all picks of `range` [champion ids]. */
export function pickShares(data: MobaData, { from, to }: Range): Float64Array {
  const shares = new Float64Array(championIds(data));
  for (let m = from; m < to; m++)
    for (let t = 0; t < turns; t++) shares[championAt(data, m, t)] += 1 / ((to - from) * turns);
  return shares;
}

export function popularity(data: MobaData, train: Range): Recommender {
  const shares = pickShares(data, train);
  return {
    name: "pop",
    rank: (_, __, count, out) => {
      for (let i = 0; i < count * turns; i++) out.set(shares, i * shares.length);
    },
  };
}

/** How many picks the popularity is worth beside the player's own. */
export const popularityPicks = 8;

/** Own picks (of the last `latest` matches) + 8 x popularity share. */
export function personal(data: MobaData, train: Range, latest = Number.POSITIVE_INFINITY): Recommender {
  const base = pickShares(data, train).map((share) => share * popularityPicks);
  return {
    name: Number.isFinite(latest) ? `recent${latest}+pop` : "personal+pop",
    rank: (data, first, count, out) => {
      for (let i = 0; i < count * turns; i++) {
        const at = i * base.length;
        out.set(base, at);
        const row = data.appearance[first * turns + i];
        const begin = Math.max(data.firstAppearance[first * turns + i], row - latest);
        for (let r = begin; r < row; r++) out[at + data.champion[r]]++;
      }
    },
  };
}

/** The winner from the players' earlier wins alone, whatever they pick: one weight and the advantage of a side. */
export function form(data: MobaData, { from, to }: Range): Recommender {
  const at = (m: number) =>
    formOf(
      Array.from({ length: turns }, (_, t) => {
        const slot = m * turns + t;
        return { outcome: data.outcome.subarray(data.firstAppearance[slot], data.appearance[slot]) };
      }),
    );
  const blueWin = data.blueWin.subarray(from, to);
  const wins = blueWin.reduce((sum, won) => sum + won, 0);
  const side = Math.log((wins + 1) / (blueWin.length - wins + 1));
  const weight = fitFormWeight(
    Array.from(blueWin, (_, m) => at(from + m)),
    new Float64Array(blueWin.length).fill(side),
    blueWin,
  );
  return {
    name: "form",
    predict: (_, first, count, out) => {
      for (let m = 0; m < count; m++) out[m] = 1 / (1 + Math.exp(-(side + weight * at(first + m))));
    },
  };
}
