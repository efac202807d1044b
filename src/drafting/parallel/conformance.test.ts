import { toyModel } from "../../lm/toy/index.ts";
import { drafterConformance, type World } from "../conformance.ts";
import type { CostCurve } from "../cost-curve.ts";
import { parallelDrafter } from "./drafter.ts";
import { type SteppedLinkOptions, steppedLink } from "./testing/stepped-link.ts";

const cheap: CostCurve = { ms: (width) => 0.05 * width, observe() {} };
const target: CostCurve = { ms: (width) => 1 + 0.06 * (width - 1), observe() {} };
const models = new Map<string, ReturnType<typeof toyModel>>();

function small(world: World, seed: number | undefined, contextLength: number) {
  const key = `${world.vocabSize} ${seed} ${contextLength}`;
  const model =
    models.get(key) ??
    toyModel({ contextLength, vocabSize: world.vocabSize, logitScale: 6, ...(seed !== undefined && { seed }) });
  models.set(key, model);
  return model;
}

/** Every text of the suite gets another schedule of the two sides; equal texts the same, for laws are found by replay. */
const make =
  (seed: number | undefined, options: SteppedLinkOptions = {}, contextLength = 96) =>
  (world: World) => {
    const text = world.truth;
    const model = small(world, seed, contextLength);
    const link = steppedLink(model, { ...options, seed: text.reduce((sum, token) => (31 * sum + token) % 99991, 7) });
    let now = 0;
    return parallelDrafter({
      link,
      vocabSize: model.vocabSize,
      curve: cheap,
      targetCurve: target,
      clock: () => {
        now += 0.01;
        return now;
      },
    });
  };

drafterConformance("parallel", make(8));
drafterConformance("parallel: the target itself, far ahead", make(undefined, { pace: 60 }));
drafterConformance("parallel: a shorter context than the target's", make(undefined, { pace: 2 }, 16));
drafterConformance("parallel: messages lost, changed and doubled", make(undefined, { faults: 0.1 }));
