import { DraftwrightError } from "../../errors.ts";
import type { LoadOptions } from "../../lm/load.ts";
import type { HostOptions } from "../protocol.ts";
import { DraftThread } from "./draft-thread.ts";
import { placeModels } from "./placement.ts";

/**
 * Starts the thread of the drafter `parallel`, where one is asked for: it opens its model while the target is loaded. `load`:
 * how the target is to be loaded beside it. Throws "bad-argument" and "device-missing".
 */
export function startBeside({ load, drafting, draftPaths }: HostOptions): { load: LoadOptions; thread?: DraftThread } {
  const { parallel } = drafting;
  if (!parallel) return { load };
  if (draftPaths.length === 0) {
    throw new DraftwrightError(
      "bad-argument",
      "Drafting in parallel needs a draft model: pass draftModels to loadModel, or --draft-model.",
    );
  }
  const { target, drafter } = placeModels(load, parallel);
  const thread = new DraftThread(draftPaths[0], { numerics: "fast", kvRows: load.kvRows, ...drafter });
  return { load: { ...load, ...target }, thread };
}
