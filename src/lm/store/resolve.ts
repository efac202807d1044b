import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DraftwrightError } from "../../errors.ts";
import { chooseFiles } from "./choose.ts";
import { filesBelow } from "./files.ts";
import { readRef, repoDir } from "./layout.ts";
import { type ListedModel, listModels } from "./list.ts";
import { looksLikeReference, parseReference } from "./reference.ts";
import type { StoreSettings } from "./settings.ts";

/**
 * Absolute path of a GGUF file on this machine: "embedded" (the target that ships with the package), a path, a file stem
 * of the embedded or the user's own models, or `org/name[:file][@revision]` in the cache. Nothing is downloaded.
 * Throws "model-not-found" with what comes near and the command that would pull it.
 */
export async function resolveModel(name: string, settings: StoreSettings): Promise<string> {
  if ((await stat(name).catch(() => undefined))?.isFile()) return resolve(name);
  const models = await listModels(settings);
  const byName = models.find((model) => model.source !== "cache" && isCalled(model, name));
  if (byName) return byName.path;
  if (!looksLikeReference(name)) throw notFound(name, models);

  const { repo, file, revision = "main" } = parseReference(name);
  const folder = repoDir(settings.cacheDir, repo);
  const commit = await readRef(folder, revision);
  if (commit === undefined) throw notFound(name, models);
  const dir = join(folder, "snapshots", commit);
  const paths = (await filesBelow(dir)).map(({ path }) => path);
  try {
    return join(dir, chooseFiles(repo, paths, file)[0]);
  } catch (cause) {
    throw notFound(name, models, cause);
  }
}

function isCalled(model: ListedModel, name: string): boolean {
  const wanted = name.replace(/\.gguf$/i, "");
  return model.name === wanted || (wanted === "embedded" && model.source === "embedded" && /target/i.test(model.name));
}

function notFound(name: string, models: readonly ListedModel[], cause?: unknown): DraftwrightError {
  const near = nearest(
    name,
    models.map((model) => model.name),
  );
  const parts = [`There is no model "${name}" on this machine.`];
  if (near.length > 0) parts.push(`Did you mean: ${near.join(", ")}?`);
  if (looksLikeReference(name)) parts.push(`To download it: draftwright models pull ${name}`);
  else
    parts.push(
      "Give a path to a GGUF file, org/name:file, or a file in DRAFTWRIGHT_MODELS; see: draftwright models list",
    );
  return new DraftwrightError("model-not-found", parts.join(" "), { cause });
}

/** Up to three names that contain the wanted one or share many letter pairs with it (Dice's coefficient). */
function nearest(wanted: string, names: readonly string[]): string[] {
  const pairs = (text: string) => {
    const letters = text.toLowerCase();
    return new Set(Array.from({ length: Math.max(0, letters.length - 1) }, (_, i) => letters.slice(i, i + 2)));
  };
  const target = pairs(wanted);
  const likeness = (name: string) => {
    if (name.toLowerCase().includes(wanted.toLowerCase())) return 1;
    const own = pairs(name);
    const shared = [...own].filter((pair) => target.has(pair)).length;
    return (2 * shared) / Math.max(1, own.size + target.size);
  };
  return [...new Set(names)]
    .map((name) => ({ name, score: likeness(name) }))
    .filter(({ score }) => score >= 0.4)
    .sort((a, b) => b.score - a.score)
    .slice(0, 3)
    .map(({ name }) => name);
}
