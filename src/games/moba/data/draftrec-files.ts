// The files of the DraftRec release: a table of matches whose cells "(user, index)" point into user_history.npy
// [users, matches, features], with categorical_ids.json and feature_to_array_idx.json beside it. Pick order is the one
// in the table; statistics are already z-scored. The files themselves are Riot's and never part of this package.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DraftwrightError } from "../../../errors.ts";
import { numbers, readTable } from "./csv.ts";
import { blue, type MobaData, red, specials, teamOfTurn, turns, win } from "./dataset.ts";
import { NpyFile } from "./npy.ts";

interface Features {
  readonly champion: readonly [number, number];
  readonly role: readonly [number, number];
  readonly team: readonly [number, number];
  readonly ban: readonly [number, number];
  readonly win: readonly [number, number];
  readonly stat: readonly [number, number];
}

/** `path` is a table of matches such as train.csv. Reads only histories that its matches need. Throws `bad-argument`. */
export function readDraftRec(path: string, historyPath = join(dirname(path), "user_history.npy")): MobaData {
  const userColumns = Array.from({ length: turns }, (_, t) => `User${t + 1}`);
  const table = readTable(path, ["time", ...userColumns]);
  const ids = json(join(dirname(path), "categorical_ids.json")) as Record<string, Record<string, number>>;
  const features = json(join(dirname(path), "feature_to_array_idx.json")) as unknown as Features;
  for (const name of ["champion", "role", "team", "ban", "win", "stat"] as const) {
    if (!Array.isArray(features[name])) throw bad(path, `feature_to_array_idx.json lacks "${name}"`);
  }
  if (!ids.champion || !ids.role) throw bad(path, 'categorical_ids.json lacks "champion" or "role"');
  using history = new NpyFile(historyPath);
  const [users, slots, width] = history.shape;
  if (history.shape.length !== 3 || width < features.stat[1]) {
    throw bad(historyPath, `has shape ${history.shape.join(" x ")}, not users x matches x ${features.stat[1]}`);
  }

  const time = numbers(table, "time");
  const order = [...time.keys()].sort((a, b) => time[a] - time[b] || a - b);
  const cells = userColumns.map((name) => table.column(name));
  const pointers = order.map((row) =>
    cells.map((column, t) => {
      const [, user, index] = /^\((\d+),\s*(\d+)\)$/.exec(column[row]) ?? [];
      if (user === undefined || Number(user) >= users || Number(index) >= slots) {
        throw bad(
          path,
          `row ${row + 2}: User${t + 1} is "${column[row]}", not "(user, index)" inside ${users} x ${slots}`,
        );
      }
      return [Number(user), Number(index)] as const;
    }),
  );
  const newest = new Map<number, number>();
  for (const [user, index] of pointers.flat()) newest.set(user, Math.max(index, newest.get(user) ?? 0));
  const first = new Map<number, number>();
  let total = 0;
  for (const [user, index] of newest) {
    first.set(user, total);
    total += index + 1;
  }

  const statNames = orderedNames(ids.stats ?? {}, 0, features.stat[1] - features.stat[0]);
  const championNames = orderedNames(ids.champion, specials);
  const data = {
    champions: championNames.map((key) => ({ key, name: key })),
    roles: orderedNames(ids.role, specials),
    statNames,
    matches: order.length,
    time: Float64Array.from(order, (row) => time[row]),
    blueWin: new Uint8Array(order.length),
    appearance: new Int32Array(order.length * turns),
    firstAppearance: new Int32Array(order.length * turns),
    bans: new Uint16Array(order.length * 10),
    champion: new Uint16Array(total),
    role: new Uint8Array(total),
    team: new Uint8Array(total),
    outcome: new Uint8Array(total),
    stats: new Float32Array(total * statNames.length),
    skipped: {},
  };
  const bansOfRow = new Map<number, Float32Array>();
  const wanted = new Set(pointers.map(([[user, index]]) => (first.get(user) as number) + index));
  for (const [user, index] of newest) {
    const block = history.read(user * slots * width, (index + 1) * width);
    for (let i = 0; i <= index; i++) {
      const row = (first.get(user) as number) + i;
      const cell = block.subarray(i * width, (i + 1) * width);
      data.champion[row] = cell[features.champion[0]];
      data.role[row] = cell[features.role[0]];
      data.team[row] = cell[features.team[0]];
      data.outcome[row] = cell[features.win[0]];
      data.stats.set(cell.subarray(features.stat[0], features.stat[0] + statNames.length), row * statNames.length);
      if (wanted.has(row)) bansOfRow.set(row, cell.slice(...features.ban));
    }
  }
  pointers.forEach((match, m) => {
    match.forEach(([user, index], t) => {
      const row = (first.get(user) as number) + index;
      data.appearance[m * turns + t] = row;
      data.firstAppearance[m * turns + t] = first.get(user) as number;
      if (data.champion[row] < specials || data.team[row] !== teamOfTurn[t]) {
        throw bad(
          path,
          `row ${order[m] + 2}: the history of User${t + 1} has champion ${data.champion[row]} and team ${data.team[row]} there; teams in pick order are ${blue} and ${red} as 1-2-2-2-2-1. Do the table and ${historyPath} belong together?`,
        );
      }
    });
    const own = data.appearance[m * turns];
    data.blueWin[m] = Number(data.outcome[own] === win);
    const bans = bansOfRow.get(own) as Float32Array;
    data.bans.set(bans.subarray(0, 10), m * 10);
  });
  return data;
}

function orderedNames(ids: Record<string, number>, from: number, count = Object.keys(ids).length - from): string[] {
  const names = Array.from({ length: count }, (_, i) => String(i));
  for (const [name, id] of Object.entries(ids)) if (id >= from && id - from < count) names[id - from] = name;
  return names;
}

function json(path: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new DraftwrightError(
      "bad-argument",
      `Cannot read ${path}: ${(cause as Error).message}. The DraftRec release has it beside the table of matches.`,
      { cause },
    );
  }
}

const bad = (path: string, what: string) => new DraftwrightError("bad-argument", `${path}: ${what}.`);
