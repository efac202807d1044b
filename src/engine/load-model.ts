import { DraftwrightError } from "../errors.ts";
import type { LoadOptions } from "../lm/load.ts";
import { connectWorker } from "./connection.ts";
import { checkDraftingOptions, type DraftingOptions } from "./drafters/index.ts";
import { findDatabases, findDraftModels, findModel } from "./find-model.ts";
import { Model } from "./model.ts";
import { profileFolder } from "./profile-store.ts";
import { isRemote } from "./remote/place.ts";

export interface ModelOptions
  extends Pick<LoadOptions, "threads" | "device" | "numerics" | "contextLength" | "kvType" | "adapters"> {
  /**
   * A path, or a name that `draftwright models list` shows; default: the embedded model. Or `openai:http://host/v1`, with
   * `#id`: a model on a server that tells log probabilities of prompts, decoded greedily.
   */
  readonly model?: string;
  /**
   * Small models of the same family (paths or names) that draft for it, best to cheapest. Default: the embedded drafters
   * for the embedded model, none for others.
   */
  readonly draftModels?: readonly string[];
  /** Settings of single drafters: databases, phrase pools, layers to leave out and more. */
  readonly drafting?: DraftingOptions;
  /** KV rows (tokens) of all running generations together; later ones wait. Default: one context. */
  readonly kvRows?: number;
  /** Generations that run at once; later ones wait. Default 32. */
  readonly parallel?: number;
}

const known = new Set<keyof ModelOptions>([
  "model",
  "draftModels",
  "drafting",
  "threads",
  "device",
  "numerics",
  "contextLength",
  "kvType",
  "adapters",
  "kvRows",
  "parallel",
]);

/**
 * Loads a model, and its draft models, on a thread of its own. Throws `model-not-found`, `bad-model`, `unsupported-model`,
 * `vocabulary-mismatch`, `out-of-memory`, `device-missing`, `native-missing`, `bad-argument`. Dispose of it when done.
 */
export async function loadModel(options: ModelOptions = {}): Promise<Model> {
  for (const name of Object.keys(options)) {
    if (!known.has(name as keyof ModelOptions)) {
      throw new DraftwrightError("bad-argument", `Unknown option "${name}". Options: ${[...known].join(", ")}.`);
    }
  }
  const { model, draftModels, drafting = {}, parallel = 32, ...load } = options;
  checkDraftingOptions(drafting);
  if (!Number.isInteger(parallel) || parallel < 1) {
    throw new DraftwrightError("bad-argument", `parallel is ${parallel}; it must be an integer >= 1.`);
  }
  const path = isRemote(model) ? model : await findModel(model);
  const draftPaths = draftModels ? await Promise.all(draftModels.map(findModel)) : findDraftModels(path);
  if (isRemote(model) && draftPaths.length === 0) {
    throw new DraftwrightError(
      "bad-argument",
      `${model} needs a model of the same family on this machine, for its vocabulary and to draft: pass draftModels to ` +
        "loadModel, or --draft-model.",
    );
  }
  return Model.open(
    connectWorker({
      path,
      draftPaths,
      drafting: withDefaults(drafting, path),
      load,
      parallel,
      profiles: profileFolder(),
    }),
  );
}

/** The databases that ship with the model, where no others are named. */
function withDefaults(drafting: DraftingOptions, model: string): DraftingOptions {
  return { ...drafting, hierarchy: { databases: findDatabases(model), ...drafting.hierarchy } };
}
