// Kaggle's "dota-2-matches" (50,000 public matches of November 2015): players.csv, with match.csv beside it. Most accounts
// are anonymous (0) and have no history. Slots 0-4 are Radiant, 128-132 Dire.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { DraftwrightError } from "../../../errors.ts";
import { numbers, readTable } from "./csv.ts";
import { dataOf, type MatchRecord, type MobaData } from "./dataset.ts";
import { count, dotaChampion, dotaChampions, groups, playersOf, truth, userOf } from "./opendota.ts";

/** Columns that become statistics of an appearance; rates a minute where the game counts totals. */
const rates = ["last_hits", "denies", "hero_damage", "hero_healing", "tower_damage"];
const plain = ["gold_per_min", "xp_per_min", "kills", "deaths", "assists", "level"];

/** `path` is players.csv. Throws `bad-argument` for a missing match.csv or bad cells. */
export function readKaggle(path: string): MobaData {
  const matchPath = join(dirname(path), "match.csv");
  if (!existsSync(matchPath)) {
    throw new DraftwrightError(
      "bad-argument",
      `${matchPath} is missing: it has the start times and winners. Put Kaggle's match.csv beside players.csv.`,
    );
  }
  const players = readTable(path, ["match_id", "account_id", "hero_id", "player_slot", ...plain, ...rates]);
  const matches = readTable(matchPath, ["match_id", "start_time", "duration", "radiant_win"]);
  const start = numbers(matches, "start_time");
  const duration = numbers(matches, "duration");
  const winner = matches.column("radiant_win").map((cell, i) => truth(cell, `${matchPath}, row ${i + 2}: radiant_win`));
  const rowOfMatch = new Map(matches.column("match_id").map((id, i) => [id, i]));
  const hero = numbers(players, "hero_id");
  const slot = numbers(players, "player_slot");
  const account = players.column("account_id");
  const columns = new Map([...plain, ...rates].map((name) => [name, numbers(players, name, 0)]));
  const records: MatchRecord[] = [];
  const skipped: Record<string, number> = {};
  for (const [id, rows] of groups(players.column("match_id"))) {
    const at = rowOfMatch.get(id);
    const teams = [rows.filter((i) => slot[i] < 128), rows.filter((i) => slot[i] >= 128)];
    if (at === undefined) {
      count(skipped, "not in match.csv");
      continue;
    }
    if (teams.some((team) => team.length !== 5)) {
      count(skipped, "not five players a side");
      continue;
    }
    const minutes = Math.max(1, duration[at] / 60);
    const stats = (i: number) => [
      ...plain.map((name) => columns.get(name)![i]),
      ...rates.map((name) => columns.get(name)![i] / minutes),
    ];
    const found = playersOf(teams, (i) => ({
      user: userOf(account[i]),
      champion: dotaChampion(hero[i]),
      stats: stats(i),
    }));
    if (!found) count(skipped, "a player without a hero");
    else records.push({ id, time: start[at], blueWin: winner[at], players: found });
  }
  return dataOf(records, { champions: dotaChampions, roles: [], statNames: [...plain, ...rates] }, skipped);
}
