import type {
  CascadeOptions,
  HierarchyOptions,
  LayerSkipOptions,
  LookaheadOptions,
  LookupOptions,
  OuroborosOptions,
} from "../../drafting/index.ts";
import type { HeadDrafterOptions } from "../../drafting/trained/index.ts";
import { DraftwrightError } from "../../errors.ts";
import type { SkipSet } from "../../lm/model.ts";
import type { ParallelOptions } from "../parallel/placement.ts";

/** Where phrases go that Ouroboros has learned. They are text of users: by default nothing outlives its request. */
export type PoolPlace = "request" | "session" | { readonly path: string };

/** Settings of the drafters of a model, by drafter, as plain data. What is left out has the default of the drafter. */
export interface DraftingOptions {
  readonly lookup?: LookupOptions;
  readonly cascade?: Pick<CascadeOptions, "k" | "lenience" | "maxGram">;
  /** `pool`: "session" shares phrases between the requests of this model; a path keeps them in a file, too. */
  readonly ouroboros?: Omit<OuroborosOptions, "model" | "pool" | "curve" | "clock"> & { readonly pool?: PoolPlace };
  readonly lookahead?: Omit<LookaheadOptions, "pool">;
  /** `databases`: files of `draftwright db build`. Default: those that ship with the embedded model, none for others. */
  readonly hierarchy?: Omit<HierarchyOptions, "model" | "statistics"> & { readonly databases?: readonly string[] };
  /** `skip`: layers to leave out, or a file of `draftwright layer-skip search`. Without it there is no such drafter. */
  readonly layerSkip?: Pick<LayerSkipOptions, "maxDraft" | "threshold"> & { readonly skip: SkipSet | string };
  /**
   * Files of `draftwright train amphista` and its like, at most one of a kind; each drafts under the name of its kind.
   * Those that ship with the embedded model need not be named; `auto` asks only those that are.
   */
  readonly heads?: readonly string[];
  /** Trees of Amphista's and Medusa's heads: `dynamic` (default) by what a head is sure of each time, `static` of a shape in its file. */
  readonly headTree?: HeadDrafterOptions["tree"];
  /**
   * Runs the first draft model once more, on a thread and cores of its own, so that it drafts while the target verifies:
   * drafter `parallel`. The target gets the other cores. Without it there is no such drafter.
   */
  readonly parallel?: ParallelOptions;
}

const known = new Set<keyof DraftingOptions>([
  "lookup",
  "cascade",
  "ouroboros",
  "lookahead",
  "hierarchy",
  "layerSkip",
  "heads",
  "headTree",
  "parallel",
]);

/** Throws "bad-argument" for a drafter that has no settings. The settings are checked by the drafters. */
export function checkDraftingOptions(options: DraftingOptions): void {
  for (const name of Object.keys(options)) {
    if (!known.has(name as keyof DraftingOptions)) {
      throw new DraftwrightError("bad-argument", `Unknown drafter "${name}" in drafting: ${[...known].join(", ")}.`);
    }
  }
}
