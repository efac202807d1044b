// The readers on whole files in the layouts of Kaggle and of the DraftRec release. Small ones here; as large as theirs with
//   DRAFTWRIGHT_MOBA_MATCHES=50000 npx vitest run src/games/moba/data/sizes.test.ts
// which also prints time and memory (docs/moba.md).
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Situations, scalingOf } from "../draftrec/situation.ts";
import { writeKaggle, writeRelease } from "../testing/files.ts";
import { type MobaData, splitByTime, turns } from "./dataset.ts";
import { readDraftRec } from "./draftrec-files.ts";
import { readKaggle } from "./kaggle.ts";

const matches = Number(process.env.DRAFTWRIGHT_MOBA_MATCHES ?? 200);
const folder = mkdtempSync(join(tmpdir(), "draftwright-moba-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function measured(what: string, bytes: number, read: () => MobaData): MobaData {
  const begin = performance.now();
  const data = read();
  const { rss, arrayBuffers, heapUsed } = process.memoryUsage();
  const most = process.resourceUsage().maxRSS / 1024;
  const mb = (n: number) => `${(n / 2 ** 20).toFixed(0)} MB`;
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  if (matches > 200) {
    console.log(
      `${what}, ${data.matches} matches, ${mb(bytes)}: ${seconds} s; heap ${mb(heapUsed)}, arrays ${mb(arrayBuffers)}, resident ${mb(rss)}, at most ${most.toFixed(0)} MB`,
    );
  }
  return data;
}

/** Histories end before the match and belong to one user; statistics reach the situations. */
function checked(data: MobaData): void {
  for (let i = 0; i < matches * turns; i += 7) {
    expect(data.appearance[i]).toBeGreaterThanOrEqual(data.firstAppearance[i]);
  }
  const situations = new Situations(data, scalingOf(data, splitByTime(data).train));
  const last = matches - 1;
  const { players } = situations.at(last);
  players.forEach(({ champion, stats }, t) => {
    const past = data.appearance[last * turns + t] - data.firstAppearance[last * turns + t];
    expect([champion.length, stats.length]).toEqual([past, past * data.statNames.length]);
  });
}

test("Kaggle's two tables", { timeout: 600_000 }, () => {
  const path = writeKaggle(folder, { matches, seed: 1 });
  const data = measured("kaggle", statSync(path).size, () => readKaggle(path));
  expect([data.matches, data.statNames.length, data.skipped]).toEqual([matches, 11, {}]);
  checked(data);
});

test("the DraftRec release's table and tensor", { timeout: 600_000 }, () => {
  const users = 10 * Math.ceil(matches / 500);
  const slots = 1145;
  const path = writeRelease(folder, { matches, users, slots, seed: 2 });
  const bytes = users * slots * 57 * 4;
  const data = measured("draftrec", bytes, () => readDraftRec(path));
  expect([data.matches, data.champions.length, data.statNames.length]).toEqual([matches, 156, 43]);
  checked(data);
});
