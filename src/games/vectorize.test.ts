import { expect, test } from "vitest";
import { Random } from "./random.ts";
import { sushiEnvironment } from "./sushi-go/environment.ts";
import { observe } from "./sushi-go/observe.ts";
import { vectorize } from "./vectorize.ts";

const environment = sushiEnvironment({ players: 3, menu: "party-sampler" });

function legalActions(vector: ReturnType<typeof vectorize>, random: Random): number[] {
  return Array.from({ length: vector.count }, (_, i) => {
    const mask = vector.masks.subarray(i * vector.actionCount, (i + 1) * vector.actionCount);
    const legal = [...mask.keys()].filter((a) => mask[a]);
    return legal[random.below(legal.length)];
  });
}

test("every row is what the game alone shows; games that end begin anew", () => {
  const vector = vectorize(environment, 5, { seed: 3 });
  const deals = Array.from({ length: 5 }, (_, i) => new Random(3, i));
  const states = deals.map((deal) => environment.reset({ seed: deal.bits() }));
  const random = new Random(1);
  let ended = 0;
  for (let step = 0; step < 210; step++) {
    for (const [i, s] of states.entries()) {
      const p = environment.acting(s)[0];
      const row = vector.observations.subarray(i * vector.observationSize, (i + 1) * vector.observationSize);
      const alone = environment.observe(s, p);
      if (vector.acting[i] !== p || row.some((x, c) => x !== alone[c]))
        expect([vector.acting[i], row]).toEqual([p, alone]);
    }
    const actions = legalActions(vector, random);
    vector.step(actions);
    for (const [i, s] of states.entries()) {
      const { rewards, terminated } = environment.step(s, actions[i]);
      const told = [...vector.rewards.subarray(3 * i, 3 * i + 3), vector.ended[i]].join();
      if (told !== [...rewards, terminated ? 1 : 0].join()) expect(told).toBe([...rewards, terminated ? 1 : 0].join());
      if (!terminated) continue;
      ended++;
      states[i] = environment.reset({ seed: deals[i].bits() });
    }
  }
  expect(ended).toBeGreaterThan(5);
});

test("observations with and without known hands differ in those blocks only, after a pass", () => {
  const vectors = [true, false].map((knownHands) =>
    vectorize(environment, 2, { seed: 4, observe: (s, p, out) => observe(s, p, out, { knownHands }) }),
  );
  const random = new Random(2);
  for (let step = 0; step < 9; step++) {
    const actions = legalActions(vectors[0], random);
    for (const vector of vectors) vector.step(actions);
  }
  const [seen, blind] = vectors.map(({ observations }) => [...observations]);
  const known = { from: 37 * 4, to: 37 * 4 + 2 * 38 };
  const differs = seen.flatMap((x, i) => (x === blind[i] ? [] : [i % vectors[0].observationSize]));
  expect(differs.length).toBeGreaterThan(0);
  expect(differs.every((i) => i >= known.from && i < known.to)).toBe(true);
});

test("wrong numbers of games and actions are refused", () => {
  expect(() => vectorize(environment, 0, { seed: 1 })).toThrow(/1 game or more/);
  expect(() => vectorize(environment, 2, { seed: 1 }).step([0])).toThrow(/needs 2 actions/);
});
