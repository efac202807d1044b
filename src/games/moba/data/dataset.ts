// Matches as columns. Everything a player ever did is one row of the appearance table (users one after another, each in
// order of time); a match names ten of these rows in pick order, and a player's history is what stands before its row.
// No account id is kept: users are only ranges of rows.
import { DraftwrightError } from "../../../errors.ts";

/** Ids below `specials` are no champions, roles, teams or outcomes. The order is that of DraftRec's files. */
export const pad = 0;
export const unknown = 3;
export const specials = 4;
export const blue = 4;
export const red = 5;
export const loss = 4;
export const win = 5;
/** Picks of a match. */
export const turns = 10;
/** Team by turn: 1-2-2-2-2-1, as in ranked drafts of League of Legends. */
export const teamOfTurn: readonly number[] = [blue, red, red, blue, blue, red, red, blue, blue, red];
/** Turns of the k-th pick of each team. */
export const turnsOfTeam = { blue: [0, 3, 4, 7, 8], red: [1, 2, 5, 6, 9] } as const;

export interface Champion {
  /** Id in the source's own numbering. */
  readonly key: string;
  readonly name: string;
}

export interface MobaData {
  /** Champion i has id `specials + i`. */
  readonly champions: readonly Champion[];
  /** Role i has id `specials + i`; empty where roles are not known. */
  readonly roles: readonly string[];
  readonly statNames: readonly string[];
  readonly matches: number;
  /** [matches] rising, in the source's unit. */
  readonly time: Float64Array;
  /** [matches] 1 when blue won. */
  readonly blueWin: Uint8Array;
  /** [matches, turns] row of the appearance table. */
  readonly appearance: Int32Array;
  /** [matches, turns] first row of the same user. */
  readonly firstAppearance: Int32Array;
  /** [matches, 10] champion ids; `pad` where unknown. */
  readonly bans: Uint16Array;
  /** [appearances] ids. */
  readonly champion: Uint16Array;
  readonly role: Uint8Array;
  readonly team: Uint8Array;
  readonly outcome: Uint8Array;
  /** [appearances, stats] */
  readonly stats: Float32Array;
  /** What the reader left out, and why. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** Size of the champion vocabulary, specials included. */
export const championIds = (data: Pick<MobaData, "champions">): number => specials + data.champions.length;

export const championAt = (data: MobaData, match: number, turn: number): number =>
  data.champion[data.appearance[match * turns + turn]];

/** One match as a reader finds it, in pick order. */
export interface MatchRecord {
  readonly id: string;
  readonly time: number;
  readonly blueWin: boolean;
  readonly bans?: readonly number[];
  readonly players: readonly {
    /** `undefined`: anonymous, without history. */
    readonly user: string | undefined;
    readonly champion: number;
    readonly role?: number;
    readonly stats?: ArrayLike<number>;
  }[];
}

/** Builds the columns from matches in any order; histories are what the matches themselves hold. Throws `bad-argument` for none. */
export function dataOf(
  records: readonly MatchRecord[],
  names: Pick<MobaData, "champions" | "roles" | "statNames">,
  skipped: Record<string, number> = {},
): MobaData {
  if (records.length === 0) {
    throw new DraftwrightError("bad-argument", "The file holds no complete match. Check that it is the right file.");
  }
  const sorted = [...records].sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const rows = new Map<string, number>();
  const userOf = (user: string | undefined, at: number) => user ?? `?${at}`;
  sorted.forEach(({ players }, m) => {
    players.forEach(({ user }, t) => {
      const key = userOf(user, m * turns + t);
      rows.set(key, (rows.get(key) ?? 0) + 1);
    });
  });
  const first = new Map<string, number>();
  let total = 0;
  for (const [user, count] of rows) {
    first.set(user, total);
    total += count;
  }
  const width = names.statNames.length;
  const data = {
    ...names,
    matches: sorted.length,
    time: Float64Array.from(sorted, ({ time }) => time),
    blueWin: Uint8Array.from(sorted, ({ blueWin }) => Number(blueWin)),
    appearance: new Int32Array(sorted.length * turns),
    firstAppearance: new Int32Array(sorted.length * turns),
    bans: new Uint16Array(sorted.length * 10),
    champion: new Uint16Array(total),
    role: new Uint8Array(total),
    team: new Uint8Array(total),
    outcome: new Uint8Array(total),
    stats: new Float32Array(total * width),
    skipped,
  };
  const next = new Map(first);
  sorted.forEach(({ players, bans, blueWin }, m) => {
    data.bans.set(bans ?? [], m * 10);
    players.forEach(({ user, champion, role, stats }, t) => {
      const key = userOf(user, m * turns + t);
      const row = next.get(key) as number;
      next.set(key, row + 1);
      const team = teamOfTurn[t];
      data.appearance[m * turns + t] = row;
      data.firstAppearance[m * turns + t] = first.get(key) as number;
      data.champion[row] = champion;
      data.role[row] = role ?? pad;
      data.team[row] = team;
      data.outcome[row] = (team === blue) === blueWin ? win : loss;
      if (stats) data.stats.set(stats, row * width);
    });
  });
  return data;
}

/** Matches `from` (included) to `to` (not included). */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Split {
  readonly train: Range;
  /** The newest of the matches before the test, for choosing a checkpoint. */
  readonly valid: Range;
  readonly test: Range;
}

/** The newest `testShare` of the matches are the test, or all from `testFrom` on. Throws `bad-argument` when a part is empty. */
export function splitByTime(
  data: Pick<MobaData, "matches" | "time">,
  { testShare = 0.2, validShare = 0.1, testFrom }: { testShare?: number; validShare?: number; testFrom?: number } = {},
): Split {
  let test = Math.floor(data.matches * (1 - testShare));
  if (testFrom !== undefined) {
    test = data.time.findIndex((time) => time >= testFrom);
    if (test < 0) test = data.matches;
  }
  const valid = Math.floor(test * (1 - validShare));
  const split = {
    train: { from: 0, to: valid },
    valid: { from: valid, to: test },
    test: { from: test, to: data.matches },
  };
  for (const [name, { from, to }] of Object.entries(split)) {
    if (to > from) continue;
    throw new DraftwrightError(
      "bad-argument",
      `The ${name} part of the split is empty: ${data.matches} matches from ${data.time[0]} to ${data.time[data.matches - 1]}. Choose another --test-from or more data.`,
    );
  }
  return split;
}
