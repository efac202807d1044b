import { seededRandom, toyModel } from "../../../lm/toy/index.ts";
import { drafterConformance, type World } from "../../conformance.ts";
import type { CostCurve } from "../../cost-curve.ts";
import { Generation } from "../../generation.ts";
import { lookaheadDrafter } from "../lookahead/lookahead.ts";
import { PhrasePool } from "../lookahead/phrase-pool.ts";
import { ouroborosDrafter } from "./ouroboros.ts";
import { decodePool, encodePool } from "./pool-file.ts";

const cheap: CostCurve = { ms: (width) => 0.05 * width, observe() {} };
const flat: CostCurve = { ms: () => 0.05, observe() {} };
const models = new Map<string, ReturnType<typeof toyModel>>();

function toy({ vocabSize }: World, options: { seed?: number; contextLength?: number; layerCount?: number } = {}) {
  const key = JSON.stringify([vocabSize, options]);
  const model = models.get(key) ?? toyModel({ contextLength: 96, vocabSize, logitScale: 6, ...options });
  models.set(key, model);
  return model;
}

/** What other texts have left in a pool; a copy for every run, as it comes from a file. */
const pools = new Map<number, Uint8Array>();
function warmPool(world: World): PhrasePool {
  const identity = { vocabSize: world.vocabSize, tokenizerHash: "toy" };
  let saved = pools.get(world.vocabSize);
  if (!saved) {
    const pool = new PhrasePool({ ...identity, scope: "disk" });
    const model = toy(world);
    for (const promptTokens of [
      [3, 1, 2, 3, 1],
      [2, 2, 0],
      [1, 3],
    ]) {
      const generation = new Generation({
        model,
        sequence: model.open(),
        promptTokens,
        sampling: { temperature: 0.7 },
        seed: 1,
        maxTokens: 60,
        drafters: [ouroborosDrafter({ model: toy(world, { seed: 8, layerCount: 1 }), pool, curve: cheap })],
        policy: { mode: "forced", budget: 8 },
      });
      while (generation.prefillStep(64) > 0);
      while (!generation.finishReason) generation.step();
      generation.close();
    }
    saved = encodePool(pool);
    pools.set(world.vocabSize, saved);
  }
  return decodePool(saved, identity);
}

function randomPool({ vocabSize }: World, phraseLength: number): PhrasePool {
  const random = seededRandom(5);
  const token = () => Math.floor(random() * vocabSize);
  const pool = new PhrasePool({ vocabSize, phraseLength });
  for (let i = 0; i < 300; i++) pool.insert(token(), Array.from({ length: phraseLength }, token), "text");
  return pool;
}

drafterConformance("lookahead", () => lookaheadDrafter());
drafterConformance("ouroboros without a model, learn A", () => ouroborosDrafter({ learn: "A" }));
drafterConformance("ouroboros without a model, window in the target, random phrases", (world) =>
  ouroborosDrafter({
    pool: randomPool(world, 3),
    lookahead: { window: 4, level: 4 },
    text: false,
    suffixes: 5,
    gamma: 2,
  }),
);
drafterConformance("ouroboros", (world) =>
  ouroborosDrafter({ model: toy(world, { seed: 8, layerCount: 1 }), curve: cheap }),
);
drafterConformance("ouroboros, pool warm from other texts, nothing learned", (world) =>
  ouroborosDrafter({
    model: toy(world, { seed: 8, layerCount: 1 }),
    pool: warmPool(world),
    learn: "off",
    refresh: false,
    curve: flat,
  }),
);
drafterConformance("ouroboros, small model of short context with a window, learn A, random phrases", (world) =>
  ouroborosDrafter({
    model: toy(world, { contextLength: 16 }),
    pool: randomPool(world, 2),
    lookahead: { window: 3, level: 3 },
    learn: "A",
    gamma: 3,
    curve: flat,
  }),
);
