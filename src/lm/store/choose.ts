import { posix } from "node:path";
import { DraftwrightError } from "../../errors.ts";

const PART = /-(\d{5})-of-(\d{5})\.gguf$/i;

/**
 * The files that make up the wanted model: one, or all parts of a split GGUF in order. `selector` is a quantisation name
 * (Q4_0), a file name or a path; without one the repository must hold exactly one model.
 * Throws "model-not-found" with the choices.
 */
export function chooseFiles(repo: string, paths: readonly string[], selector?: string): string[] {
  const models = groupParts(paths);
  if (models.size === 0) {
    throw new DraftwrightError(
      "model-not-found",
      `${repo} has no GGUF file. Look for a conversion of it, often named ${repo.split("/")[1]}-GGUF.`,
    );
  }
  const names = [...models.keys()];
  const matching = selector === undefined ? names.filter(isLanguageModel) : matches(names, selector);
  if (matching.length === 1) return completeParts(matching[0], models.get(matching[0]) ?? []);
  const choices = (matching.length > 1 ? matching : names).map((name) => `${repo}:${name}`);
  const problem =
    selector === undefined ? "holds several models" : `has ${matching.length || "no"} files for "${selector}"`;
  throw new DraftwrightError("model-not-found", `${repo} ${problem}; choose one:\n  ${choices.join("\n  ")}`);
}

/** Model name (path without part number) -> its files. */
function groupParts(paths: readonly string[]): Map<string, string[]> {
  const models = new Map<string, string[]>();
  for (const path of [...paths].sort()) {
    if (!/\.gguf$/i.test(path)) continue;
    const name = modelName(path);
    models.set(name, [...(models.get(name) ?? []), path]);
  }
  return models;
}

/** The path without the number of its part. */
export function modelName(path: string): string {
  return path.replace(PART, ".gguf");
}

/** True for every part but the first. */
export function isLaterPart(path: string): boolean {
  const part = PART.exec(path);
  return part !== null && Number(part[1]) > 1;
}

/** Vision projectors and importance matrices are GGUF files too, but no models. */
function isLanguageModel(name: string): boolean {
  return !/(^|[-_.])(mmproj|imatrix)([-_.]|$)/i.test(posix.basename(name));
}

function matches(names: readonly string[], selector: string): string[] {
  const wanted = modelName(selector).toLowerCase();
  const tests: ((name: string) => boolean)[] = [
    (name) => name === wanted || name === `${wanted}.gguf`,
    (name) => posix.basename(name) === wanted || posix.basename(name) === `${wanted}.gguf`,
    // A quantisation name stands between - . _ and the end or - . : Q4_K is not Q4_K_M.
    (name) => {
      const escaped = wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      return new RegExp(`(^|[-._])${escaped}[-.]`).test(posix.basename(name)) && isLanguageModel(name);
    },
  ];
  for (const test of tests) {
    const found = names.filter((name) => test(name.toLowerCase()));
    if (found.length > 0) return found;
  }
  return [];
}

function completeParts(name: string, files: string[]): string[] {
  const total = Number(PART.exec(files[0])?.[2] ?? 1);
  if (files.length !== total) {
    throw new DraftwrightError(
      "model-not-found",
      `${name} is incomplete on the hub: ${files.length} of ${total} parts.`,
    );
  }
  return files;
}
