import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DraftwrightError } from "../errors.ts";

const embeddedTarget = "embedded-target.Q8_0.gguf";
const embeddedDrafter = "embedded-drafter.Q8_0.gguf";

/**
 * The file of a model: `embedded` (or nothing), a path, a file in the folder DRAFTWRIGHT_MODELS, or a name in the model
 * store. Throws `model-not-found`.
 */
export async function findModel(name = "embedded"): Promise<string> {
  const candidates =
    name === "embedded" ? folders().map((folder) => join(folder, embeddedTarget)) : [name, ...named(name)];
  const found = candidates.find((path) => existsSync(path) && statSync(path).isFile());
  if (found) return found;
  throw new DraftwrightError(
    "model-not-found",
    `There is no model "${name}". Give the path of a GGUF file, or see \`draftwright models list\`.`,
  );
}

/** The draft model that ships with a model: the embedded target has one. */
export function findDraftModel(target: string): string | null {
  const beside = join(dirname(target), embeddedDrafter);
  return target.endsWith(embeddedTarget) && existsSync(beside) ? beside : null;
}

function named(name: string): string[] {
  const folder = process.env.DRAFTWRIGHT_MODELS;
  return folder ? [join(folder, name), join(folder, `${name}.gguf`)] : [];
}

/** Where embedded models may lie: beside the package's own dist/ or src/, then the user's folder. */
function folders(): string[] {
  const own = fileURLToPath(new URL("../../models", import.meta.url));
  return [own, ...(process.env.DRAFTWRIGHT_MODELS ? [process.env.DRAFTWRIGHT_MODELS] : [])];
}
