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

/** The draft model that ships with a model: the embedded target has one. */
export function findDraftModel(target: string): string | null {
  if (!target.endsWith("embedded-target.Q8_0.gguf")) return null;
  const drafter = join(dirname(target), "embedded-drafter.Q8_0.gguf");
  return existsSync(drafter) ? drafter : null;
}
