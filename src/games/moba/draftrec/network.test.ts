import { afterAll, describe, expect, test } from "vitest";
import { Random } from "../../random.ts";
import { turns } from "../data/dataset.ts";
import { type DraftBatch, type DraftSituation, fillMatch, newBatch, views } from "./batch.ts";
import { type DraftRecConfig, draftRecConfig, paperQuirks } from "./config.ts";
import { DraftRecModel } from "./model.ts";
import { referenceForward, referenceLoss, type Weights } from "./reference.ts";
import { DraftRecTrainer } from "./train.ts";

const sizes = { championIds: 20, roleIds: 9, stats: 3 };
const small = { hidden: 8, blocks: 2, heads: 2, history: 4, dropout: 0 };

/** Situations in which every input differs. `past`: matches of each player before padding. */
function situation(random: Random, { championIds, stats }: DraftRecConfig, past = 3): DraftSituation {
  const champion = () => 4 + random.below(championIds - 4);
  const player = () => ({
    champion: Array.from({ length: past }, champion),
    role: Array.from({ length: past }, () => 4 + random.below(5)),
    outcome: Array.from({ length: past }, () => 4 + random.below(2)),
    stats: Array.from({ length: past * stats }, () => random.next() - 0.5),
  });
  const all = Array.from({ length: championIds - 4 }, (_, i) => 4 + i).sort(() => random.next() - 0.5);
  return {
    players: Array.from({ length: turns }, player),
    champions: all.slice(0, turns),
    bans: all.slice(turns, turns + 3),
    roles: Array.from({ length: turns }, (_, t) => 4 + (t % 5)),
    trend: Array.from({ length: championIds }, () => 1 / championIds),
  };
}

function open(options: Parameters<typeof draftRecConfig>[1], seed = 3) {
  const config = draftRecConfig(sizes, { ...small, ...options });
  const names = { champions: [], roles: [], statNames: [], scaling: { mean: [], deviation: [] } };
  const model = new DraftRecModel(config, names, { seed });
  // Biases and gains start as zeros and ones; moved, they show whether they are used at all.
  const random = new Random(seed, 5);
  for (const parameter of model.network.parameters.all) {
    parameter.write(parameter.read().map((x) => x + 0.2 * (random.next() - 0.5)));
  }
  return { config, model };
}

const weightsOf = (model: DraftRecModel): Weights => {
  const values = new Map(model.network.parameters.all.map((p) => [p.name, p.read()]));
  return (name) => values.get(name) as Float32Array;
};

function batchOf(config: DraftRecConfig, situations: readonly DraftSituation[]): DraftBatch {
  const batch = newBatch(config, situations.length);
  for (const [m, one] of situations.entries()) fillMatch(config, batch, m, one);
  return batch;
}

function twoMatches(config: DraftRecConfig, seed = 9) {
  const random = new Random(seed);
  const situations = [situation(random, config), situation(random, config, 6)];
  const targets = situations.flatMap(({ champions }) => Array.from(champions));
  return { batch: batchOf(config, situations), situations, targets, blueWin: [1, 0] };
}

const variants = {
  ours: {},
  "as in the paper's code": { quirks: paperQuirks, habits: false },
  "without players": { playerNetwork: false },
  "without the match": { matchNetwork: false, habits: false },
  "one block, one head, no statistics": { blocks: 1, heads: 1, stats: 0 },
};

describe.each(Object.entries(variants))("DraftRec, %s", (_, options) => {
  const { config, model } = open(options);
  afterAll(() => model[Symbol.dispose]());

  test("graph and reference agree", () => {
    const { batch } = twoMatches(config);
    const expected = referenceForward(config, weightsOf(model), batch);
    const found = model.run(batch);
    expected.logits.flat().forEach((x, i) => {
      expect(Math.abs(found.logits[i] - x)).toBeLessThan(1e-4 * Math.max(1, Math.abs(x)));
    });
    expect(expected.value.length).toBe(config.matchNetwork ? 2 * views : 0);
    for (const [i, x] of expected.value.entries()) expect(found.value[i]).toBeCloseTo(x, 4);
  });

  test("gradients equal finite differences of the reference", () => {
    const { batch, targets, blueWin } = twoMatches(config);
    const lambda = 0.4;
    using trainer = new DraftRecTrainer(model.network, { batch: 2, lambda, weightDecay: 0 });
    const weights = new Map(model.network.parameters.all.map((p) => [p.name, Float64Array.from(p.read())]));
    const at: Weights = (name) => weights.get(name) as Float64Array;
    const loss = () => referenceLoss(referenceForward(config, at, batch), { targets, blueWin, lambda });
    expect(trainer.run(batch, targets, blueWin)).toBeCloseTo(loss(), 4);
    const random = new Random(11);
    for (const parameter of model.network.parameters.all) {
      const tensor = trainer.optimiser.gradient(parameter);
      const gradient = new Float32Array(parameter.elements);
      tensor?.read(gradient);
      const values = weights.get(parameter.name) as Float64Array;
      // Along the gradient, where a wrong scale shows, and across it, where a wrong element does.
      const norm = Math.hypot(...gradient);
      const direction = Array.from(gradient, (g) => (norm === 0 ? 0 : g / norm) + 0.3 * (random.next() - 0.5));
      const step = 1e-5;
      const before = values.slice();
      const side = (sign: number) => {
        direction.forEach((d, i) => {
          values[i] = before[i] + sign * step * d;
        });
        return loss();
      };
      const numeric = (side(1) - side(-1)) / (2 * step);
      values.set(before);
      const analytic = direction.reduce((sum, d, i) => sum + d * gradient[i], 0);
      expect(Math.abs(analytic - numeric), parameter.name).toBeLessThan(1e-3 * Math.max(0.01, Math.abs(numeric)));
    }
  });
});
