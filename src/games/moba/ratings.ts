// What a draft is worth by counting: wins of champions, of pairs in one team, of pairs against each other, drawn to the
// expected by games that were never played. As in DraftGap, ratings are on Elo's scale, so that they can be added; unlike
// there, each carries the interval that its number of games allows.
import { blue, championAt, type MobaData, type Range, specials, teamOfTurn, turns } from "./data/dataset.ts";

/** Counts by champion index (not id): [champions], [champions, champions]. */
export interface Ratings {
  readonly champions: number;
  readonly games: Uint32Array;
  readonly wins: Uint32Array;
  readonly duoGames: Uint32Array;
  readonly duoWins: Uint32Array;
  /** Row beats column. */
  readonly versusGames: Uint32Array;
  readonly versusWins: Uint32Array;
}

export function countRatings(data: MobaData, { from, to }: Range): Ratings {
  const n = data.champions.length;
  const ratings = emptyRatings(n);
  for (let m = from; m < to; m++) {
    for (let t = 0; t < turns; t++) {
      const a = championAt(data, m, t) - specials;
      if (a < 0) continue;
      const won = Number((teamOfTurn[t] === blue) === (data.blueWin[m] === 1));
      ratings.games[a]++;
      ratings.wins[a] += won;
      for (let o = 0; o < turns; o++) {
        const b = championAt(data, m, o) - specials;
        if (o === t || b < 0) continue;
        const together = teamOfTurn[o] === teamOfTurn[t];
        (together ? ratings.duoGames : ratings.versusGames)[a * n + b]++;
        (together ? ratings.duoWins : ratings.versusWins)[a * n + b] += won;
      }
    }
  }
  return ratings;
}

export const emptyRatings = (n: number): Ratings => ({
  champions: n,
  games: new Uint32Array(n),
  wins: new Uint32Array(n),
  duoGames: new Uint32Array(n * n),
  duoWins: new Uint32Array(n * n),
  versusGames: new Uint32Array(n * n),
  versusWins: new Uint32Array(n * n),
});

/** Elo points, with half a 95 % interval. */
export interface Rating {
  readonly points: number;
  readonly margin: number;
  readonly games: number;
}

/** Games at even odds that a count is mixed with: the more, the more it takes to believe. */
export const priorGames = { champion: 50, pair: 100 } as const;
const eloPerLogit = 400 / Math.LN10;
const logit = (p: number) => Math.log(p / (1 - p));

function rating(wins: number, games: number, prior: number, expected: number): Rating {
  const p = (wins + prior * expected) / (games + prior);
  const points = eloPerLogit * (logit(p) - logit(expected));
  // Delta method on the log odds of a beta posterior.
  const margin = (1.96 * eloPerLogit) / Math.sqrt((games + prior + 1) * p * (1 - p));
  return { points, margin, games };
}

export const strengthOf = (r: Ratings, a: number): Rating => rating(r.wins[a], r.games[a], priorGames.champion, 0.5);

const chance = (points: number) => 1 / (1 + 10 ** (-points / 400));

/** What a and b win together beyond their strengths. */
export function synergyOf(r: Ratings, a: number, b: number): Rating {
  const expected = chance(strengthOf(r, a).points + strengthOf(r, b).points);
  const at = a * r.champions + b;
  return rating(r.duoWins[at], r.duoGames[at], priorGames.pair, expected);
}

/** What a wins against b beyond their strengths. */
export function counterOf(r: Ratings, a: number, b: number): Rating {
  const expected = chance(strengthOf(r, a).points - strengthOf(r, b).points);
  const at = a * r.champions + b;
  return rating(r.versusWins[at], r.versusGames[at], priorGames.pair, expected);
}

const parts = ["games", "wins", "duoGames", "duoWins", "versusGames", "versusWins"] as const;

/** Base64 of all counts as 16-bit numbers; larger ones are cut to 65,535. */
export function encodeRatings(ratings: Ratings): string {
  return parts
    .map((part) => Buffer.from(Uint16Array.from(ratings[part], (x) => Math.min(65535, x)).buffer).toString("base64"))
    .join(" ");
}

export function decodeRatings(text: string, champions: number): Ratings {
  const ratings = emptyRatings(champions);
  text.split(" ").forEach((part, i) => {
    const bytes = Buffer.from(part, "base64");
    ratings[parts[i]].set(new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)));
  });
  return ratings;
}
