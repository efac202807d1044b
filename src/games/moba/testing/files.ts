// Files in the layouts of Kaggle's dota-2-matches and of the DraftRec release, of any size, with drawn contents. They are
// written in parts, so that a file may be larger than memory.
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../random.ts";
import { blue, pad, specials, teamOfTurn, turns } from "../data/dataset.ts";
import { dotaHeroes } from "../data/heroes.ts";

const stats =
  "gold_per_min,xp_per_min,kills,deaths,assists,denies,last_hits,hero_damage,hero_healing,tower_damage,level";
/** Kaggle's players.csv has 73 columns; those that are not read are fillers here. */
const fillers = Array.from({ length: 73 - 15 }, (_, i) => `filler_${i}`);

/** players.csv (ten rows and 730 cells a match) and match.csv. About a third of the accounts are known. Returns players.csv. */
export function writeKaggle(folder: string, { matches, seed }: { matches: number; seed: number }): string {
  const random = new Random(seed);
  const heroes = [...dotaHeroes.keys()];
  const path = join(folder, "players.csv");
  const rest = fillers.map((_, i) => (i % 3 === 0 ? "" : String(1000 + i))).join(",");
  inParts(path, (put) => {
    put(`match_id,account_id,hero_id,player_slot,${stats},${fillers}\n`);
    for (let m = 0; m < matches; m++) {
      const first = random.below(heroes.length);
      for (let i = 0; i < turns; i++) {
        const account = random.below(3) === 0 ? 1 + random.below(20 + matches) : 0;
        const hero = heroes[(first + i) % heroes.length];
        const numbers = Array.from({ length: 10 }, () => random.below(500));
        put(`${m},${account},${hero},${i < 5 ? i : 123 + i},${numbers},${1 + random.below(25)},${rest}\n`);
      }
    }
  });
  inParts(join(folder, "match.csv"), (put) => {
    put("match_id,start_time,duration,tower_status_radiant,radiant_win,cluster\n");
    for (let m = 0; m < matches; m++)
      put(
        `${m},${1446750112 + 20 * m},${1200 + random.below(2400)},1,${random.below(2) === 0 ? "True" : "False"},155\n`,
      );
  });
  return path;
}

export interface ReleaseSize {
  readonly matches: number;
  /** A multiple of ten: each match is one of ten neighbours, so that teams stay as they are. */
  readonly users: number;
  /** Places of a user's history in the tensor. */
  readonly slots: number;
  readonly seed: number;
}

const width = 57;

/** train.csv, user_history.npy [users, slots, 57] and both JSON files as the DraftRec release has them. Returns train.csv. */
export function writeRelease(folder: string, { matches, users, slots, seed }: ReleaseSize): string {
  const random = new Random(seed);
  const numbered = (count: number, name: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, specials + i]));
  const special = { PAD: 0, MASK: 1, CLS: 2, UNK: 3 };
  const statNames = Object.fromEntries(Array.from({ length: 43 }, (_, i) => [`stat${i}`, i]));
  const ids = {
    champion: { ...special, ...numbered(156, "c") },
    role: { ...special, ...numbered(5, "r") },
    stats: statNames,
  };
  writeFileSync(join(folder, "categorical_ids.json"), JSON.stringify(ids));
  const places = { champion: [0, 1], role: [1, 2], team: [2, 3], ban: [3, 13], win: [13, 14], stat: [14, width] };
  writeFileSync(join(folder, "feature_to_array_idx.json"), JSON.stringify(places));

  const path = join(folder, "train.csv");
  const groups = users / turns;
  const used = new Int32Array(groups);
  inParts(path, (put) => {
    put(`,match_id,time,${Array.from({ length: turns }, (_, t) => `User${t + 1}`)}\n`);
    for (let m = 0; m < matches; m++) {
      const group = random.below(groups);
      const index = Math.min(slots - 1, 10 + used[group]++);
      const cells = Array.from({ length: turns }, (_, t) => `"(${group * turns + t}, ${index})"`);
      put(`${m},${m}.0,${1622505600000 + 1000 * m},${cells}\n`);
    }
  });

  const shape = `{'descr': '<f4', 'fortran_order': False, 'shape': (${users}, ${slots}, ${width}), }`;
  const head = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${shape.padEnd(117)}\n`, "latin1");
  head.writeUInt16LE(head.length - 10, 8);
  inParts(join(folder, "user_history.npy"), (put) => {
    put(head);
    const block = new Float32Array(slots * width);
    for (let user = 0; user < users; user++) {
      const team = teamOfTurn[user % turns];
      for (let i = 0; i < slots; i++) {
        const cell = block.subarray(i * width, (i + 1) * width);
        const blueWon = (Math.floor(user / turns) + i) % 2;
        cell.set([specials + random.below(156), specials + (user % 5), team]);
        cell.fill(pad, 3, 13);
        cell[13] = specials + Number((team === blue) === (blueWon === 1));
        for (let j = 14; j < width; j++) cell[j] = random.next() - 0.5;
      }
      put(Buffer.from(block.buffer));
    }
  });
  return path;
}

function inParts(path: string, write: (put: (part: string | Uint8Array) => void) => void): void {
  const file = openSync(path, "w");
  let text = "";
  const flush = () => {
    if (text) writeSync(file, text);
    text = "";
  };
  try {
    write((part) => {
      if (typeof part !== "string") writeSync(file, part);
      else {
        text += part;
        if (text.length > 1 << 20) flush();
      }
    });
    flush();
  } finally {
    closeSync(file);
  }
}
