import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { championAt, splitByTime, teamOfTurn, turns } from "./dataset.ts";
import { readDraftRec } from "./draftrec-files.ts";
import { readKaggle } from "./kaggle.ts";
import { dotaChampion, readOpenDota } from "./opendota.ts";
import { readMatches } from "./read.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-moba-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const header = "match_id,start_time,win,hero_id,account_id,leaguename";
/** Ten rows: heroes first..first+9, accounts 1..10, the first five win. */
const match = (id: number, time: number, first = 1, account = (i: number) => i + 1) =>
  Array.from({ length: 10 }, (_, i) => `${id},${time},${i < 5},${first + i},${account(i)},"a, ""b"""`).join("\n");

describe("OpenDota", () => {
  test("order of time, pick order, histories strictly before", () => {
    const file = write("a.csv", [header, match(7, 300, 3), match(5, 100), match(6, 200, 2)].join("\n"));
    const data = readOpenDota(file);
    expect([data.matches, ...data.time]).toEqual([3, 100, 200, 300]);
    // Rows 0 and 5 are the first picks of their teams: turns 0 and 1.
    expect([championAt(data, 0, 0), championAt(data, 0, 1)]).toEqual([dotaChampion(1), dotaChampion(6)]);
    const past = (m: number, t: number) =>
      Array.from(data.champion.subarray(data.firstAppearance[m * turns + t], data.appearance[m * turns + t]));
    expect(past(0, 0)).toEqual([]);
    expect(past(2, 0)).toEqual([dotaChampion(1), dotaChampion(2)]);
    expect(Array.from(data.blueWin)).toEqual([1, 1, 1]);
  });

  test("anonymous players have no history and are nobody's", () => {
    const file = write("b.csv", [header, match(1, 1, 1, () => 0), match(2, 2, 1, () => 0)].join("\n"));
    const data = readOpenDota(file);
    expect(data.appearance).toEqual(data.firstAppearance);
    expect(new Set(data.appearance).size).toBe(20);
  });

  test.each([
    ["nine players", match(1, 1).split("\n").slice(1).join("\n"), /4 players on one side and 5/],
    ["no number", match(1, 1).replace("1,1,true,1,", "1,1,true,x,"), /row 2: hero_id is "x"/],
    ["no truth", match(1, 1).replace("true", "maybe"), /row 2: win is "maybe"/],
    ["another width", `${match(1, 1)},9`, /cut short/],
    ["nothing", "", /no complete match/],
  ])("%s is refused with its place", (name, rows, message) => {
    expect(() => readOpenDota(write(`${name}.csv`, `${header}\n${rows}`))).toThrow(message);
  });

  test("a missing file, column or format says so", () => {
    expect(() => readOpenDota(join(folder, "none.csv"))).toThrow(/Cannot read/);
    expect(() => readOpenDota(write("c.csv", "a,b\n1,2\n"))).toThrow(/no column "match_id".*--format/);
    for (const format of ["riot", "constructor"]) {
      expect(() => readMatches("x", format)).toThrow(/opendota, draftrec, kaggle, synthetic/);
    }
  });

  test.each(["{}", "null", '{"matches":9,"seed":1,"champions":"x"}', '{"matches":1.5,"seed":1}'])(
    "%s draws nothing",
    (text) => {
      expect(() => readMatches(write("drawn.json", text), "synthetic")).toThrow(/describes no synthetic matches/);
    },
  );

  const beside = new URL("../../../../../shared/data/games/opendota_pro_matches.csv", import.meta.url);
  const shared = process.env.DRAFTWRIGHT_OPENDOTA ?? fileURLToPath(beside);
  if (!existsSync(shared)) console.log("skipped: no file of professional matches; DRAFTWRIGHT_OPENDOTA names one");
  test.skipIf(!existsSync(shared))("a file of professional matches reads whole", () => {
    const data = readOpenDota(shared);
    expect(data.matches).toBeGreaterThan(1000);
    const { test: newest } = splitByTime(data);
    expect((newest.to - newest.from) / data.matches).toBeCloseTo(0.2, 2);
  });
});

test("split: by share, by time, and never an empty part", () => {
  const data = { matches: 10, time: Float64Array.from({ length: 10 }, (_, i) => i) };
  expect(splitByTime(data)).toEqual({
    train: { from: 0, to: 7 },
    valid: { from: 7, to: 8 },
    test: { from: 8, to: 10 },
  });
  expect(splitByTime(data, { testFrom: 5 }).test).toEqual({ from: 5, to: 10 });
  expect(() => splitByTime(data, { testFrom: 99 })).toThrow(/test part .* empty/);
});

describe("Kaggle", () => {
  const columns =
    "match_id,account_id,hero_id,player_slot,gold_per_min,xp_per_min,kills,deaths,assists,denies,last_hits,hero_damage,hero_healing,tower_damage,level";
  const player = (m: number, i: number, hero = i + 1) =>
    `${m},${i === 0 ? 77 : 0},${hero},${i < 5 ? i : 123 + i},300,400,1,2,3,4,120,6000,,90,18`;
  const players = (m: number, hero?: number) => Array.from({ length: 10 }, (_, i) => player(m, i, hero)).join("\n");

  test("matches, statistics a minute, what is left out", () => {
    const file = write("players.csv", [columns, players(0), players(1), players(2, 0), players(9)].join("\n"));
    expect(() => readKaggle(file)).toThrow(/match.csv is missing/);
    write("match.csv", "match_id,start_time,duration,radiant_win\n0,20,1200,True\n1,10,600,False\n2,30,600,True\n");
    const data = readKaggle(file);
    expect(data.matches).toBe(2);
    expect(data.skipped).toEqual({ "a player without a hero": 1, "not in match.csv": 1 });
    expect(Array.from(data.blueWin)).toEqual([0, 1]);
    const row = data.appearance[turns];
    expect(row - data.firstAppearance[turns]).toBe(1);
    const at = (name: string) => data.stats[row * data.statNames.length + data.statNames.indexOf(name)];
    expect([at("last_hits"), at("hero_damage"), at("hero_healing"), at("level")]).toEqual([6, 300, 0, 18]);
  });
});

describe("DraftRec's files", () => {
  const width = 14 + 3;
  /** Three past matches and one match for each of ten users. */
  function history(team: (user: number) => number): Uint8Array {
    const shape = "{'descr': '<f4', 'fortran_order': False, 'shape': (10, 4, 17), }";
    const head = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${shape.padEnd(117)}\n`, "latin1");
    head.writeUInt16LE(head.length - 10, 8);
    const values = new Float32Array(10 * 4 * width);
    for (let u = 0; u < 10; u++) {
      for (let i = 0; i < 4; i++) {
        const at = (u * 4 + i) * width;
        values.set([4 + ((u + i) % 12), 4 + (u % 5), team(u)], at);
        values.set([4 + 12, 3, 0, 0, 0, 0, 0, 0, 0, 0], at + 3);
        values[at + 13] = 4 + Number(team(u) === 4);
        values.set([u, i, 0.5], at + 14);
      }
    }
    return Buffer.concat([head, Buffer.from(values.buffer)]);
  }
  const names = Object.fromEntries(Array.from({ length: 13 }, (_, i) => [String(100 + i), 4 + i]));
  write(
    "categorical_ids.json",
    JSON.stringify({
      champion: { PAD: 0, MASK: 1, CLS: 2, UNK: 3, ...names },
      role: { PAD: 0, MASK: 1, CLS: 2, UNK: 3, TOP: 4, JUNGLE: 5 },
      stats: { kda: 0, gold: 1, vision: 2 },
    }),
  );
  write(
    "feature_to_array_idx.json",
    '{"champion":[0,1],"role":[1,2],"team":[2,3],"ban":[3,13],"win":[13,14],"stat":[14,17]}',
  );
  const users = Array.from({ length: 10 }, (_, t) => `"(${t}, 3)"`).join(",");
  const table = write(
    "train.csv",
    `,match_id,time,${Array.from({ length: 10 }, (_, t) => `User${t + 1}`)}\n0,5.0,90,${users}\n`,
  );

  test("matches point into the tensor; bans, names and statistics arrive", () => {
    write(
      "user_history.npy",
      history((user) => teamOfTurn[user]),
    );
    const data = readDraftRec(table);
    expect([data.matches, data.blueWin[0], data.bans[0], data.bans[1]]).toEqual([1, 1, 16, 3]);
    expect(data.champions[0]).toEqual({ key: "100", name: "100" });
    expect([data.roles, data.statNames]).toEqual([
      ["TOP", "JUNGLE"],
      ["kda", "gold", "vision"],
    ]);
    const row = data.appearance[9];
    expect([row - data.firstAppearance[9], data.champion[row], data.stats[row * 3], data.stats[row * 3 + 1]]).toEqual([
      3, 4, 9, 3,
    ]);
  });

  test("teams that are not in pick order, a short tensor and bad cells are refused", () => {
    write(
      "user_history.npy",
      history((user) => 4 + (user % 2)),
    );
    expect(() => readDraftRec(table)).toThrow(/row 2: the history of User3 .* 1-2-2-2-2-1/);
    write("user_history.npy", history((user) => teamOfTurn[user]).subarray(0, 900));
    expect(() => readDraftRec(table)).toThrow(/cut short/);
    write("user_history.npy", "text that is long enough");
    expect(() => readDraftRec(table)).toThrow(/no .npy file/);
    write(
      "user_history.npy",
      history((user) => teamOfTurn[user]),
    );
    const bad = write(
      "bad.csv",
      `,match_id,time,${Array.from({ length: 10 }, (_, t) => `User${t + 1}`)}\n0,5.0,90,${users.replace("(4, 3)", "(4, 4)")}\n`,
    );
    expect(() => readDraftRec(bad)).toThrow(/User5 is "\(4, 4\)"/);
  });
});
