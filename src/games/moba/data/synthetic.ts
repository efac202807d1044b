// Matches drawn from a model whose probabilities are known, so that a learner can be measured against the optimum.
// Latents: champions have a strength, a vector and an affinity to each role; users have a main role, a pool with weights,
// a skill, a skill on each champion, and a habit of repeating. The constants below are set so that the figures of LoL
// ranked matches come out (docs/moba.md has both): repeats, favourites, blue's share, lengths of histories, and how far
// the best possible prediction of the winner gets.
import { DraftwrightError } from "../../../errors.ts";
import { Random } from "../../random.ts";
import {
  blue,
  dataOf,
  type MatchRecord,
  type MobaData,
  pad,
  specials,
  teamOfTurn,
  turns,
  turnsOfTeam,
} from "./dataset.ts";

export interface SyntheticOptions {
  readonly matches: number;
  readonly seed: number;
  readonly champions?: number;
  /** Default: one user for every 120 picks, which gives histories as long as LoL's at 20,000 matches. */
  readonly users?: number;
  /** Matches played before the first one that is handed out; they only fill histories. Default: a quarter. */
  readonly earlier?: number;
}

export interface Synthetic {
  readonly data: MobaData;
  /** [matches] the true chance that blue wins, given everything, picks included. */
  readonly blueChance: Float64Array;
  /** [matches, turns, champion ids] true chance of each champion at each turn, given all that was visible, latents included. */
  readonly pickChance: Float32Array;
}

const roles = ["TOP", "JUNGLE", "MIDDLE", "DUO_CARRY", "DUO_SUPPORT"];
const statCount = 8;
const dimensions = 4;
const stickiness = 0.52;
const teamwork = 3;
const exploration = 0.15;
const sideEdge = 0.016;

interface User {
  readonly main: number;
  readonly skill: number;
  readonly weight: Float64Array;
  readonly mastery: Float64Array;
  last: number;
  readonly activity: number;
}

/** Everything is decided by the seed. Throws `bad-argument` for fewer than 30 champions or 20 users. */
export function synthesise(options: SyntheticOptions): Synthetic {
  const { matches, seed, champions = 100 } = options;
  const earlier = options.earlier ?? Math.ceil(matches / 4);
  const userCount = options.users ?? Math.max(20, Math.round(((matches + earlier) * turns) / 120));
  if (!(matches >= 1) || champions < 30 || userCount < 20) {
    throw new DraftwrightError("bad-argument", "A synthetic draft needs 1 match, 30 champions and 20 users at least.");
  }
  const ids = specials + champions;
  if (matches * turns * ids > 2 ** 31) {
    throw new DraftwrightError(
      "bad-argument",
      `${matches} matches of ${champions} champions do not fit into memory. Draw fewer.`,
    );
  }
  const random = new Random(seed, 0x6d6f);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  const world = makeWorld(champions, random, normal);
  const users = Array.from({ length: userCount }, () => makeUser(world, random, normal));
  const ladder = runningShares(users.map(({ activity }) => activity));

  const blueChance = new Float64Array(matches);
  const pickChance = new Float32Array(matches * turns * ids);
  const records: MatchRecord[] = [];
  const chance = new Float64Array(champions);
  for (let m = -earlier; m < matches; m++) {
    const present = new Set<number>();
    while (present.size < turns) {
      const x = random.next();
      let lo = 0;
      let hi = userCount - 1;
      while (lo < hi) {
        const middle = (lo + hi) >> 1;
        if (ladder[middle] < x) lo = middle + 1;
        else hi = middle;
      }
      present.add(lo);
    }
    const seats = [...present];
    const role = assignRoles(seats, users, random);
    const taken = new Set<number>();
    const bans = drawBans(world, random, taken);
    const picks: number[] = [];
    for (let t = 0; t < turns; t++) {
      pickChances(world, users[seats[t]], role[t], t, picks, taken, chance);
      if (m >= 0) for (let c = 0; c < champions; c++) pickChance[(m * turns + t) * ids + specials + c] = chance[c];
      const pick = sample(chance, random);
      picks.push(pick);
      taken.add(pick);
    }
    const p = 1 / (1 + Math.exp(-matchLogit(world, users, seats, picks)));
    const blueWin = random.next() < p;
    if (m >= 0) blueChance[m] = p;
    const players = seats.map((seat, t) => {
      const user = users[seat];
      user.last = picks[t];
      const won = (teamOfTurn[t] === blue) === blueWin;
      const stats = Float32Array.from(
        { length: statCount },
        (_, i) => 2 * world.vector[picks[t]][i % dimensions] + 2 * user.skill + (won ? 0.5 : -0.5) + 0.7 * normal(),
      );
      return { user: String(seat), champion: specials + picks[t], role: specials + role[t], stats };
    });
    records.push({
      id: String(m + earlier).padStart(9, "0"),
      time: m,
      blueWin,
      bans: bans.map((ban) => specials + ban),
      players,
    });
  }
  const all = dataOf(records, {
    champions: Array.from({ length: champions }, (_, i) => ({ key: String(i), name: `champion-${i}` })),
    roles,
    statNames: Array.from({ length: statCount }, (_, i) => `stat-${i}`),
  });
  return { data: withoutFirst(all, earlier), blueChance, pickChance };
}

function runningShares(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight) => {
    sum += weight;
    return sum / total;
  });
}

interface World {
  readonly champions: number;
  readonly strength: Float64Array;
  readonly vector: readonly Float64Array[];
  /** [role][champion] */
  readonly affinity: readonly Float64Array[];
}

function makeWorld(champions: number, random: Random, normal: () => number): World {
  const affinity = roles.map(() => new Float64Array(champions).fill(0.002));
  for (let c = 0; c < champions; c++) {
    // Most champions have one role, as the role shares of LoL say; some have a second.
    affinity[c % roles.length][c] = 1;
    if (random.next() < 0.3) affinity[random.below(roles.length)][c] += 0.25;
  }
  return {
    champions,
    strength: Float64Array.from({ length: champions }, () => 0.07 * normal()),
    vector: Array.from({ length: champions }, () => Float64Array.from({ length: dimensions }, () => 0.135 * normal())),
    affinity,
  };
}

function makeUser(world: World, random: Random, normal: () => number): User {
  const main = random.below(roles.length);
  const weight = new Float64Array(world.champions);
  const mastery = new Float64Array(world.champions);
  const size = 5 + random.below(11);
  for (let i = 0; i < size; i++) {
    const role = random.next() < 0.8 ? main : random.below(roles.length);
    const c = sample(world.affinity[role], random);
    // Powers of exponential weights: a pool with a few favourites.
    weight[c] += (-Math.log(1 - random.next())) ** 1.5;
  }
  const sum = weight.reduce((total, w) => total + w, 0);
  for (let c = 0; c < world.champions; c++) {
    // Practice makes better: what is played most is played best.
    if (weight[c] > 0) mastery[c] = 0.6 * (weight[c] / sum) + 0.04 * normal();
    weight[c] = weight[c] / sum + exploration / world.champions;
  }
  return { main, skill: 0.08 * normal(), weight, mastery, last: -1, activity: Math.exp(0.85 * normal()) };
}

function assignRoles(seats: readonly number[], users: readonly User[], random: Random): number[] {
  const role: number[] = [];
  for (const team of [turnsOfTeam.blue, turnsOfTeam.red]) {
    const free = new Set(roles.keys());
    const waiting = [...team]
      .sort(() => random.next() - 0.5)
      .filter((t) => {
        const { main } = users[seats[t]];
        if (!free.delete(main)) return true;
        role[t] = main;
        return false;
      });
    for (const t of waiting) {
      const [next] = free;
      role[t] = next;
      free.delete(next);
    }
  }
  return role;
}

function drawBans(world: World, random: Random, taken: Set<number>): number[] {
  const wish = world.strength.map((s) => Math.exp(8 * s));
  return Array.from({ length: 10 }, () => {
    for (const c of taken) wish[c] = 0;
    const ban = sample(wish, random);
    taken.add(ban);
    return ban;
  });
}

/** Chances of every champion at turn `t`: repeat the last one where it is free and fits the role, else pool x role x what the team gains. */
function pickChances(
  world: World,
  user: User,
  role: number,
  t: number,
  picks: readonly number[],
  taken: ReadonlySet<number>,
  out: Float64Array,
): void {
  let sum = 0;
  for (let c = 0; c < world.champions; c++) {
    out[c] = taken.has(c)
      ? 0
      : user.weight[c] * world.affinity[role][c] * Math.exp(teamwork * gain(world, user, c, t, picks));
    sum += out[c];
  }
  const { last } = user;
  const rho = last >= 0 && !taken.has(last) && world.affinity[role][last] > 0.1 ? stickiness : 0;
  for (let c = 0; c < world.champions; c++) out[c] *= (1 - rho) / sum;
  if (rho > 0) out[last] += rho;
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i], 0);
/** How well a plays against b; changes sign when they change places. */
const against = (a: Float64Array, b: Float64Array) => a[0] * b[1] - a[1] * b[0] + a[2] * b[3] - a[3] * b[2];

function gain(world: World, user: User, c: number, t: number, picks: readonly number[]): number {
  let value = world.strength[c] + user.mastery[c];
  picks.forEach((other, i) => {
    value +=
      teamOfTurn[i] === teamOfTurn[t]
        ? dot(world.vector[c], world.vector[other])
        : against(world.vector[c], world.vector[other]);
  });
  return value;
}

function matchLogit(world: World, users: readonly User[], seats: readonly number[], picks: readonly number[]): number {
  let value = 0;
  for (let t = 0; t < turns; t++) {
    const sign = teamOfTurn[t] === blue ? 1 : -1;
    const user = users[seats[t]];
    value += sign * (user.skill + user.mastery[picks[t]] + world.strength[picks[t]]);
    for (let o = 0; o < t; o++) {
      const [a, b] = [world.vector[picks[t]], world.vector[picks[o]]];
      value += sign * (teamOfTurn[o] === teamOfTurn[t] ? dot(a, b) : against(a, b));
    }
  }
  return sideEdge + value;
}

function sample(weights: ArrayLike<number>, random: Random): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i];
  let x = random.next() * sum;
  for (let i = 0; i < weights.length; i++) {
    x -= weights[i];
    if (x < 0) return i;
  }
  return weights.length - 1;
}

/** Takes the first matches off the list; their rows stay in the histories. */
function withoutFirst(data: MobaData, count: number): MobaData {
  return {
    ...data,
    matches: data.matches - count,
    time: data.time.slice(count),
    blueWin: data.blueWin.slice(count),
    appearance: data.appearance.slice(count * turns),
    firstAppearance: data.firstAppearance.slice(count * turns),
    bans: data.bans.slice(count * 10),
  };
}

/** The figures that the constants above are set by. */
export interface DraftFigures {
  readonly repeatsLast: number;
  readonly picksFavourite: number;
  readonly favouriteWinRate: number;
  readonly otherWinRate: number;
  readonly blueWinRate: number;
  /** Lengths of histories at 5, 25, 50, 75 and 95 %. */
  readonly historyQuantiles: readonly number[];
}

/** Measured on any data, so that a generator can be set beside a file. */
export function draftFigures(data: MobaData): DraftFigures {
  let [slots, repeats, favourites, favouriteWins, otherWins] = [0, 0, 0, 0, 0];
  const lengths: number[] = [];
  for (let i = 0; i < data.matches * turns; i++) {
    const row = data.appearance[i];
    const length = row - data.firstAppearance[i];
    lengths.push(length);
    if (length < 10) continue;
    const recent = data.champion.subarray(row - 10, row);
    const favourite = mostFrequent(recent);
    slots++;
    if (recent[9] === data.champion[row]) repeats++;
    const won = Number(data.outcome[row] === 5);
    if (favourite === data.champion[row]) {
      favourites++;
      favouriteWins += won;
    } else otherWins += won;
  }
  lengths.sort((a, b) => a - b);
  return {
    repeatsLast: repeats / slots,
    picksFavourite: favourites / slots,
    favouriteWinRate: favouriteWins / favourites,
    otherWinRate: otherWins / (slots - favourites),
    blueWinRate: data.blueWin.reduce((sum, x) => sum + x, 0) / data.matches,
    historyQuantiles: [0.05, 0.25, 0.5, 0.75, 0.95].map((q) => lengths[Math.floor(q * (lengths.length - 1))]),
  };
}

function mostFrequent(ids: Uint16Array): number {
  const counts = new Map<number, number>();
  for (const id of ids) if (id !== pad) counts.set(id, (counts.get(id) ?? 0) + 1);
  // Of equal counts the one seen last.
  let best = pad;
  for (const id of ids) if ((counts.get(id) ?? 0) >= (counts.get(best) ?? 0)) best = id;
  return best;
}
