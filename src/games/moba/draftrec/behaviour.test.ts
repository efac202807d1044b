import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Backend } from "../../../ggml/index.ts";
import * as nn from "../../../nn/index.ts";
import { Random } from "../../random.ts";
import { championAt, championIds, type MobaData, specials, splitByTime, teamOfTurn, turns } from "../data/dataset.ts";
import { synthesise } from "../data/synthetic.ts";
import { countRatings } from "../ratings.ts";
import { type DraftSituation, fillMatch, newBatch, views } from "./batch.ts";
import { loadDraftRec, saveDraftRec } from "./checkpoint.ts";
import { draftRecConfig } from "./config.ts";
import { dropout } from "./dropout.ts";
import { DraftRecModel } from "./model.ts";
import { Situations, scalingOf } from "./situation.ts";
import { DraftRecTrainer, trainDraftRec } from "./train.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-draftrec-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { data } = synthesise({ matches: 400, seed: 2, champions: 40, users: 60 });
const split = splitByTime(data);
const sizes = { championIds: championIds(data), roleIds: specials + data.roles.length, stats: data.statNames.length };
const config = draftRecConfig(sizes, { hidden: 16, blocks: 1, history: 6, dropout: 0 });
const model = new DraftRecModel(config, { ...data, scaling: scalingOf(data, split.train) }, { seed: 2 });
afterAll(() => model[Symbol.dispose]());
const situations = new Situations(data, model.scaling);

function run(situation: DraftSituation, with_ = { model, config }) {
  const batch = newBatch(with_.config, 1);
  fillMatch(with_.config, batch, 0, situation);
  const { logits, value } = with_.model.run(batch);
  const ids = with_.config.championIds;
  return {
    value: [...value],
    logits: Array.from({ length: turns }, (_, t) => [...logits.slice(t * ids, (t + 1) * ids)]),
  };
}

describe("nothing is seen before its time", () => {
  const plain = situations.at(350);
  const before = run(plain);
  const free = Array.from({ length: sizes.championIds - specials }, (_, i) => specials + i).filter(
    (c) => !Array.from(plain.champions).includes(c) && !Array.from(plain.bans).includes(c),
  );

  test.each([0, 3, 7, 9])("picks from turn %i on do not move turn and value before", (from) => {
    const champions = Array.from(plain.champions, (c, t) => (t >= from ? free[t] : c));
    const after = run({ ...plain, champions });
    for (let t = 0; t <= from; t++) {
      expect(after.logits[t]).toEqual(before.logits[t]);
      expect(after.value[t]).toBe(before.value[t]);
    }
    expect(after.value[11]).not.toBe(before.value[11]);
  });

  test("the other team's histories and roles do not move one's own view", () => {
    const other = situations.at(351);
    for (const team of [4, 5]) {
      const own = (t: number) => teamOfTurn[t] === team;
      const players = plain.players.map((player, t) => (own(t) ? player : other.players[(t + 3) % turns]));
      const roles = Array.from(plain.roles, (role, t) => (own(t) ? role : specials + ((role + 1) % 5)));
      const after = run({ ...plain, players, roles });
      for (let t = 0; t < turns; t++) {
        if (own(t)) expect(after.logits[t]).toEqual(before.logits[t]);
        else expect(after.logits[t]).not.toEqual(before.logits[t]);
      }
      expect(after.value[team + 6]).toBe(before.value[team + 6]);
    }
  });

  test("the match itself and all later ones do not move the prediction", () => {
    const later = copyOf(data);
    for (let m = 350; m < data.matches; m++) {
      later.blueWin[m] = 1 - later.blueWin[m];
      for (let t = 0; t < turns; t++) {
        const row = data.appearance[m * turns + t];
        later.outcome[row] = 9 - later.outcome[row];
        later.stats.fill(7, row * data.statNames.length, (row + 1) * data.statNames.length);
      }
    }
    const changed = new Situations(later, model.scaling).at(350);
    expect(run(changed)).toEqual(before);
  });
});

const copyOf = (from: MobaData): MobaData => ({
  ...from,
  blueWin: from.blueWin.slice(),
  outcome: from.outcome.slice(),
  stats: from.stats.slice(),
});

test("padding on the left changes nothing", () => {
  const long = draftRecConfig(sizes, { ...config, history: 12 });
  using wide = new DraftRecModel(long, model, { seed: 2 });
  for (const [i, parameter] of wide.network.parameters.all.entries()) {
    parameter.write(model.network.parameters.all[i].read());
  }
  const situation = situations.at(300);
  const players = situation.players.map(({ champion, role, outcome, stats }) => ({
    champion: Array.from(champion).slice(-4),
    role: Array.from(role).slice(-4),
    outcome: Array.from(outcome).slice(-4),
    stats: Array.from(stats).slice(-4 * sizes.stats),
  }));
  const [short, padded] = [
    run({ ...situation, players }),
    run({ ...situation, players }, { model: wide, config: long }),
  ];
  padded.logits.flat().forEach((x, i) => {
    expect(x).toBeCloseTo(short.logits.flat()[i], 4);
  });
});

test("one player pass for all views equals a pass for each view", () => {
  const situation = situations.at(320);
  const together = run(situation);
  for (let v = 0; v < views; v++) {
    const batch = newBatch(config, 1, 1);
    const team = v < turns ? teamOfTurn[v] : v === turns ? 4 : 5;
    fillMatch(config, batch, 0, situation, [{ team: team as 4 | 5, shows: (t) => t < v }]);
    const alone = model.run(batch);
    expect(alone.value[0]).toBeCloseTo(together.value[v], 5);
    if (v < turns) {
      const ids = config.championIds;
      Array.from(alone.logits.slice(v * ids, (v + 1) * ids)).forEach((x, c) => {
        if (x > -1e8) expect(x).toBeCloseTo(together.logits[v][c], 4);
      });
    }
  }
});

test("the value head is odd: a bias moves only the free one", () => {
  const free = draftRecConfig(sizes, { ...config, quirks: { freeValue: true } });
  for (const [settings, moved] of [
    [config, 0],
    [free, 5],
  ] as const) {
    using one = new DraftRecModel(settings, model, { seed: 3 });
    const before = run(situations.at(310), { model: one, config: settings });
    one.network.parameters.get("value.1.bias").write(new Float32Array([5]));
    const after = run(situations.at(310), { model: one, config: settings });
    after.value.forEach((x, i) => {
      expect(x - before.value[i]).toBeCloseTo(moved, 4);
    });
  }
});

test("never a banned, picked or special champion first, in 10,000 random states", () => {
  const random = new Random(8);
  const places = 50;
  const batch = newBatch(config, places);
  for (let round = 0; round < 10_000 / (places * turns); round++) {
    const made = Array.from({ length: places }, (): DraftSituation => {
      const all = Array.from({ length: sizes.championIds - specials }, (_, i) => specials + i).sort(
        () => random.next() - 0.5,
      );
      return { ...situations.at(random.below(data.matches)), champions: all.slice(0, 10), bans: all.slice(10, 20) };
    });
    for (const [m, one] of made.entries()) fillMatch(config, batch, m, one);
    const { logits } = model.run(batch);
    for (let i = 0; i < places * turns; i++) {
      const row = logits.subarray(i * sizes.championIds, (i + 1) * sizes.championIds);
      const first = row.indexOf(Math.max(...row));
      const { champions, bans } = made[Math.floor(i / turns)];
      const gone = [...Array.from(champions).slice(0, i % turns), ...Array.from(bans)];
      if (first < specials || gone.includes(first)) expect(first).toBe("a champion that can be picked");
    }
  }
});

test("32 matches can be learned by heart", () => {
  using small = new DraftRecModel(draftRecConfig(sizes, { ...config, hidden: 20, history: 3, habits: false }), model, {
    seed: 4,
  });
  using trainer = new DraftRecTrainer(small.network, { batch: 32, lambda: 0.7, weightDecay: 0 });
  const batch = newBatch(small.config, 32);
  const targets = Array.from({ length: 320 }, (_, i) => championAt(data, Math.floor(i / turns), i % turns));
  for (let m = 0; m < 32; m++) fillMatch(small.config, batch, m, situations.at(m));
  const blueWin = data.blueWin.subarray(0, 32);
  for (let step = 0; step < 140; step++) {
    trainer.run(batch, targets, blueWin);
    trainer.optimiser.step(step < 100 ? 0.02 : 0.004);
  }
  const { logits, value } = small.run(batch);
  const ids = small.config.championIds;
  const right = targets.filter((target, i) => {
    const row = logits.subarray(i * ids, (i + 1) * ids);
    return row.indexOf(Math.max(...row)) === target;
  });
  expect(right.length / 320).toBeGreaterThan(0.95);
  const losses = Array.from(value, (v, i) => Math.log1p(Math.exp(blueWin[Math.floor(i / views)] === 1 ? -v : v)));
  expect(losses.reduce((sum, x) => sum + x, 0) / losses.length).toBeLessThan(0.1);
});

describe("training", () => {
  const options = {
    epochs: 2,
    batch: 16,
    network: { hidden: 16, blocks: 1, history: 6, dropout: 0.2 },
    seed: 5,
  };
  const values = (one: DraftRecModel) => one.network.parameters.all.map((parameter) => [...parameter.read()]);

  test("a run that stopped goes on exactly where it was, and a checkpoint is what was saved", () => {
    using whole = trainDraftRec(data, split, options);
    const runFile = join(folder, "run.gguf");
    trainDraftRec(data, split, { ...options, runFile, pauseAfter: 1 })[Symbol.dispose]();
    expect(existsSync(`${runFile}.best`)).toBe(true);
    using resumed = trainDraftRec(data, split, { ...options, runFile });
    expect(values(resumed)).toEqual(values(whole));
    expect(whole.formWeight).not.toBe(0);
    expect(resumed.formWeight).toBe(whole.formWeight);

    const path = join(folder, "checkpoint.gguf");
    const ratings = countRatings(data, split.train);
    const trend = Array.from(situations.trend(400));
    saveDraftRec(path, { model: whole, ratings, trend, trainedOn: "test" });
    const opened = loadDraftRec(path);
    using loaded = opened.model;
    expect(values(loaded)).toEqual(values(whole));
    expect(loaded.formWeight).toBe(whole.formWeight);
    expect(opened.ratings).toEqual(ratings);
    expect([opened.trend, opened.trainedOn, loaded.champions]).toEqual([trend, "test", data.champions]);
    expect(() => loadDraftRec(runFile)).toThrow(/no DraftRec checkpoint/);
  });

  test("settings that cannot work are refused", () => {
    expect(() => trainDraftRec(data, { ...split, train: { from: 0, to: 5 } }, options)).toThrow(/fewer than a batch/);
    expect(() => draftRecConfig(sizes, { hidden: 30, heads: 4 })).toThrow(/multiple of 2 x heads/);
    expect(() => draftRecConfig(sizes, { playerNetwork: false, matchNetwork: false })).toThrow(/both/);
    expect(() => trainDraftRec(data, split, { ...options, epochs: 1, rate: 1e9 })).toThrow(/lower rate/);
    const runFile = join(folder, "other.txt");
    writeFileSync(runFile, "something else");
    expect(() => trainDraftRec(data, split, { ...options, runFile })).toThrow(/no training's state/);
  });
});

test("dropout keeps the mean, drops its share, and draws anew", () => {
  using backend = new Backend(undefined, { threads: 1 });
  using tape = new nn.Tape(backend);
  const input = tape.input(64, 512);
  const out = tape.output(dropout(input.variable, 0.25, new nn.Random(1)));
  tape.ready();
  input.array.fill(1);
  tape.run();
  const first = out.array.slice();
  const zeros = first.filter((x) => x === 0).length / first.length;
  expect(zeros).toBeCloseTo(0.25, 2);
  expect(first.reduce((sum, x) => sum + x, 0) / first.length).toBeCloseTo(1, 1);
  tape.run();
  expect(out.array).not.toEqual(first);
});
