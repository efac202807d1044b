import { afterAll, describe, expect, test } from "vitest";
import { adviseDraft } from "./advise.ts";
import { specials, splitByTime, turns } from "./data/dataset.ts";
import { synthesise } from "./data/synthetic.ts";
import type { DraftState } from "./draft-state.ts";
import { Situations } from "./draftrec/situation.ts";
import { trainDraftRec } from "./draftrec/train.ts";
import {
  counterOf,
  countRatings,
  decodeRatings,
  emptyRatings,
  encodeRatings,
  strengthOf,
  synergyOf,
} from "./ratings.ts";

const { data } = synthesise({ matches: 400, seed: 6, champions: 40, users: 60 });
const model = trainDraftRec(data, splitByTime(data), {
  epochs: 1,
  batch: 16,
  network: { hidden: 16, blocks: 1, history: 8 },
});
afterAll(() => model[Symbol.dispose]());
const ratings = countRatings(data, { from: 0, to: data.matches });
const trend = Array.from(new Situations(data, model.scaling).trend(data.matches));
const checkpoint = { model, ratings, trend, trainedOn: "drawn matches" };
const champion = (i: number) => `champion-${i}`;

describe("advice", () => {
  const state = {
    bans: ["Champion 1", "2"],
    blue: [
      { champion: champion(10), role: "top" },
      { role: "jungle", history: [champion(3), champion(3), { champion: champion(8), win: true }] },
    ],
    red: [{ champion: champion(11) }, { champion: champion(12) }],
  };

  test("chances, reasons and sums fit together; nothing gone is proposed", () => {
    const advice = adviseDraft(checkpoint, state, { topK: 20 });
    expect(advice.next).toEqual({ team: "blue", seat: 2 });
    expect(advice.winProbability.blue + advice.winProbability.red).toBeCloseTo(1, 12);
    expect(advice.picks).toHaveLength(20);
    const names = advice.picks.map((pick) => pick.champion);
    for (const gone of [1, 2, 10, 11, 12]) expect(names).not.toContain(champion(gone));
    expect(advice.picks.map((pick) => pick.share)).toEqual(
      advice.picks.map((pick) => pick.share).sort((a, b) => b - a),
    );
    for (const { breakdown, change, winProbability } of advice.picks) {
      const all = [breakdown.strength, ...breakdown.synergy, ...breakdown.counter];
      expect([breakdown.synergy.length, breakdown.counter.length]).toEqual([1, 2]);
      expect(breakdown.total).toBeCloseTo(
        all.reduce((sum, { points }) => sum + points, 0),
        9,
      );
      expect(change).toBeCloseTo(winProbability - advice.winProbability.blue, 9);
    }
    expect(advice.standing.map(({ team, champion: name }) => [team, name])).toEqual([
      ["blue", champion(10)],
      ["red", champion(11)],
      ["red", champion(12)],
    ]);
  });

  test("habit: what the player played is told, and makes the pick more likely", () => {
    const { picks } = adviseDraft(checkpoint, { ...state, pool: [champion(3), champion(13)] });
    const [often, never] = [3, 13].map((i) => picks.find((pick) => pick.champion === champion(i))!);
    expect(often.habit).toEqual({ picks: 2, of: 3, wins: null });
    expect(often.reasons[0]).toBe("habit: 2 of the player's 3 matches");
    expect(never.reasons[0]).toBe("habit: never in the player's 3 matches");
    const { picks: without } = adviseDraft(checkpoint, {
      ...state,
      blue: [state.blue[0], { role: "jungle" }],
      pool: [champion(3), champion(13)],
    });
    expect(often.share).toBeGreaterThan(without.find((pick) => pick.champion === champion(3))?.share ?? 1);
  });

  test("the chance now is the network's own for a finished draft; the pick adds what it says", () => {
    const done = (team: number) => Array.from({ length: 5 }, (_, i) => ({ champion: champion(team + i) }));
    const full = adviseDraft(checkpoint, { blue: done(0), red: done(5) });
    expect([full.next, full.picks]).toEqual([null, []]);
    const last = adviseDraft(checkpoint, { blue: done(0), red: done(5).slice(0, 4) }, { topK: 20 });
    expect(last.next).toEqual({ team: "red", seat: 5 });
    const pick = last.picks.find((one) => one.champion === champion(9));
    if (pick) expect(pick.winProbability).toBeCloseTo(full.winProbability.red, 5);
    const chosen = adviseDraft(checkpoint, { blue: done(0), red: done(5).slice(0, 4), pool: [champion(9)] });
    expect(chosen.picks[0].winProbability).toBeCloseTo(full.winProbability.red, 5);
  });

  test("form: the log odds move by the weight times the form, whoever picks next", () => {
    const history = Array(10).fill({ champion: champion(3), win: true });
    const drafts = { blue: [{}, { history }], next: { team: "red" as const, seat: 1 } };
    const chances = [0, 8].map((weight) => {
      model.formWeight = weight;
      return adviseDraft(checkpoint, drafts);
    });
    model.formWeight = 0;
    const odds = chances.map(({ winProbability: { blue } }) => Math.log(blue / (1 - blue)));
    expect(odds[1] - odds[0]).toBeCloseTo(8 * 0.05, 4);
    expect(chances[1].picks[0].winProbability).toBeLessThan(chances[0].picks[0].winProbability);
    expect(chances.map(({ verifier }) => /form/.test(verifier))).toEqual([false, true]);
  });

  test.each([
    [{ bans: ["chempion-1"] }, /no champion "chempion-1"/],
    [{ bans: [champion(1)], blue: [{ champion: champion(1) }] }, /twice/],
    [{ blue: Array(6).fill({}) }, /five players at most/],
    [{ next: { team: "blue" as const, seat: 9 } }, /next\.seat/],
    [{ blue: [{ champion: champion(1) }], next: { team: "blue" as const, seat: 1 } }, /empty seat/],
    [{ bans: champion(1) }, /draft's bans: .*array/],
    [{ blue: [{ champion: champion(1), histroy: [] }] }, /blue\.0: .*"histroy"/],
    [{ red: [{ history: [{ name: "x" }] }] }, /red\.0\.history\.0: it must be a champion/],
    [{ foo: [] }, /"foo".*docs\/moba\.md/],
    [{ blue: [{ role: "healer" }] }, /no role "healer"/],
    [{ bans: [-1] }, /no champion "-1"/],
    [{ bans: [1.5] }, /no champion "1\.5"/],
    [{ bans: [""] }, /no champion ""\. Names or ids/],
  ])("%j is refused", (bad, message) => {
    expect(() => adviseDraft(checkpoint, bad as DraftState)).toThrow(message);
  });

  test("too many picks are refused", () => {
    expect(() => adviseDraft(checkpoint, {}, { topK: 21 })).toThrow(/1 to 20/);
  });
});

describe("ratings", () => {
  test("counts are those of the matches", () => {
    expect(ratings.games.reduce((sum, n) => sum + n, 0)).toBe(data.matches * turns);
    expect(ratings.wins.reduce((sum, n) => sum + n, 0)).toBe(data.matches * 5);
    const n = ratings.champions;
    for (const [a, b] of [
      [3, 4],
      [10, 20],
    ]) {
      expect(ratings.duoGames[a * n + b]).toBe(ratings.duoGames[b * n + a]);
      expect(ratings.versusWins[a * n + b]).toBe(ratings.versusGames[b * n + a] - ratings.versusWins[b * n + a]);
    }
    expect(data.champion[data.appearance[0]]).toBeGreaterThanOrEqual(specials);
  });

  test("points by hand: 100 won of 150 with 50 at even odds is 400 log10(125 / 75)", () => {
    const r = emptyRatings(2);
    r.games.set([150, 150]);
    r.wins.set([100, 75]);
    expect(strengthOf(r, 0).points).toBeCloseTo(400 * Math.log10(125 / 75), 9);
    expect(strengthOf(r, 1).points).toBeCloseTo(0, 9);
    // Without games together only the expected remains.
    expect(synergyOf(r, 0, 1)).toMatchObject({ points: 0, games: 0 });
    r.versusGames[1] = 100;
    r.versusWins[1] = 100;
    const expected = 1 / (1 + 75 / 125);
    const mixed = (100 + 100 * expected) / 200;
    expect(counterOf(r, 0, 1).points).toBeCloseTo(
      400 * (Math.log10(mixed / (1 - mixed)) - Math.log10(expected / (1 - expected))),
      6,
    );
    expect(counterOf(r, 0, 1).margin).toBeLessThan(synergyOf(r, 0, 1).margin);
  });

  test("encoded and read again", () => {
    expect(decodeRatings(encodeRatings(ratings), ratings.champions)).toEqual(ratings);
  });
});
