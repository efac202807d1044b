// Professional Dota 2 matches as OpenDota's explorer exports them: one row a player, ten rows a match, the winners' flag
// on each row. Row order inside a team is that of the player slots, not an order of picks.
import { DraftwrightError } from "../../../errors.ts";
import { numbers, readTable } from "./csv.ts";
import { dataOf, type MatchRecord, type MobaData, specials, turnsOfTeam } from "./dataset.ts";
import { dotaHeroes } from "./heroes.ts";

export const dotaChampions = [...dotaHeroes].map(([id, name]) => ({ key: String(id), name }));
const idOfHero = new Map(dotaChampions.map(({ key }, i) => [Number(key), specials + i]));

/** Id in the champion vocabulary; `undefined` for a hero id that is not in the table. */
export const dotaChampion = (hero: number): number | undefined => idOfHero.get(hero);

/** Reads match_id, start_time, win, hero_id, account_id. Throws `bad-argument` for anything that is not ten players, five winning. */
export function readOpenDota(path: string): MobaData {
  const table = readTable(path, ["match_id", "start_time", "win", "hero_id", "account_id"]);
  const ids = table.column("match_id");
  const time = numbers(table, "start_time");
  const hero = numbers(table, "hero_id");
  const won = table.column("win").map((cell, i) => truth(cell, `${path}, row ${i + 2}: win`));
  const account = table.column("account_id");
  const records: MatchRecord[] = [];
  const skipped: Record<string, number> = {};
  for (const [id, rows] of groups(ids)) {
    const teams = [rows.filter((i) => won[i] === won[rows[0]]), rows.filter((i) => won[i] !== won[rows[0]])];
    if (teams.some((team) => team.length !== 5)) {
      throw new DraftwrightError(
        "bad-argument",
        `${path}: match ${id} has ${teams[0].length} players on one side and ${teams[1].length} on the other, not 5 and 5. Remove it or export it again.`,
      );
    }
    const players = playersOf(teams, (i) => ({ user: userOf(account[i]), champion: dotaChampion(hero[i]) }));
    if (!players) count(skipped, "a hero id that is not in the table");
    else records.push({ id, time: time[rows[0]], blueWin: won[rows[0]], players });
  }
  return dataOf(records, { champions: dotaChampions, roles: [], statNames: [] }, skipped);
}

export const count = (counts: Record<string, number>, reason: string) => {
  counts[reason] = (counts[reason] ?? 0) + 1;
};

/** 0, 4294967295 and nothing stand for players who hide. */
export const userOf = (account: string): string | undefined =>
  account === "" || account === "0" || account === "4294967295" ? undefined : account;

type Player = MatchRecord["players"][number];

/** Rows of two teams into pick order; `undefined` when a champion is not known. */
export function playersOf(
  teams: readonly (readonly number[])[],
  of: (row: number) => Omit<Player, "champion"> & { champion: number | undefined },
): Player[] | undefined {
  const players: Player[] = [];
  for (const [team, turnsOf] of [turnsOfTeam.blue, turnsOfTeam.red].entries()) {
    for (const [k, turn] of turnsOf.entries()) {
      const { champion, ...player } = of(teams[team][k]);
      if (champion === undefined) return undefined;
      players[turn] = { ...player, champion };
    }
  }
  return players;
}

/** Row numbers by value, in order of first appearance. */
export function groups(values: readonly string[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  values.forEach((value, i) => {
    const rows = found.get(value);
    if (rows) rows.push(i);
    else found.set(value, [i]);
  });
  return found;
}

export function truth(cell: string, where: string): boolean {
  if (/^(true|t|1)$/i.test(cell)) return true;
  if (/^(false|f|0)$/i.test(cell)) return false;
  throw new DraftwrightError("bad-argument", `${where} is "${cell}", not true or false.`);
}
