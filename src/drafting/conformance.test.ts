import { seededRandom, toyModel } from "../lm/toy/index.ts";
import { drafterConformance, type World } from "./conformance.ts";
import type { CostCurve } from "./cost-curve.ts";
import { buildModelDatabase } from "./databases/model.ts";
import { buildStatistics } from "./databases/statistics.ts";
import type { Drafter, TokenView } from "./drafter.ts";
import { bigramTable } from "./drafters/bigram.ts";
import { cascadeDrafter } from "./drafters/cascade/index.ts";
import { type HierarchyOptions, hierarchyDrafter } from "./drafters/hierarchy/index.ts";
import { type LayerSkipOptions, layerSkipDrafter } from "./drafters/layer-skip/index.ts";
import { lookupDrafter } from "./drafters/lookup.ts";
import { modelDrafter } from "./drafters/model.ts";
import { predictionDrafter } from "./drafters/prediction/index.ts";
import { seededPick } from "./drafters/sampled-draft.ts";
import { drawing } from "./testing/sequence-view.ts";
import { letterVocabulary } from "./testing/vocabularies.ts";
import { TreeBuilder } from "./tree.ts";
import { crossVocabularyDrafter, translatingReviewer } from "./vocabulary/index.ts";

const cheap: CostCurve = { ms: (width) => 0.05 * width, observe() {} };
/** Another network than the target's: it agrees with it now and then. */
const models = new Map<string, ReturnType<typeof toyModel>>();
function small(world: World, options: { seed?: number; contextLength?: number } = {}) {
  const key = JSON.stringify([world.vocabSize, options]);
  const model =
    models.get(key) ?? toyModel({ contextLength: 96, vocabSize: world.vocabSize, logitScale: 6, ...options });
  models.set(key, model);
  return model;
}

drafterConformance("lookup", () => lookupDrafter());
drafterConformance("lookup, earliest, block of 3", () => lookupDrafter({ tie: "earliest", block: 3, minMatch: 2 }));
drafterConformance("lookup with branches and bigrams", ({ vocabSize, truth }) =>
  lookupDrafter({ branches: 3, bigram: bigramTable(truth, vocabSize) }),
);
drafterConformance("model", (world) => modelDrafter({ model: small(world, { seed: 8 }), curve: cheap }));
drafterConformance("model: the target itself, as a chain", (world) =>
  modelDrafter({ model: small(world), branches: 1, curve: cheap }),
);
drafterConformance("model with a shorter context than the target", (world) =>
  modelDrafter({ model: small(world, { contextLength: 16 }), curve: cheap }),
);
drafterConformance("model, sampling", (world) =>
  drawing(modelDrafter({ model: small(world, { seed: 8 }), curve: cheap }), {
    sampling: { temperature: 0.8 },
    pick: seededPick(3),
  }),
);
const levels = (world: World, seeds: readonly number[]) =>
  seeds.map((seed) => ({ model: small(world, { seed }), curve: cheap }));
drafterConformance("cascade of Max-Gram alone", () => cascadeDrafter({ models: [], k: [[10]] }));
drafterConformance("cascade of two models, lenient", ({ truth, ...world }) =>
  cascadeDrafter({
    models: levels({ truth, ...world }, [1, 8]),
    k: [
      [3, 4, 5],
      [0, 1, 4],
      [0, 0, 6],
    ],
    lenience: 3,
    maxGram: { bigram: bigramTable(truth, world.vocabSize), tie: "earliest" },
  }),
);
drafterConformance("cascade with a model of a shorter context, K searched", (world) =>
  cascadeDrafter({ models: [{ model: small(world, { contextLength: 16 }) }], targetCurve: cheap }),
);

/** Skip sets are for the toy target; the tables of the suite have no layers to skip. */
const toyVocabulary = 40;
const layerSkip = (skip: LayerSkipOptions["skip"], options?: Omit<LayerSkipOptions, "skip">) => (world: World) =>
  layerSkipDrafter({ skip: world.vocabSize === toyVocabulary ? skip : { attention: [], mlp: [] }, ...options });
const whatever = { threshold: { mode: "static", start: 0 } } as const;
drafterConformance("layer-skip: nothing", layerSkip({ attention: [], mlp: [] }, whatever), {
  emitsExactly: (budget) => budget + 1,
});
drafterConformance("layer-skip: everything", layerSkip({ attention: [0, 1], mlp: [0, 1] }, whatever));
drafterConformance("layer-skip: one attention", layerSkip({ attention: [1], mlp: [] }));
drafterConformance("layer-skip: one layer", layerSkip({ attention: [0], mlp: [0] }, { maxDraft: 3 }));

drafterConformance("hierarchy: every database, built from the truth", ({ vocabSize, truth }) =>
  hierarchyDrafter(databasesOf([truth], vocabSize)),
);
drafterConformance("hierarchy, as in the paper", ({ vocabSize, truth }) =>
  hierarchyDrafter({ ...databasesOf([truth], vocabSize), faithful: true }),
);
drafterConformance("hierarchy: random databases, the other way round", ({ vocabSize }) =>
  hierarchyDrafter({ ...databasesOf(noise(vocabSize), vocabSize), order: ["statistics", "model", "context"] }),
);
drafterConformance("hierarchy: model and statistics, random", ({ vocabSize }) =>
  hierarchyDrafter({ ...databasesOf(noise(vocabSize), vocabSize), order: ["model", "statistics"], faithful: true }),
);

drafterConformance("prediction: the truth with every seventh token changed", ({ vocabSize, truth }) =>
  predictionDrafter(truth.map((token, i) => (i % 7 === 6 ? (token + 1) % vocabSize : token))),
);
drafterConformance("prediction: noise", ({ vocabSize }) => predictionDrafter(noise(vocabSize)[0]));
/** A model over other tokens for the same letters. */
const foreign = ({ vocabSize, ...world }: World) => ({
  model: small({ ...world, vocabSize: vocabSize + 3 }, { seed: 8 }),
  vocabulary: letterVocabulary(vocabSize + 3, 2),
  targetVocabulary: letterVocabulary(vocabSize, 1),
});
drafterConformance("model of another vocabulary, re-encoded", (world) =>
  crossVocabularyDrafter({ ...foreign(world), curve: cheap }),
);
drafterConformance("model of another vocabulary, intersection", (world) =>
  crossVocabularyDrafter({ ...foreign(world), curve: cheap, mapping: "intersection" }),
);
drafterConformance("cascade of three models, one of another vocabulary, K of zeros and ones", (world) => {
  const { model, vocabulary, targetVocabulary } = foreign(world);
  const level = { model, curve: cheap, reviewer: translatingReviewer(targetVocabulary, vocabulary) };
  const [first, last] = levels(world, [1, 9]);
  const k = [
    [1, 1, 0, 1],
    [0, 1, 1, 0],
    [0, 0, 0, 1],
    [0, 0, 0, 1],
  ];
  return cascadeDrafter({ models: [first, level, last], k, lenience: 2 });
});

// Adversaries: drafters that no one would write, and that must change nothing.

drafterConformance("random trees", ({ vocabSize }) => {
  const random = seededRandom(4);
  return fromTree("random", (builder, { maxNodes }) => {
    for (let i = 0; i < maxNodes; i++) {
      builder.add(Math.floor(random() * (builder.size + 1)) - 1, Math.floor(random() * vocabSize), 1, random());
    }
  });
});

drafterConformance(
  "always right",
  ({ truth }) =>
    fromTree("right", (builder, { length, maxNodes }) => {
      for (let i = 0; i < maxNodes && length + i < truth.length; i++) builder.add(i - 1, truth[length + i], 1, 0.9);
    }),
  { emitsExactly: (budget) => budget + 1 },
);

drafterConformance(
  "always wrong",
  ({ truth, vocabSize }) =>
    fromTree("wrong", (builder, { length, maxNodes }) => {
      for (let i = 0; i < maxNodes && length + i < truth.length; i++) {
        builder.add(i - 1, (truth[length + i] + 1) % vocabSize, 1, 0.9);
      }
    }),
  { emitsExactly: () => 1, accepts: false },
);

drafterConformance("the truth, cut short by a stop token", ({ truth, stopToken }) =>
  fromTree("stopper", (builder, { length, maxNodes }) => {
    for (let i = 0; i < maxNodes && length + i < truth.length; i++) {
      builder.add(i - 1, i % 3 === 2 ? stopToken : truth[length + i], 1, 0.9);
    }
  }),
);

/** A drafter that offers whatever `fill` builds, deeper and wider than allowed if it likes. */
function fromTree(name: string, fill: (builder: TreeBuilder, context: TokenView) => void): Drafter {
  return {
    name,
    needs: {},
    open() {
      let builder = new TreeBuilder();
      return {
        bid(context) {
          builder = new TreeBuilder();
          fill(builder, context);
          const { parent, confidence } = builder.build();
          return builder.size === 0 ? [] : [{ parent, chance: Float64Array.from(confidence), draftMs: () => 0 }];
        },
        expand: () => builder.build(),
        observe() {},
        close() {},
      };
    },
  };
}

function databasesOf(documents: readonly (readonly number[])[], vocabSize: number): HierarchyOptions {
  return {
    model: { database: buildModelDatabase(documents, vocabSize, Math.min(5, documents[0].length), 1e6) },
    statistics: { database: buildStatistics(documents, vocabSize) },
  };
}

function noise(vocabSize: number): number[][] {
  const random = seededRandom(6);
  return Array.from({ length: 3 }, () => Array.from({ length: 200 }, () => Math.floor(random() * vocabSize)));
}
