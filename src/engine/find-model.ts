import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { resolveModel, type StoreSettings, storeSettings } from "../lm/store/index.ts";

/** The model store, with the models that ship with this package. Settings come from the environment. */
export function modelStore(overrides: Partial<StoreSettings> = {}): StoreSettings {
  // Both src/engine and dist/engine lie two folders below the package.
  const embeddedDir = fileURLToPath(new URL("../../models", import.meta.url));
  return storeSettings({ embeddedDir, ...overrides });
}

/** The file of a model that `draftwright models list` shows, or of a path. Throws `model-not-found`. */
export function findModel(name = "embedded"): Promise<string> {
  return resolveModel(name, modelStore());
}

/** The draft models that ship with a model, best to cheapest: the embedded target has two. */
export function findDraftModels(target: string): string[] {
  return beside(target, ["embedded-drafter.Q8_0.gguf", "embedded-drafter2.Q8_0.gguf"]);
}

/** The drafting databases that ship with a model. */
export function findDatabases(target: string): string[] {
  return beside(target, ["embedded.model.db", "embedded.stats.db"]);
}

/** The drafting heads that ship with a model; each file is named like its kind. */
export function findHeads(target: string): string[] {
  return beside(target, ["heads/amphista.gguf", "heads/falcon.gguf"]);
}

function beside(target: string, names: readonly string[]): string[] {
  if (!target.endsWith("embedded-target.Q8_0.gguf")) return [];
  return names.map((name) => join(dirname(target), name)).filter((path) => existsSync(path));
}
