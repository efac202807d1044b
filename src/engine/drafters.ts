import { type CostCurve, type Drafter, lookupDrafter, modelDrafter } from "../drafting/index.ts";
import { DraftwrightError } from "../errors.ts";
import type { LanguageModel } from "../lm/model.ts";

/** A draft model, and what its forwards cost. */
export interface DraftModel {
  readonly model: LanguageModel;
  readonly curve: CostCurve;
}

/** The drafters of one target, by the names that `draft` accepts. A new drafter gets its line here. */
export function makeDrafters([best]: readonly DraftModel[]): Map<string, Drafter> {
  const drafters = [lookupDrafter()];
  if (best) drafters.push(modelDrafter(best));
  return new Map(drafters.map((drafter) => [drafter.name, drafter]));
}

/** Throws `bad-argument` for a name that is not there, saying why. */
export function chooseDrafters(all: ReadonlyMap<string, Drafter>, names: "auto" | readonly string[]): Drafter[] {
  if (names === "auto") return [...all.values()];
  return names.map((name) => {
    const drafter = all.get(name);
    if (drafter) return drafter;
    const why =
      name === "model"
        ? "it needs a draft model: pass draftModels to loadModel, or --draft-model"
        : `it must be auto, off, or some of: ${[...all.keys()].join(", ")}`;
    throw new DraftwrightError("bad-argument", `Cannot draft with "${name}": ${why}.`);
  });
}
