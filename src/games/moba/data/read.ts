// Which reader a format's name stands for.
import { readFileSync } from "node:fs";
import { DraftwrightError } from "../../../errors.ts";
import type { MobaData } from "./dataset.ts";
import { readDraftRec } from "./draftrec-files.ts";
import { readKaggle } from "./kaggle.ts";
import { readOpenDota } from "./opendota.ts";
import { type Synthetic, type SyntheticOptions, synthesise } from "./synthetic.ts";

const readers = { opendota: readOpenDota, draftrec: readDraftRec, kaggle: readKaggle } as const;
export const mobaFormats = [...Object.keys(readers), "synthetic"];

/** `truth` for synthetic matches, whose file only says what to draw. Throws `bad-argument` for an unknown format or a file that is not of it. */
export function readMatches(path: string, format: string): { readonly data: MobaData; readonly truth?: Synthetic } {
  if (format === "synthetic") {
    const truth = synthesise(readOptions(path));
    return { data: truth.data, truth };
  }
  if (!Object.hasOwn(readers, format)) {
    throw new DraftwrightError("bad-argument", `There is no format "${format}". Use ${mobaFormats.join(", ")}.`);
  }
  return { data: readers[format as keyof typeof readers](path) };
}

function readOptions(path: string): SyntheticOptions {
  try {
    const options = JSON.parse(readFileSync(path, "utf8")) as SyntheticOptions;
    const { matches, seed, champions = 100 } = options ?? {};
    if ([matches, seed, champions].every(Number.isSafeInteger)) return options;
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  }
  throw new DraftwrightError(
    "bad-argument",
    `${path} describes no synthetic matches; \`draftwright game moba synth\` writes such a file.`,
  );
}
